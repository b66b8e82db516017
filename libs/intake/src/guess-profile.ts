import { decodeHead } from './decode.js';
import { folded } from './fields.js';
import type { Profile } from './intake.js';

/** Bytes that are looked at: the first records of any file. */
const HEAD_BYTES = 16_384;

/**
 * Which profile a file most likely has, by its first records and then by its name; null where nothing tells. For people
 * who name none.
 */
export function guessProfile(bytes: Uint8Array, fileName = ''): Profile | null {
  const head = decodeHead(bytes, HEAD_BYTES);
  const keys = new Set([...head.matchAll(/"([^"\\]+)"\s*:/g)].map(([, key = '']) => folded(key)));
  const hasAll = (...names: readonly string[]): boolean => names.every((name) => keys.has(name));
  if (hasAll('cameraid', 'imageurl') && (keys.has('longitude4326') || keys.has('rivercode'))) return 'wra-flood';
  if (isLines(head)) return 'ndjson';
  if (hasAll('features') || hasAll('geometry', 'properties')) return 'geojson';
  if (/^\s*[[{]/.test(head) && keys.has('localid')) return 'json';
  const extension = /\.([a-z]+)$/i.exec(fileName)?.[1]?.toLowerCase();
  if (extension === 'geojson') return 'geojson';
  return extension === 'ndjson' || extension === 'jsonl' || extension === 'geojsonl' ? 'ndjson' : null;
}

/** Whether each line is an object of its own. */
function isLines(head: string): boolean {
  const lines = head.split('\n').map((line) => line.replace('\u001e', '').trim());
  const [first = '', second = ''] = lines.filter((line) => line !== '');
  return first.startsWith('{') && first.endsWith('}') && second.startsWith('{');
}
