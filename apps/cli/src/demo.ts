import { COMMAND } from '#access';
import type { AuthorityDocument, BuildingSet, CameraRegistration } from '#catalog';
import { ApiKeys, transactAs } from '#storage';
import { untilRead } from './buildings.js';
import type { Engines } from './engines.js';
import { makeKey } from './first-key.js';
import { Failure, Server } from './server.js';

/** The simulated street, as far as registering it goes. */
interface Street {
  readonly authorities: readonly AuthorityDocument[];
  readonly cameras: readonly CameraRegistration[];
  /** Houses as GeoJSON, and the date of that data. */
  readonly buildings: { readonly date: string; readonly collection: object };
}

/** How long the key of this registration would live if nobody revoked it, seconds. */
const LIFE_S = 600;

/**
 * Registers the street by the front door, anew at each start since ports may change. The key for it is made now and revoked when it is done.
 * What a person retired stays so.
 */
export async function registerStreet(street: Street, url: string, { db, keyring }: Engines): Promise<void> {
  const scopes = ['platform:admin', 'cameras:read', 'cameras:write', 'credentials:write', 'keys:write'] as const;
  const { id, key } = await transactAs(db, COMMAND, (tx) =>
    makeKey(tx, keyring, { name: 'simulated street', scopes, lifeS: LIFE_S }),
  );
  const server = new Server(url, key);
  try {
    for (const authority of street.authorities)
      await put(server, '/v1/authorities', authority, `/v1/authorities/${authority.slug}`);
    for (const camera of street.cameras) await put(server, '/v1/cameras', camera);
    await putBuildings(server, street.buildings);
  } finally {
    await transactAs(db, COMMAND, (tx) => new ApiKeys(tx).revoke(id, 'all'));
  }
}

/** Registers, or replaces what is there already. */
async function put(server: Server, collection: string, document: object, address?: string): Promise<void> {
  const made = await server.send('POST', collection, document);
  if (made.status === 201 || made.problem?.code === 'retired_exists') return;
  if (made.problem?.code !== 'already_registered') throw made.failure();
  const at = address ?? new URL(made.problem.existing ?? '').pathname;
  const replaced = await server.send('PUT', at, document, { 'if-match': '*' });
  if (replaced.status !== 200) throw replaced.failure();
}

/**
 * Registers the houses as a set of buildings, unless it is there: a set has no name, but only the same file has this date and this size. Ends when they
 * count. A set whose import broke off is no hindrance; one that a person deleted comes back.
 */
async function putBuildings(server: Server, { date, collection }: Street['buildings']): Promise<void> {
  const file = Buffer.from(JSON.stringify(collection));
  for await (const set of server.items<BuildingSet>('/v1/buildings?limit=1000')) {
    if (set.date !== date || set.bytes !== file.length) continue;
    if ((await untilRead(server, set)).status === 'ready') return;
  }
  const reply = await server.send('POST', `/v1/buildings?date=${date}`, file);
  if (reply.status !== 202) throw reply.failure();
  const { status, problem } = await untilRead(server, reply.body as BuildingSet);
  if (status === 'failed')
    throw new Failure(`The houses of the simulated street could not be registered: ${problem ?? ''}.`);
}
