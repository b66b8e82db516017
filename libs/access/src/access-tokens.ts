import {
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  jwtVerify,
  type ProtectedHeaderParameters,
} from 'jose';
import { SUBJECT, TokenExpired, Unauthenticated } from '#catalog';
import { IssuerKeys } from './issuer-keys.js';

/** Whose tokens are taken. */
export interface AcceptedIssuer {
  /** `iss`, to the letter. */
  readonly issuer: string;
  readonly jwksUri: string;
  /** What `aud` has to name. */
  readonly audience: string;
  /** Tokens need not say that they are access tokens. */
  readonly legacy: boolean;
}

/** Whom a token speaks of. It says who somebody is, and never what he may do. */
export interface TokenBearer {
  readonly issuer: string;
  readonly subject: string;
  /** Unix time, milliseconds. */
  readonly expiresAt: number;
}

/** Signatures that only the issuer can make; never one that our copy of a public key can (HS256). */
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];
const ACCESS_TOKEN = /^(?:application\/)?at\+jwt$/i;
/** What older issuers write instead, or nothing; other kinds of tokens name themselves. */
const ANY_TOKEN = /^(?:(?:application\/)?(?:at\+)?jwt)?$/i;
/** By these a token would say itself with which key it is judged. */
const OWN_KEYS = ['jku', 'x5u', 'jwk'] as const;
const TOLERANCE_S = 30;
const MAX_LENGTH = 16_384;

/** Takes access tokens of the issuers in our settings and nobody else's (security.md AUTHN-3; RFC 9068, RFC 8725). */
export class AccessTokens {
  private readonly issuers: ReadonlyMap<string, { readonly accepted: AcceptedIssuer; readonly keys: IssuerKeys }>;

  /** @param now Unix time, milliseconds */
  constructor(
    issuers: readonly AcceptedIssuer[],
    private readonly now: () => number = Date.now,
    keysOf = ({ jwksUri }: AcceptedIssuer): IssuerKeys => new IssuerKeys(jwksUri),
  ) {
    this.issuers = new Map(issuers.map((accepted) => [accepted.issuer, { accepted, keys: keysOf(accepted) }]));
  }

  /** Whether this could be a token rather than something else. */
  static isLike(text: string): boolean {
    return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text);
  }

  /** @throws Unauthenticated, TokenExpired, IssuerUnavailable */
  async verify(token: string): Promise<TokenBearer> {
    try {
      return await this.judge(token);
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw new TokenExpired('this access token has expired', { cause: error });
      // The last two: what is no token at all, and a key of the issuer that is none.
      if (error instanceof errors.JOSEError || error instanceof TypeError || error instanceof DOMException) {
        throw new Unauthenticated('this access token is not one that we take', { cause: error });
      }
      throw error;
    }
  }

  private async judge(token: string): Promise<TokenBearer> {
    if (token.length > MAX_LENGTH) throw new Unauthenticated(`an access token has at most ${MAX_LENGTH} characters`);
    const header = decodeProtectedHeader(token);
    const { iss = '' } = decodeJwt(token);
    const known = this.issuers.get(iss);
    if (known === undefined) throw new Unauthenticated('the issuer of this access token is none of ours');
    const { accepted, keys } = known;
    refuseHeader(header, accepted);
    const { payload } = await jwtVerify(token, (protectedHeader, input) => keys.keyOf(protectedHeader, input), {
      algorithms: ALGORITHMS,
      issuer: accepted.issuer,
      audience: accepted.audience,
      requiredClaims: ['exp', 'iat', 'sub'],
      clockTolerance: TOLERANCE_S,
      currentDate: new Date(this.now()),
    });
    return this.bearerOf(payload, accepted);
  }

  private bearerOf({ sub, exp, iat }: JWTPayload, { issuer }: AcceptedIssuer): TokenBearer {
    if (iat === undefined || exp === undefined || iat > this.now() / 1_000 + TOLERANCE_S) {
      throw new Unauthenticated('this access token was issued in the future');
    }
    if (typeof sub !== 'string' || !SUBJECT.test(sub)) {
      throw new Unauthenticated('the subject of this access token is no 1 to 255 visible ASCII characters');
    }
    return { issuer, subject: sub, expiresAt: exp * 1_000 };
  }
}

/** @throws Unauthenticated */
function refuseHeader(header: ProtectedHeaderParameters, { legacy }: AcceptedIssuer): void {
  const own = OWN_KEYS.filter((name) => header[name] !== undefined);
  if (own.length > 0) throw new Unauthenticated(`an access token does not bring its own key (${own.join(', ')})`);
  if (!(legacy ? ANY_TOKEN : ACCESS_TOKEN).test(header.typ ?? '')) {
    throw new Unauthenticated('this is no access token: its typ is not at+jwt (RFC 9068)');
  }
}
