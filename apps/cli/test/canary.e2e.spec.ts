import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { openEmbedded } from '#embedded';
import { connect } from '#storage';
import { engine, type Program, startSightline } from '#testing';
import { type Canary, EchoingCamera, REPLIES, spellingsOf } from './echoing-camera.js';
import { makeLogins, startTwoLogins } from './two-logins.js';

/** Characters that every encoding writes in its own way. */
const CANARY: Canary = { username: 'canary-viewer', password: 'Kanäry/5+7%:"<&>Qz' };
/** A secret that is part of an address: its agency reads it there, and nobody else anywhere. */
const TOKEN = 'c4n4ryT0ken9Zq7f3x';

/** A running Sightline, as it comes on this machine: in two processes on a server, else in one. */
interface Stage {
  readonly url: string;
  readonly key: string;
  readonly dataDir: string;
  readonly metrics: readonly string[];
  readonly programs: readonly Program[];
  /** Ends the program and gives its database. */
  end(): Promise<DataSource>;
  close(): Promise<void>;
}

const ENV = { SIGHTLINE_LOG_LEVEL: 'trace', SIGHTLINE_LOOPBACK_CAMERAS: 'on' };

async function onServer(): Promise<Stage> {
  const logins = await makeLogins(ENV);
  const running = await startTwoLogins(logins);
  const { url, opsUrl, key, dataDir, api, prober, database } = running;
  return {
    url,
    key,
    dataDir,
    metrics: [`${url}/metrics`, `${opsUrl}/metrics`],
    programs: [api, prober],
    end: async () => {
      await running.close();
      return database.db;
    },
    close: () => logins.close(),
  };
}

async function onEmbedded(): Promise<Stage> {
  const running = await startSightline({ env: ENV, embedded: true });
  const program = running.program();
  const closers: (() => Promise<unknown>)[] = [() => running.close()];
  return {
    url: running.url,
    key: running.key,
    dataDir: running.dataDir,
    metrics: [`${running.url}/metrics`],
    programs: [program],
    end: async () => {
      program.child.kill('SIGINT');
      await program.ended;
      const embedded = await openEmbedded({ dataDir: running.dataDir });
      const db = await connect({ role: 'all', stream: () => embedded.stream() });
      closers.push(
        () => embedded.close(),
        () => db.destroy(),
      );
      return db;
    },
    close: async () => {
      for (const close of closers.splice(0).reverse()) await close();
    },
  };
}

let stage: Stage;
let device: EchoingCamera;
let receiver: Server;
let port = 0;
/** All that came out, by where. */
const sinks = new Map<string, Buffer>();
const keep = (where: string, text: string | Buffer): void => {
  sinks.set(where, Buffer.concat([sinks.get(where) ?? Buffer.alloc(0), Buffer.from(text), Buffer.from('\n')]));
};
let stream: AbortController;

