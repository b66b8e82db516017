import type { ApiKey, MintedKey } from '#catalog';
import type { Settings } from '#settings';
import { Failure, Server } from './server.js';

export interface KeyOptions {
  readonly name: string;
  readonly scope: readonly string[];
  readonly authority: readonly string[];
  readonly days?: number;
}

function serverOf({ serverUrl, key }: Settings): Server {
  if (key === undefined)
    throw new Failure('keys are made with a key that has the scope keys:write: set SIGHTLINE_KEY, or --key');
  return new Server(serverUrl, key);
}

/** Makes a key; it goes to standard output alone, so that a script can take it. */
export async function createKey(options: KeyOptions, settings: Settings): Promise<void> {
  const reply = await serverOf(settings).send('POST', '/v1/keys', {
    name: options.name,
    scopes: options.scope,
    authorities: options.authority.includes('all') ? 'all' : options.authority,
    ...(options.days === undefined ? {} : { expiresInDays: options.days }),
  });
  if (reply.status !== 201) throw reply.failure();
  const { key, id, expiresAt } = reply.body as MintedKey;
  process.stderr.write(`Key ${id}, shown this once; it ends ${expiresAt ?? 'never'}:\n`);
  process.stdout.write(`${key}\n`);
}

/** Lists keys, a line each. */
export async function listKeys(settings: Settings): Promise<void> {
  const server = serverOf(settings);
  for await (const item of server.items<ApiKey>('/v1/keys?limit=1000')) process.stdout.write(`${lineOf(item)}\n`);
}

function lineOf({ id, keyId, name, scopes, authorities, expiresAt, revokedAt }: ApiKey): string {
  const state = revokedAt !== null ? `revoked ${revokedAt}` : `ends ${expiresAt ?? 'never'}`;
  const reach = authorities === 'all' ? 'all authorities' : authorities.join(',');
  return [id, `slk_${keyId}_…`, state, reach, scopes.join(','), name].join('  ');
}

/** Revokes a key by its id. */
export async function revokeKey(id: string, settings: Settings): Promise<void> {
  const reply = await serverOf(settings).send('DELETE', `/v1/keys/${encodeURIComponent(id)}`);
  if (reply.status !== 204) throw reply.failure();
  process.stdout.write(`Key ${id} is revoked.\n`);
}
