import { type Read, Wrong } from './values.js';

/** Somebody whose access tokens are taken, and by whom people sign in where `signIn` says how. */
export interface TokenIssuer {
  /** `iss` of the tokens, to the letter. */
  readonly issuer: string;
  /** Where the issuer's signing keys lie. */
  readonly jwksUri: string;
  /** What `aud` of the tokens has to name. */
  readonly audience: string;
  /** Tokens need not say that they are access tokens (`typ: at+jwt`, RFC 9068). */
  readonly legacy: boolean;
  readonly signIn?: SignIn;
}

/** We, as the issuer knows us. */
export interface SignIn {
  readonly clientId: string;
  /** Absent: a public client, by PKCE alone. */
  readonly clientSecret?: string;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

type Judge = (value: unknown) => string | null;

const isAddress: Judge = (value) => {
  const wrong = 'is no https address';
  if (typeof value !== 'string' || value.length > 2_048 || /[\s#]/.test(value) || !URL.canParse(value)) return wrong;
  const { protocol, hostname, username, password } = new URL(value);
  const isPrivate = protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname));
  return isPrivate && username === '' && password === '' ? null : wrong;
};

const isName: Judge = (value) =>
  typeof value === 'string' && /^[\x21-\x7e]{1,1024}$/.test(value) ? null : 'is no plain text';

/** Members of an entry; the first three have to be there. */
const MEMBERS: Readonly<Record<string, Judge>> = {
  issuer: (value) => isAddress(value) ?? (String(value).includes('?') ? 'is no https address' : null),
  jwksUri: isAddress,
  audience: isName,
  legacy: (value) => (typeof value === 'boolean' ? null : 'is neither true nor false'),
  clientId: isName,
  clientSecret: isName,
};
const REQUIRED = ['issuer', 'jwksUri', 'audience'];

const FORM = `a JSON list such as [{"issuer": "https://…", "jwksUri": "https://…", "audience": "…"}], with "legacy": true, "clientId" and "clientSecret" where wanted`;

/** Reads `SIGHTLINE_OIDC`. Messages name members and never show values: some are secret. */
export const tokenIssuers: Read<readonly TokenIssuer[]> = (text) => {
  const entries = listIn(text);
  if (entries === null) return new Wrong(FORM);
  const wrong = entries.flatMap((entry, i) => faultsOf(entry).map((fault) => `entry ${i + 1}: ${fault}`));
  const issuers = entries.map((entry) => (entry as { readonly issuer?: unknown } | null)?.issuer);
  if (new Set(issuers).size < issuers.length) wrong.push('two entries have one issuer');
  return wrong.length > 0 ? new Wrong(`${FORM}; ${wrong.join('; ')}`) : (entries as readonly Entry[]).map(settled);
};

interface Entry extends Omit<TokenIssuer, 'legacy' | 'signIn'> {
  readonly legacy?: boolean;
  readonly clientId?: string;
  readonly clientSecret?: string;
}

function settled({ issuer, jwksUri, audience, legacy = false, clientId, clientSecret }: Entry): TokenIssuer {
  const secret = clientSecret === undefined ? {} : { clientSecret };
  const signIn = clientId === undefined ? {} : { signIn: Object.freeze({ clientId, ...secret }) };
  return Object.freeze({ issuer, jwksUri, audience, legacy, ...signIn });
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

function faultsOf(entry: unknown): readonly string[] {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return ['is no object'];
  const given = entry as Readonly<Record<string, unknown>>;
  const faults = [
    ...REQUIRED.filter((name) => given[name] === undefined).map((name) => `${name} is missing`),
    ...Object.entries(given).flatMap(([name, value]) => faultOf(name, value)),
  ];
  if (given.clientSecret !== undefined && given.clientId === undefined) faults.push('clientSecret wants clientId');
  return faults;
}

function faultOf(name: string, value: unknown): readonly string[] {
  const judge = Object.hasOwn(MEMBERS, name) ? MEMBERS[name] : undefined;
  if (judge === undefined) return [`${JSON.stringify(name).slice(0, 40)} is no member`];
  const fault = judge(value);
  return fault === null ? [] : [`${name} ${fault}`];
}
