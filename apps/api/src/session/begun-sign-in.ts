import { ownPath } from './return-to.js';

/** What a sign-in that is under way has to remember. It lies in the browser in which it began, and is worth nothing in another. */
export interface BegunSignIn {
  readonly issuer: string;
  /** What the issuer sends back, so that we know that we asked. */
  readonly state: string;
  /** What the ID token repeats, so that it is of this sign-in. */
  readonly nonce: string;
  /** Proves to the issuer that who redeems the code is who asked for it (RFC 7636). */
  readonly verifier: string;
  /** A path of our own. */
  readonly returnTo: string;
}

const MEMBERS = ['issuer', 'state', 'nonce', 'verifier', 'returnTo'] as const satisfies readonly (keyof BegunSignIn)[];

export const writeSignIn = (begun: BegunSignIn): string =>
  Buffer.from(JSON.stringify(MEMBERS.map((member) => begun[member]))).toString('base64url');

/** What the cookie says, or null for what we never wrote. */
export function readSignIn(text: string): BegunSignIn | null {
  const values = listIn(Buffer.from(text, 'base64url').toString());
  if (values?.length !== MEMBERS.length || !values.every((value) => typeof value === 'string')) return null;
  const [issuer = '', state = '', nonce = '', verifier = '', to = ''] = values;
  const returnTo = ownPath(to);
  return returnTo === null ? null : { issuer, state, nonce, verifier, returnTo };
}

function listIn(text: string): readonly unknown[] | null {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
