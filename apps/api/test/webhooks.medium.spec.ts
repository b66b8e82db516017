import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { Counter } from 'prom-client';
import { Webhook } from 'standardwebhooks';
import type { DataSource } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { Keyring, makeWebhookSecret, mintKey } from '#access';
import type { EventKind, WebhookDocument } from '#catalog';
import { ApiKeys, Authorities, Outbox, WebhookQueue, Webhooks } from '#storage';
import { describeOnServer, openTestDatabase, type TestDatabase } from '#testing';
import { EventCursors } from '../src/events/event-cursors.js';
import { DeliveryWorker } from '../src/webhooks/delivery-worker.js';

const MINUTE_S = 60;
const HOUR_S = 3_600;

/** What a receiver was sent. */
interface Received {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly camera: string;
  readonly version: number;
}

/** Somebody else's server. */
interface Receiver {
  readonly url: string;
  readonly got: Received[];
  answer: (response: ServerResponse, nth: number) => void;
}

let database: TestDatabase;
let db: DataSource;
const keyring = Keyring.parse(Keyring.generate(randomBytes));
const servers: Server[] = [];
const workers: DeliveryWorker[] = [];
/** How far the clock is thought ahead, seconds. */
let aheadS = 0;
let owner: string;

beforeAll(async () => {
  database = await openTestDatabase();
  db = database.db;
  await new Authorities(db).add({ slug: 'wrb', name: 'Water' });
});
afterAll(async () => {
  await database.close();
});
beforeEach(async () => {
  aheadS = 0;
  await db.query('delete from webhook');
  owner = await addKey();
});
afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function addKey(): Promise<string> {
  const { keyId, secret } = mintKey(randomBytes);
  const rights = { scopes: ['cameras:read', 'webhooks:write'] as const, authorities: ['wrb'] };
  const expiresAt = new Date(Date.now() + 86_400_000 * 100).toISOString();
  const pepper = keyring.pepper(secret);
  await new ApiKeys(db).add({ id: uuidv7(), keyId, name: 'test', pepper, ...rights, createdBy: 'command', expiresAt });
  return keyId;
}