/** Asks, and keeps status, headers and body. */
async function ask(
  method: string,
  at: string,
  { key, body, headers = {} }: { key?: string; body?: string | object; headers?: Record<string, string> } = {},
): Promise<{ status: number; text: string }> {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const response = await fetch(at.startsWith('http') ? at : `${stage.url}${at}`, {
    method,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': type }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const who = key === undefined ? 'anonymous' : 'the agency';
  keep(`answers to ${who}`, `${method} ${at} ${response.status} ${JSON.stringify([...response.headers])}`);
  keep(`answers to ${who}`, bytes);
  if (response.status !== 503) return { status: response.status, text: bytes.toString() };
  await wait(1_000);
  return ask(method, at, { ...(key === undefined ? {} : { key }), ...(body === undefined ? {} : { body }), headers });
}

const userinfo = `${encodeURIComponent(CANARY.username)}:${encodeURIComponent(CANARY.password)}`;
const camera = (localId: string, place: string, more: object = { credentials: CANARY }, kind = 'snapshot'): object => ({
  authority: 'wrb',
  localId,
  name: `Camera ${localId}`,
  location: { type: 'Point', coordinates: [120.29, 23.08] },
  access: { level: 'public' },
  services: [{ kind, url: `http://127.0.0.1:${port}${place}`, ...more }],
});

/** Signed in to by Basic too; a device is asked one thing at a time, so each costs a moment. */
const BY_BASIC = ['picture', 'error', 'garbage'];
const PLACES = [
  ...Object.keys(REPLIES).map((reply) => `/digest/${reply}`),
  ...BY_BASIC.map((reply) => `/basic/${reply}`),
];

/** Every reply behind a sign-in, a device that refuses it, and secrets that are part of the address. */
const cameras = (): readonly object[] => [
  ...PLACES.map((place) =>
    camera(
      place.slice(1).replace('/', '-'),
      place,
      { credentials: CANARY },
      place.endsWith('stream') ? 'mjpeg' : 'snapshot',
    ),
  ),
  camera('refused', '/refused/text'),
  camera('in-path', `/open/picture/${TOKEN}`, {}),
  camera('in-lost-path', `/open/missing/${TOKEN}`, {}),
  camera('in-query', `/open/missing?user=viewer&pwd=${TOKEN}`, {}),
];

beforeAll(async () => {
  stage = await (engine.kind === 'server' ? onServer() : onEmbedded());
  device = new EchoingCamera(CANARY, TOKEN);
  port = await device.listen();
  receiver = createServer((request, response) => {
    keep('webhooks', JSON.stringify(request.headers));
    request.on('data', (chunk: Buffer) => keep('webhooks', chunk));
    request.on('end', () => response.writeHead(204).end());
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  stream = new AbortController();
}, 120_000);
afterAll(async () => {
  stream.abort();
  await stage.close();
  device.close();
  receiver.closeAllConnections();
  receiver.close();
}, 60_000);

async function listen(): Promise<void> {
  const headers = { authorization: `Bearer ${stage.key}`, accept: 'text/event-stream' };
  const { body } = await fetch(`${stage.url}/v1/events`, { headers, signal: stream.signal });
  for await (const chunk of body ?? []) keep('event stream', Buffer.from(chunk as Uint8Array));
}

async function setUp(): Promise<readonly string[]> {
  const { key } = stage;
  const network = { cidrs: ['127.0.0.0/8'], ports: [port] };
  const probing = { intervalS: 5, minIntervalS: 5 };
  await ask('POST', '/v1/authorities', {
    key,
    body: { slug: 'wrb', name: 'W', network, probing, allowBasicPlaintext: true },
  });
  void listen().catch(() => undefined);
  const types = ['camera.registered', 'camera.changed', 'health.changed', 'health.notice'];
  const hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  expect((await ask('POST', '/v1/webhooks', { key, body: { url: hook, types } })).status).toBe(201);
  const ids: string[] = [];
  for (const body of cameras()) {
    const { status, text } = await ask('POST', '/v1/cameras', { key, body });
    expect([status, text]).toEqual([201, expect.anything()]);
    ids.push((JSON.parse(text) as { id: string }).id);
  }
  return ids;
}

/** What goes wrong with the secret in hand. */
async function blunder(id: string): Promise<void> {
  const { key } = stage;
  const { password } = CANARY;
  const url = `http://${userinfo}@127.0.0.1:${port}/digest/picture`;
  const service = (more: object): object => ({ services: [{ kind: 'snapshot', url, ...more }] });
  const bad: readonly (string | object)[] = [
    camera('bad', '/x', { credentials: { username: 'x', password: { nested: password } } }),
    camera('bad', '/x', { credentials: { username: 'x', pasword: password } }),
    camera('bad', '/x', { credentials: password }),
    camera('bad', '/x', { credential: { password } }),
    { ...camera('bad', '/x'), ...service({ credentials: CANARY }) },
    { ...camera('bad', '/x'), services: [{ kind: 'snapshot', url: `http://${userinfo}@127.0.0.1:22/` }] },
    { ...camera('bad', '/x'), services: [{ kind: 'snapshot', url: `http://${userinfo}@[bad/` }] },
    { ...camera('bad', '/x'), services: [{ kind: password, url }] },
    { ...camera('bad', '/x'), authority: 'nobody', ...service({}) },
    `{"services": [{"url": ${JSON.stringify(url)}, "credentials": {"password": ${JSON.stringify(password)} oops`,
    `${JSON.stringify(password)}`,
  ];
  for (const body of bad) {
    const { status } = await ask('POST', '/v1/cameras', { key, body });
    expect([400, 403, 422]).toContain(status);
  }
  await ask('PATCH', `/v1/cameras/${id}`, {
    key,
    body: { ...service({}), version: password },
    headers: { 'if-match': '*' },
  });
  const basic = Buffer.from(`${CANARY.username}:${password}`).toString('base64');
  await ask('GET', '/v1/keys', { headers: { authorization: `Basic ${basic}` } });

  const feature = (n: number, lon: number, properties: object): object => ({
    type: 'Feature',
    id: `f${n}`,
    geometry: { type: 'Point', coordinates: [lon, 23] },
    properties: { name: `F${n}`, ...properties },
  });
  const features = [
    feature(1, 120, { url }),
    feature(2, 999, { url }),
    feature(3, 120, { url: `http://${userinfo}@127.0.0.1:22/a.jpg` }),
    feature(4, 120, { url: `http://${userinfo}@[bad/a.jpg` }),
    feature(5, 120, { url, heightM: password }),
    feature(1, 121, { url }),
  ];
  const file = JSON.stringify({ type: 'FeatureCollection', features });
  for (const body of [file, file, file.slice(0, -20)]) await ask('POST', '/v1/imports?authority=wrb', { key, body });
  const report = await ask('POST', '/v1/imports?authority=wrb&dryRun=true', { key, body: file });
  expect(report.text).toContain('"failed"');
  await ask('POST', '/v1/imports?authority=wrb&profile=csv', { key, body: `id,lon,lat,url\n1,120,oops,${url}\n` });
}

async function readAll(ids: readonly string[]): Promise<void> {
  const each = ids.flatMap((id) =>
    [
      '',
      '/health',
      '/health/history',
      '/health/history?resolution=minute',
      '/footprint',
      '/thumbnail',
      '/thumbnail?width=160',
    ].map((what) => `/v1/cameras/${id}${what}`),
  );
  const places = [
    ...each,
    '/v1/cameras?limit=1000&include=health,footprint,thumbnail',
    '/v1/cameras?limit=1000&f=geojson',
    '/v1/health/summary?by=authority',
    '/v1/authorities',
    '/v1/webhooks',
    '/v1/keys',
    '/v1/audit?limit=1000',
    '/v1/members',
    '/',
    '/wall',
    '/docs',
    '/openapi.json',
    '/problems',
    ...stage.metrics,
  ];
  for (const at of places) {
    await ask('GET', at, { key: stage.key });
    if (!stage.metrics.includes(at)) await ask('GET', at);
  }
  const hooks = JSON.parse((await ask('GET', '/v1/webhooks', { key: stage.key })).text) as { items: { id: string }[] };
  await ask('GET', `/v1/webhooks/${hooks.items[0]?.id}/deliveries`, { key: stage.key });
}

/** Every row of every table as JSON, without what is sealed. */
async function dump(db: DataSource): Promise<void> {
  const tables = await db.query<{ name: string }[]>(
    `select relname as name from pg_class
     where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and not relispartition
       and relname <> 'spatial_ref_sys'
     order by 1`,
  );
  for (const { name } of tables) {
    const rows = await db.query<{ row: string }[]>(`select (to_jsonb(t) - 'ciphertext')::text as row from ${name} t`);
    keep(`the table ${name}`, rows.map(({ row }) => row).join('\n'));
  }
  const documents = await db.query<{ row: string }[]>(`select (to_jsonb(t) - 'document')::text as row from camera t`);
  sinks.set('the table camera but for its documents', Buffer.from(documents.map(({ row }) => row).join('\n')));
}

function files(directory: string, but: readonly string[]): readonly string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(directory, entry.name);
    if (but.includes(entry.name)) return [];
    return entry.isDirectory() ? files(file, but) : entry.isFile() ? [file] : [];
  });
}

/** Where a secret stands, in whatever spelling and case. */
function hits(secrets: readonly string[], where: readonly string[]): readonly string[] {
  return where.flatMap((name) => {
    const text = (sinks.get(name) ?? Buffer.alloc(0)).toString('latin1').toLowerCase();
    return secrets
      .map((secret) => Buffer.from(secret, 'utf8').toString('latin1').toLowerCase())
      .filter((secret) => text.includes(secret))
      .map(
        (secret) =>
          `${name}: ${secret} in …${text.slice(Math.max(0, text.indexOf(secret) - 80), text.indexOf(secret) + 80)}…`,
      );
  });
}

describe('CRED-7: a device that tells everybody what it should keep', () => {
  test('finds no ear: no password anywhere, in no spelling', async () => {
    const ids = await setUp();
    await blunder(ids[0] ?? '');
    const outcomes = await Promise.all(
      ids.map(async (id) => {
        const { text } = await ask('POST', `/v1/cameras/${id}/probe`, { key: stage.key });
        return (JSON.parse(text) as { outcome?: string }).outcome;
      }),
    );
    // Scheduled ones too.
    await wait(6_000);
    await readAll(ids);
    stream.abort();
    const db = await stage.end();
    await dump(db);
    stage.programs.forEach((program, i) => keep(`log ${i}`, `${program.stdout()}${program.stderr()}`));
    for (const file of files(stage.dataDir, ['secret-key'])) {
      keep(file.includes('/database/') ? 'files of the database' : 'files', readFileSync(file));
    }

    // Everything was provoked: the device had the password sent to it and told it, and what came out is all there.
    expect(new Set(device.served.filter((place) => !place.includes(TOKEN)))).toEqual(new Set(PLACES));
    expect(device.refused).toBeGreaterThan(0);
    expect(outcomes).toEqual(
      expect.arrayContaining(['ok', 'protocol_error', 'not_a_picture', 'moved', 'not_found', 'auth_failed']),
    );
    const needed = ['answers to anonymous', 'answers to the agency', 'event stream', 'webhooks', 'files', 'log 0'];
    for (const name of [...needed, 'the table camera_secret', 'the table camera_health', 'the table audit_entry']) {
      expect([name, (sinks.get(name)?.length ?? 0) > 200]).toEqual([name, true]);
    }
    expect(sinks.get(`log ${stage.programs.length - 1}`)?.toString()).toContain('"msg":"probed"');
    const spellings = spellingsOf(CANARY);
    for (const spelling of spellings) {
      sinks.set('planted', Buffer.from(`x${spelling}x`));
      expect(hits(spellings, ['planted'])).not.toEqual([]);
    }
    sinks.delete('planted');

    expect(hits(spellings, [...sinks.keys()])).toEqual([]);
    // Its agency reads the whole address, and the database keeps it for the agency.
    const agencys = ['answers to the agency', 'the table camera', 'files of the database'];
    const others = [...sinks.keys()].filter((name) => !agencys.includes(name));
    expect(hits(spellingsOf({ username: 'viewer', password: TOKEN }), others)).toEqual([]);
  }, 150_000);
});
