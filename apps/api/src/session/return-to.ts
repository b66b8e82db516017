import { InvalidParameter } from '#catalog';

/** Nobody's origin, against which a path is read. */
const HERE = 'http://here.invalid';
const MAX_LENGTH = 1_024;

/** Where a browser goes after its sign-in, if that is a page of our own; else null, so that no link to us leads elsewhere. */
export function ownPath(text: string): string | null {
  if (!text.startsWith('/') || text.length > MAX_LENGTH || !/^[\x21-\x7e]+$/.test(text) || !URL.canParse(text, HERE)) {
    return null;
  }
  const { origin, pathname, search, hash } = new URL(text, HERE);
  // A URL reads "\" as "/", and takes "." and ".." out: what is left must not begin another host either.
  return origin === HERE && !pathname.startsWith('//') ? pathname + search + hash : null;
}

/** @throws InvalidParameter */
export function requireOwnPath(text: string): string {
  const path = ownPath(text);
  if (path !== null) return path;
  const detail = `expected a path on this server of at most ${MAX_LENGTH} characters, such as /wall`;
  throw new InvalidParameter([{ parameter: 'returnTo', code: 'format', detail }]);
}
