import { isPlainObject } from './rules.js';

/**
 * JSON Canonicalization Scheme (RFC 8785): one text for equal values, members in the order of their names' UTF-16 units. As JSON.stringify does, it
 * leaves out members that are undefined, and writes null for what JSON cannot say.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isPlainObject(value)) return value === undefined ? 'null' : JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .filter((name) => value[name] !== undefined)
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name])}`);
  return `{${members.join(',')}}`;
}
