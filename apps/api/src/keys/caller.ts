import { ANONYMOUS, type Principal } from '#access';

/** A person as an issuer knows him. */
export interface KnownPerson {
  readonly issuer: string;
  readonly subject: string;
  /** As the issuer told it at sign-in; null where it did not. */
  readonly name: string | null;
}

/** Who sent a request, and by what he is known. */
export interface Caller {
  readonly principal: Principal;
  /** When his credentials end at the latest, RFC 3339; null: they do not by themselves. */
  readonly expiresAt: string | null;
  /** Name of the key that he presents; null for others. */
  readonly keyName: string | null;
  /** Null for keys, and without credentials. */
  readonly person: KnownPerson | null;
  /** SHA-256 of the token of his session; null without one. */
  readonly session: Buffer | null;
  /** Name under which he is believed for a moment (believed.ts); null for who shows nothing. */
  readonly believedAs: string | null;
}

const nobody = (principal: Principal): Caller =>
  Object.freeze({ principal, expiresAt: null, keyName: null, person: null, session: null, believedAs: null });

/** Everybody without credentials. */
export const NOBODY = nobody(ANONYMOUS);

/**
 * Who shows the cookie of a session that is over, where that is no reason to turn him away. He reads what everybody reads, but his answer takes
 * the cookie back, and so is nobody else's.
 */
export const LAPSED = nobody(Object.freeze({ ...ANONYMOUS }));