async function receiver(answer: Receiver['answer'] = (response) => response.writeHead(200).end()): Promise<Receiver> {
  const server = createServer((request: IncomingMessage, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      const { camera } = JSON.parse(body) as { camera?: { id: string; version: number } };
      const headers = request.headers as Record<string, string>;
      made.got.push({ headers, body, camera: camera?.id ?? '', version: camera?.version ?? 0 });
      made.answer(response, made.got.length);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const made: Receiver = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, got: [], answer };
  return made;
}

async function addWebhook(url: string, over: Partial<WebhookDocument> = {}): Promise<{ id: string; secret: string }> {
  const id = uuidv7();
  const secret = makeWebhookSecret(randomBytes);
  const document: WebhookDocument = {
    url,
    types: ['camera.registered', 'camera.changed', 'camera.retired'],
    ...over,
  };
  const sealed = keyring.sealWebhook({ webhookId: id, number: 1 }, secret.bytes);
  await new Webhooks(db).add({ id, document, owner, secret: { number: 1, ...sealed } });
  return { id, secret: secret.text };
}

async function addCamera(level = 'public'): Promise<string> {
  const id = randomUUID();
  await db.query(
    `insert into camera (id, authority, local_id, version, document, public_document, position, lifecycle, access_level,
       completeness, mobility, usage, tags, search_text, service_slots, content_hash, changed_xid)
     values ($1, 'wrb', $2, 1, '{}', '{}', st_setsrid(st_makepoint(120.29, 23.08), 4326), 'active', $3, 'point', 'fixed',
       '{}', '{}', '', '{}', '\\x00', 1)`,
    [id, id, level],
  );
  return id;
}

async function happens(camera: string, version: number, kind: EventKind = 'camera.changed'): Promise<void> {
  await db.query(
    `insert into outbox (generation, kind, camera_id, version) select generation, $1, $2, $3 from outbox_state`,
    [kind, camera, version],
  );
  // Transactions of other specs, in other databases of the server, hold it back for a while.
  const outbox = new Outbox(db);
  for (const until = Date.now() + 10_000; (await outbox.lagS()) > 0 && Date.now() < until;) await wait(10);
}

function worker({ wholeMs = 5_000, loopback = true, pool = db } = {}): DeliveryWorker {
  const made = new DeliveryWorker({
    db: pool,
    keyring,
    cursors: new EventCursors(keyring),
    log: pino({ level: 'silent' }),
    ground: () => ({ loopback, ownEndpoints: [] }),
    userAgent: 'Sightline/test',
    wholeMs,
    deliveries: new Counter({ name: 'deliveries', help: 'x', labelNames: ['result'], registers: [] }),
    now: () => Date.now() + aheadS * 1_000,
    random: () => 0.5,
    aheadS: () => aheadS,
  });
  workers.push(made);
  return made;
}

/** Looks, and again until nothing more is done. */
async function settle(one: DeliveryWorker): Promise<void> {
  for (let i = 0; i < 3; i += 1) {
    await one.look();
    await one.settled();
  }
}

async function stateOf(id: string): Promise<{ reason: string | null; deliveries: readonly (readonly unknown[])[] }> {
  const [webhook] = await db.query<{ reason: string | null }[]>(
    'select disabled_reason as reason from webhook where id = $1',
    [id],
  );
  const kept = await new WebhookQueue(db).list(id, 100, undefined);
  return {
    reason: webhook?.reason ?? null,
    deliveries: kept.map(({ state, attempts, status, problem }) => [state, attempts, status, problem]),
  };
}

describe('FT-18, on a virtual clock', () => {
  test('500 is tried again after 5 s, 5 min, 30 min, 2, 5, 10, 14, 20, 24 h, under the same id; then given up', async () => {
    const failing = await receiver((response) => response.writeHead(500).end());
    const { id } = await addWebhook(failing.url);
    const camera = await addCamera();
    const one = worker();
    await happens(camera, 2);
    await settle(one);
    const delays = [5, 5 * MINUTE_S, 30 * MINUTE_S, ...[2, 5, 10, 14, 20, 24].map((hours) => hours * HOUR_S)];
    for (const [i, delayS] of delays.entries()) {
      expect(failing.got).toHaveLength(i + 1);
      aheadS += delayS - 2;
      await settle(one);
      expect(failing.got).toHaveLength(i + 1);
      aheadS += 2;
      await settle(one);
    }
    expect(failing.got).toHaveLength(10);
    aheadS += 48 * HOUR_S;
    await settle(one);
    expect(failing.got).toHaveLength(10);
    expect(new Set(failing.got.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(await stateOf(id)).toEqual({ reason: null, deliveries: [['failed', 10, 500, 'status']] });
  }, 60_000);

  test('410 disables at once', async () => {
    const gone = await receiver((response) => response.writeHead(410).end());
    const { id } = await addWebhook(gone.url);
    const camera = await addCamera();
    const one = worker();
    await happens(camera, 2);
    await settle(one);
    aheadS += 10;
    await happens(camera, 3);
    await settle(one);
    expect(gone.got).toHaveLength(1);
    expect((await stateOf(id)).reason).toBe('gone');
  });

  test('five days without a success disable; a success in between begins anew', async () => {
    const bad = await receiver((response) => response.writeHead(503).end());
    const lame = await receiver((response) => response.writeHead(503).end());
    const [first, second] = [await addWebhook(bad.url), await addWebhook(lame.url)];
    const camera = await addCamera();
    const one = worker();
    for (let hours = 0; hours <= 121; hours += 11) {
      aheadS = hours * HOUR_S;
      lame.answer = (response) => response.writeHead(hours === 55 ? 200 : 503).end();
      await happens(camera, hours + 2);
      await settle(one);
      expect([hours, (await stateOf(first.id)).reason]).toEqual([hours, hours >= 120 ? 'failing' : null]);
    }
    expect((await stateOf(second.id)).reason).toBe(null);
  }, 60_000);

  test('SSRF-12: a redirect is a failure and is not followed; a slow 200 is none', async () => {
    const elsewhere = await receiver();
    const moved = await receiver((response) => response.writeHead(302, { location: elsewhere.url }).end());
    const slow = await receiver((response) => void wait(400).then(() => response.writeHead(204).end()));
    const hooks = [await addWebhook(moved.url), await addWebhook(slow.url)];
    await happens(await addCamera(), 2);
    await settle(worker());
    expect(elsewhere.got).toEqual([]);
    expect((await stateOf(hooks[0]?.id ?? '')).deliveries).toEqual([['waiting', 1, 302, 'redirect']]);
    expect((await stateOf(hooks[1]?.id ?? '')).deliveries).toEqual([['delivered', 1, 204, null]]);
  });

  test('one that hangs has four attempts under way at most, and holds nobody else up', async () => {
    const hanging = await receiver(() => undefined);
    const prompt = await receiver();
    const { id } = await addWebhook(hanging.url);
    await addWebhook(prompt.url);
    const one = worker({ wholeMs: 1_500 });
    for (let i = 0; i < 20; i += 1) await happens(await addCamera(), 2);
    await one.look();
    for (let waited = 0; prompt.got.length < 20 && waited < 1_200; waited += 50) await wait(50);
    expect(prompt.got).toHaveLength(20);
    expect(hanging.got).toHaveLength(4);
    await wait(1_900);
    const { deliveries } = await stateOf(id);
    const late = deliveries.filter(
      ([state, attempts, , problem]) => state === 'waiting' && attempts === 1 && problem === 'timeout',
    );
    expect(late).toHaveLength(4);
  }, 30_000);
});

describe('what is sent', () => {
  test('is verified by the library of Standard Webhooks, by both secrets while one is being replaced', async () => {
    const taker = await receiver();
    const { id, secret } = await addWebhook(taker.url);
    const next = makeWebhookSecret(randomBytes);
    await new Webhooks(db).addSecret(id, {
      number: 2,
      ...keyring.sealWebhook({ webhookId: id, number: 2 }, next.bytes),
    });
    const camera = await addCamera();
    await happens(camera, 7);
    await settle(worker());
    const [message] = taker.got;
    for (const key of [secret, next.text]) {
      const read = new Webhook(key).verify(message?.body ?? '', message?.headers ?? {}) as Record<string, unknown>;
      expect(read).toMatchObject({ id: message?.headers['webhook-id'], type: 'camera.changed' });
      expect(read.camera).toEqual({ id: camera, authority: 'wrb', localId: camera, version: 7 });
    }
    const other = makeWebhookSecret(randomBytes).text;
    expect(() => new Webhook(other).verify(message?.body ?? '', message?.headers ?? {})).toThrow();
    expect(() => new Webhook(secret).verify(`${message?.body} `, message?.headers ?? {})).toThrow();
  });

  test('first attempts of a camera come in order; one that is tried again holds nothing back', async () => {
    const taker = await receiver((response, nth) => response.writeHead(nth === 1 ? 500 : 200).end());
    await addWebhook(taker.url);
    const camera = await addCamera();
    for (let version = 2; version <= 6; version += 1) await happens(camera, version);
    const one = worker();
    for (let i = 0; i < 6; i += 1) await settle(one);
    expect(taker.got.map(({ version }) => version)).toEqual([2, 3, 4, 5, 6]);
    aheadS += 6;
    await settle(one);
    expect(taker.got.map(({ version }) => version)).toEqual([2, 3, 4, 5, 6, 2]);
  });

  test('only what its filter means and its owner may know, judged when it is sent', async () => {
    const taker = await receiver();
    const { id } = await addWebhook(taker.url, { near: [120.29, 23.08], radiusM: 100 });
    const [here, far] = [await addCamera('restricted'), await addCamera()];
    await db.query(`update camera set position = st_setsrid(st_makepoint(121, 23), 4326) where id = $1`, [far]);
    await happens(here, 2);
    await happens(far, 2);
    const one = worker();
    await settle(one);
    expect(taker.got.map(({ camera }) => camera)).toEqual([here]);
    // Queued while the owner knew the camera; another authority's by the time it is sent.
    taker.answer = (response) => response.writeHead(500).end();
    await happens(here, 3);
    await settle(one);
    await new Authorities(db).add({ slug: 'other', name: 'Other' });
    await db.query(`update camera set authority = 'other' where id = $1`, [here]);
    aheadS += 6;
    await settle(one);
    expect(taker.got).toHaveLength(2);
    expect((await stateOf(id)).deliveries[0]?.[0]).toBe('withheld');
  });

  test('nothing once the key of its owner is revoked', async () => {
    const taker = await receiver();
    const { id } = await addWebhook(taker.url);
    await happens(await addCamera(), 2);
    await db.query('update api_key set revoked_at = now() where key_id = $1', [owner]);
    await settle(worker());
    expect(taker.got).toEqual([]);
    expect((await stateOf(id)).reason).toBe('owner_gone');
  });

  test('SSRF-12: nothing to loopback but where the installation allows it', async () => {
    const taker = await receiver();
    const { id } = await addWebhook(taker.url);
    await happens(await addCamera(), 2);
    await settle(worker({ loopback: false }));
    expect(taker.got).toEqual([]);
    expect((await stateOf(id)).deliveries).toEqual([['waiting', 1, null, 'target_not_allowed']]);
  });
});

describeOnServer('several processes (on a server: each has sessions of its own)', () => {
  test('send each event once, in the order of its camera, four at a time', async () => {
    let flying = 0;
    let most = 0;
    const taker = await receiver((response) => {
      flying += 1;
      most = Math.max(most, flying);
      void wait(5 + Math.random() * 20).then(() => {
        flying -= 1;
        response.writeHead(204).end();
      });
    });
    await addWebhook(taker.url);
    const cameras = await Promise.all(Array.from({ length: 6 }, () => addCamera()));
    for (let version = 2; version <= 11; version += 1) for (const camera of cameras) await happens(camera, version);
    const pools = await Promise.all([1, 2, 3].map(() => database.another()));
    const processes = pools.map((pool) => worker({ pool }));
    for (const one of processes) one.start();
    for (const until = Date.now() + 15_000; taker.got.length < 60 && Date.now() < until;) await wait(50);
    await wait(300);
    expect(taker.got).toHaveLength(60);
    expect(most).toBeLessThanOrEqual(4);
    for (const camera of cameras) {
      const versions = taker.got.filter((one) => one.camera === camera).map(({ version }) => version);
      expect(versions).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    }
  }, 30_000);
});
