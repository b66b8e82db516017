import * as client from 'openid-client';
import { CsrfRejected, InvalidParameter, IssuerUnavailable, Unauthenticated } from '#catalog';
import type { Settings } from '#settings';
import type { KnownPerson } from '../keys/caller.js';
import type { BegunSignIn } from './begun-sign-in.js';

type Issuer = Settings['tokenIssuers'][number];

/** How long what an issuer says of itself is believed, milliseconds. */
const BELIEVED_MS = 3_600_000;
const TIMEOUT_S = 5;

interface Discovered {
  readonly configuration: Promise<client.Configuration>;
  readonly at: number;
}

/** Sign-in of people by their issuer: OpenID Connect, authorization code with PKCE (security.md AUTHN-5). */
export class SignIn {
  private readonly discovered = new Map<string, Discovered>();

  constructor(private readonly issuers: readonly Issuer[]) {}

  /**
   * Where the browser goes to sign in, and what it has to keep meanwhile.
   * @param wanted issuer; may be left out where there is one
   * @param callback address of ours at which the issuer sends the browser back
   * @throws InvalidParameter, IssuerUnavailable
   */
  async begin(
    wanted: string | undefined,
    { callback, returnTo }: { readonly callback: string; readonly returnTo: string },
  ): Promise<{ readonly url: string; readonly begun: BegunSignIn }> {
    const issuer = this.issuerOf(wanted);
    const configuration = await this.configurationOf(issuer);
    const begun: BegunSignIn = {
      issuer: issuer.issuer,
      state: client.randomState(),
      nonce: client.randomNonce(),
      verifier: client.randomPKCECodeVerifier(),
      returnTo,
    };
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: callback,
      scope: 'openid profile',
      state: begun.state,
      nonce: begun.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(begun.verifier),
      code_challenge_method: 'S256',
    });
    return { url: url.href, begun };
  }

  /**
   * Who signed in.
   * @param address at which the browser came back, with all that the issuer told
   * @throws CsrfRejected, Unauthenticated, IssuerUnavailable
   */
  async finish(address: URL, begun: BegunSignIn): Promise<KnownPerson> {
    const issuer = this.issuers.find((one) => one.issuer === begun.issuer && one.signIn !== undefined);
    if (issuer === undefined || address.searchParams.get('state') !== begun.state) {
      throw new CsrfRejected('this is not the sign-in that began in this browser; begin again');
    }
    const configuration = await this.configurationOf(issuer);
    const claims = await this.redeem(configuration, address, begun);
    const name = [claims.name, claims.preferred_username].find((text) => typeof text === 'string');
    return { issuer: issuer.issuer, subject: claims.sub, name: typeof name === 'string' ? nameIn(name) : null };
  }

  private async redeem(
    configuration: client.Configuration,
    address: URL,
    { state, nonce, verifier }: BegunSignIn,
  ): Promise<client.IDToken> {
    try {
      const tokens = await client.authorizationCodeGrant(configuration, address, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      if (claims === undefined) throw new Error('bug: an ID token that was expected is there');
      return claims;
    } catch (error) {
      throw refusalOf(error);
    }
  }

  /** @throws InvalidParameter */
  private issuerOf(wanted: string | undefined): Issuer {
    const able = this.issuers.filter(({ signIn }) => signIn !== undefined);
    const [only, ...others] = able;
    const found = wanted === undefined && others.length === 0 ? only : able.find(({ issuer }) => issuer === wanted);
    if (found !== undefined) return found;
    const names = able.map(({ issuer }) => issuer).join(', ');
    const detail = able.length === 0 ? 'nobody signs in by an issuer here' : `expected one of ${names}`;
    throw new InvalidParameter([{ parameter: 'issuer', code: wanted === undefined ? 'required' : 'enum', detail }]);
  }

  /** What the issuer says of itself; a question that failed is asked again the next time. */
  private async configurationOf(issuer: Issuer): Promise<client.Configuration> {
    const known = this.discovered.get(issuer.issuer);
    if (known !== undefined && performance.now() - known.at < BELIEVED_MS) return known.configuration;
    const configuration = discover(issuer);
    this.discovered.set(issuer.issuer, { configuration, at: performance.now() });
    try {
      return await configuration;
    } catch (error) {
      this.discovered.delete(issuer.issuer);
      throw refusalOf(error);
    }
  }
}

async function discover({ issuer, jwksUri, signIn }: Issuer): Promise<client.Configuration> {
  if (signIn === undefined) throw new Error(`bug: nobody signs in by ${issuer}`);
  const { clientId, clientSecret } = signIn;
  // Settings take http on loopback alone.
  const execute = issuer.startsWith('http:') ? [client.allowInsecureRequests] : [];
  const found = await client.discovery(new URL(issuer), clientId, undefined, undefined, {
    execute,
    timeout: TIMEOUT_S,
  });
  const metadata = found.serverMetadata() as client.ServerMetadata;
  if (metadata.issuer !== issuer)
    throw new IssuerUnavailable('the issuer calls itself otherwise than SIGHTLINE_OIDC does');
  const authentication = clientSecret === undefined ? client.None() : client.ClientSecretPost(clientSecret);
  // Its keys lie where the settings say, as for access tokens.
  const server: client.ServerMetadata = { ...metadata, jwks_uri: jwksUri };
  const configuration = new client.Configuration(server, clientId, undefined, authentication);
  configuration.timeout = TIMEOUT_S;
  for (const apply of [...execute, client.enableNonRepudiationChecks]) apply(configuration);
  return configuration;
}

/** Codes of errors that mean: no answer, or none that an issuer in order gives. */
const SILENT: readonly string[] = [
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
];

/** What went wrong between the issuer and us, as the person may understand it; anything unknown comes back as it is. */
function refusalOf(error: unknown): unknown {
  if (error instanceof client.AuthorizationResponseError) {
    return new Unauthenticated(`the issuer did not sign you in: ${wordIn(error.error)}`, { cause: error });
  }
  if (error instanceof client.ResponseBodyError && error.status < 500) {
    return new Unauthenticated(`the issuer does not take this sign-in any more: ${wordIn(error.error)}`, {
      cause: error,
    });
  }
  // So `fetch` says that nobody answered, or not to the end.
  const isCutOff = error instanceof TypeError && ['fetch failed', 'terminated'].includes(error.message);
  const isSilent = isCutOff || error instanceof client.ResponseBodyError;
  if (isSilent || (error instanceof client.ClientError && SILENT.includes(error.code ?? ''))) {
    return new IssuerUnavailable('the issuer does not answer; try again', { cause: error });
  }
  if (error instanceof client.ClientError) {
    return new Unauthenticated('what the issuer answered does not fit this sign-in; begin again', { cause: error });
  }
  return error;
}

/** An error code of OAuth; nothing else that came in an address is repeated. */
const wordIn = (code: string): string => (/^[a-z_]{1,60}$/.test(code) ? code : 'for a reason of its own');

/** At most 200 characters, without those that control. */
const nameIn = (name: string): string | null => {
  const clean = [...name.normalize('NFC').replace(/\p{C}/gu, ' ').trim()].slice(0, 200).join('');
  return clean === '' ? null : clean;
};
