import { createHash } from 'node:crypto';
import type { Random } from './api-key.js';

const FORM = /^[\w-]{43}$/;

/** What a browser keeps of its session: 256 random bits. */
export const makeSessionToken = (random: Random): string => random(32).toString('base64url');

/** What we keep of it, or null for what cannot be one. No slow hash and no pepper: it is random. */
export function hashOfSession(token: string): Buffer | null {
  return FORM.test(token) ? createHash('sha256').update(token).digest() : null;
}
