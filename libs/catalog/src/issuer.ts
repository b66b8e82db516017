import { shown } from './problems.js';
import type { Finding } from './rules.js';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Whether nothing between us and this address can read along: https, or http on this very machine. */
export function isPrivateTransport({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname));
}

/** Judges the name of a token issuer: a URL without query and fragment (OpenID Connect Discovery 1.0, section 3). */
export function judgeIssuer(value: unknown): Finding {
  if (typeof value !== 'string') return ['type', `expected text, got ${shown(value)}`];
  if (value.length > 2_048) return ['length', `expected at most 2048 characters, got ${value.length}`];
  const expected = 'expected the https address of an issuer, without user, query and fragment';
  if (!URL.canParse(value) || /[?#\s]/.test(value)) return ['format', `${expected}, got ${shown(value)}`];
  const url = new URL(value);
  const isFine = isPrivateTransport(url) && url.username === '' && url.password === '';
  return isFine ? null : ['format', `${expected}, got ${shown(value)}`];
}
