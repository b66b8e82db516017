/** Longest head that a device reads, bytes. */
const MAX_HEAD = 16_384;

/** A request as it came. */
export interface DeviceRequest {
  readonly method: string;
  /** Path and query, byte for byte. */
  readonly target: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly version: string;
  readonly headers: ReadonlyMap<string, string>;
}

/** The first request of what has arrived, and how many bytes it took; `bad` where it will never become one. */
export function readRequest(
  bytes: Buffer,
): { readonly request: DeviceRequest; readonly length: number } | 'more' | 'bad' {
  const end = /\r?\n\r?\n/.exec(bytes.toString('latin1', 0, MAX_HEAD));
  if (end === null) return bytes.length >= MAX_HEAD ? 'bad' : 'more';
  const [first = '', ...lines] = bytes.toString('latin1', 0, end.index).split(/\r?\n/);
  const [, method, target, version] = /^([A-Z]+) (\/\S*) HTTP\/(1\.[01])$/.exec(first) ?? [];
  if (method === undefined || target === undefined || version === undefined) return 'bad';
  const [path = '/', query = ''] = target.split(/\?(.*)/s);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = /^([^:\s]+)\s*:(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) headers.set(name.toLowerCase(), value.trim());
  }
  const request = { method, target, path, query: new URLSearchParams(query), version, headers };
  return { request, length: end.index + end[0].length };
}

/** Sizes that a device offers. */
export const RESOLUTIONS: readonly string[] = [
  '1920x1080',
  '1280x960',
  '1280x720',
  '1024x768',
  '1024x576',
  '800x600',
  '800x450',
  '640x480',
  '640x360',
  '480x270',
  '320x240',
  '320x180',
  '160x120',
  '160x90',
];
export const RESOLUTION_4K = '3840x2160';

/** Most pictures a second that a device gives; `fps=0` asks for all of them. */
export const MAX_FPS = 10;

/** What a VAPIX request asks for. */
export interface VapixRequest {
  readonly camera: string;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly compression: number;
  readonly fps: number;
}

/**
 * Reads the arguments of a VAPIX request; where one is not supported, the text with which an Axis device answers, with
 * status 200. Arguments that we do not know, such as `clock` and `text`, are ignored as AXIS OS does from 10.6.
 */
export function vapixOf(query: URLSearchParams, resolutions: readonly string[]): VapixRequest | string {
  const last = (name: string, usual: string): string => query.getAll(name).at(-1) ?? usual;
  const resolution = last('resolution', '640x360');
  if (!resolutions.includes(resolution)) return `<!-- Resolution ${plain(resolution)} not supported. -->`;
  const compression = wholeOf(last('compression', '30'), 100);
  if (compression === null) return '<!-- Compression must be 0 to 100. -->';
  const fps = wholeOf(last('fps', '0'), 240);
  if (fps === null) return '<!-- Fps must be 0 to 240. -->';
  const [widthPx = 0, heightPx = 0] = resolution.split('x').map(Number);
  return {
    camera: last('camera', '1'),
    widthPx,
    heightPx,
    compression,
    fps: fps === 0 ? MAX_FPS : Math.min(fps, MAX_FPS),
  };
}

/** Quotes what a stranger sent without letting it close the comment. */
export const plain = (text: string): string => text.replace(/[^\w.]/g, '').slice(0, 20);

function wholeOf(text: string, max: number): number | null {
  return /^\d{1,3}$/.test(text) && Number(text) <= max ? Number(text) : null;
}
