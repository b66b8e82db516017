import type { Selector } from '#catalog';

const text = (description: string, example: string, maxLength: number): Selector<string> => ({
  description,
  schema: { type: 'string', minLength: 1, maxLength },
  example,
  parse: (given) =>
    given.length > 0 && given.length <= maxLength
      ? { value: given }
      : { finding: ['length', `expected 1 to ${maxLength} characters, got ${given.length}`] },
});

/** Selectors of `GET /v1/session/sign-in`. */
export const SIGN_IN_SELECTORS = {
  issuer: text(
    'Issuer by which to sign in; may be left out where there is one.',
    'https://login.example.org/realms/water',
    2_048,
  ),
  returnTo: text('Path on this server to which the browser goes afterwards; `/` where absent.', '/wall', 1_024),
} as const;

/** What an issuer may say of a sign-in; whatever else it says is of no use to us. */
export const CALLBACK_SELECTORS = {
  code: text('What the issuer gives for a sign-in that succeeded.', 'SplxlOBeZQQYbYS6WxSbIA', 4_096),
  state: text('What we gave the issuer for this sign-in.', 'af0ifjsldkj', 512),
  iss: text('The issuer (RFC 9207).', 'https://login.example.org/realms/water', 2_048),
  error: text('Why there was no sign-in.', 'access_denied', 512),
} as const;
