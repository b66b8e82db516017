import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';

/** What access tokens of this provider are for. */
export const AUDIENCE = 'https://cameras.example.org';

/** A real OpenID provider on loopback, by which whoever is named signs in. */
export interface IdentityProvider {
  readonly issuer: string;
  /** The entry of SIGHTLINE_OIDC for it. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Who signs in next; null: he changes his mind. */
  person: string | null;
  /** An access token of a program, as it comes from the token endpoint. Its subject is the client's id. */
  tokenOf(clientId: string): Promise<string>;
  /** Answers nobody any more, until it is opened again. */
  shut(): Promise<void>;
  open(): Promise<void>;
  close(): Promise<void>;
}

const SECRET = randomBytes(16).toString('hex');

/** @param programs ids of clients that get access tokens for themselves */
export async function startIdentityProvider(programs: readonly string[]): Promise<IdentityProvider> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), kid: 'k1', use: 'sig', alg: 'RS256' };
  let handle = (_request: IncomingMessage, response: ServerResponse): void => void response.writeHead(503).end();
  let server = await listen(0, (request, response) => handle(request, response));
  const { port } = server.address() as AddressInfo;
  const issuer = `http://127.0.0.1:${port}`;
  const provider = makeProvider(issuer, jwk, programs);
  const answer = provider.callback();
  const running: IdentityProvider = {
    issuer,
    settings: {
      issuer,
      jwksUri: `${issuer}/jwks`,
      audience: AUDIENCE,
      clientId: 'console',
      clientSecret: SECRET,
    },
    person: 'lin',
    tokenOf: (clientId) => tokenOf(issuer, clientId),
    shut: () => end(server),
    open: async () => {
      server = await listen(port, (request, response) => handle(request, response));
    },
    close: () => end(server),
  };
  handle = (request, response) => {
    if (request.url?.startsWith('/interaction/') !== true) return void answer(request, response);
    const result =
      running.person === null
        ? { error: 'access_denied', error_description: 'he changed his mind' }
        : { login: { accountId: running.person }, consent: {} };
    void provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  };
  return running;
}

function makeProvider(issuer: string, jwk: object, programs: readonly string[]): Provider {
  const own = { client_secret: SECRET, token_endpoint_auth_method: 'client_secret_post' as const };
  return new Provider(issuer, {
    clients: [
      {
        ...own,
        client_id: 'console',
        // Of a native client the port does not matter (RFC 8252, 7.3), so that the server may begin before we know its port.
        application_type: 'native',
        redirect_uris: ['http://127.0.0.1/v1/session/callback'],
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
      ...programs.map((client_id) => ({
        ...own,
        client_id,
        redirect_uris: [],
        grant_types: ['client_credentials'],
        response_types: [],
      })),
    ],
    jwks: { keys: [jwk] },
    cookies: { keys: ['of the tests'] },
    claims: { openid: ['sub'], profile: ['name'] },
    conformIdTokenClaims: false,
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, name: `Name of ${id}` }) }),
    // Seconds; the tests are over by then.
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 60,
      ClientCredentials: 600,
      Grant: 600,
      IdToken: 600,
      Interaction: 600,
      Session: 600,
    },
    pkce: { methods: ['S256'], required: () => true },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    // Everybody consents.
    loadExistingGrant: async ({ oidc }) => {
      const { client, session, provider } = oidc;
      if (client === undefined || session?.accountId === undefined) return undefined;
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid profile');
      await grant.save();
      return grant;
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_context, client) => (client.clientId === 'console' ? [] : AUDIENCE),
        getResourceServerInfo: () => ({
          scope: '',
          audience: AUDIENCE,
          accessTokenTTL: 600,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
}

async function tokenOf(issuer: string, clientId: string): Promise<string> {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: SECRET }),
  });
  const { access_token: token } = (await response.json()) as { access_token?: string };
  if (token === undefined) throw new Error(`${clientId} got no token: ${response.status}`);
  return token;
}

function listen(port: number, handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer(handle).listen(port, '127.0.0.1', () => resolve(server));
  });
}

function end(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
