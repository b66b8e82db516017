import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { type Sightline, startSightline } from '#testing';
import { open, scene } from '../../../libs/frames/test/made-pictures.js';
import { ADMIN, type Answered, ask, keyFor, VIEWER } from './asking.js';
import { clientOf } from './client.js';
import { addAuthority, addCamera, registration, type Registration } from './fixtures.js';

/** Security.md, "Authorisation": what each role reads of a camera and of its pictures, in every cell. */
const LEVELS = ['public', 'agency', 'restricted'] as const;
const THUMBNAILS = [undefined, 'full', 'blurred', 'withheld'] as const;

interface Role {
  /** Authorities and scopes of a key; without it nobody. */
  readonly key?: readonly [authorities: 'all' | readonly string[], scopes: readonly string[]];
  readonly knows: readonly string[];
  /** How much of the document: the columns of the table. */
  readonly reads: 'others' | 'viewer' | 'operator';
  /** He sees pictures as they are. */
  readonly isLetIn: boolean;
  readonly readsContacts: boolean;
  readonly readsNetwork: boolean;
}

const stranger = { reads: 'others', isLetIn: false, readsContacts: false, readsNetwork: false } as const;
const own = { knows: LEVELS, isLetIn: true, readsContacts: true, readsNetwork: false } as const;

const ROLES: Readonly<Record<string, Role>> = {
  anonymous: { ...stranger, knows: ['public'] },
  auditor: { ...stranger, key: ['all', ['audit:read']], knows: ['public'] },
  'foreign admin': { ...stranger, key: [['other'], ADMIN], knows: ['public', 'agency'], readsContacts: true },
  grantee: { ...stranger, key: [['eoc'], VIEWER], knows: LEVELS, isLetIn: true, readsContacts: true },
  'grantee without frames:read': { ...stranger, key: [['eoc'], ['cameras:read']], knows: LEVELS, readsContacts: true },
  'own viewer': { ...own, key: [['tainan-wrb'], VIEWER], reads: 'viewer' },
  'own viewer without frames:read': {
    ...own,
    key: [['tainan-wrb'], ['cameras:read']],
    reads: 'viewer',
    isLetIn: false,
  },
  'own operator': { ...own, key: [['tainan-wrb'], [...VIEWER, 'cameras:write', 'probes:run']], reads: 'operator' },
  'own admin': { ...own, key: [['tainan-wrb'], ADMIN], reads: 'operator', readsNetwork: true },
  'reader of everything': { ...own, key: ['all', VIEWER], reads: 'viewer' },
  'platform administrator': { ...own, reads: 'operator', readsNetwork: true },
};
const WHO = Object.keys(ROLES);

let sightline: Sightline;
let device: Server;
let port: number;
const keys = new Map<string, string | undefined>();
/** Ids by level and thumbnails. */
const cameras = new Map<string, string>();
/** A camera at whose address nothing listens. */
let dead: string;

const get = (who: string, path: string, headers: Record<string, string> = {}): Promise<Answered> =>
  ask(sightline, 'GET', path, { key: keys.get(who), headers });

const MASK = {
  points: [
    [0, 0],
    [0.123123, 0],
    [0.1, 0.1],
  ] as [number, number][],
};
const CONTACT = { role: 'operations' as const, name: 'Duty room', phone: '+886612345678', email: 'duty@wrb.example' };

beforeAll(async () => {
  const picture = await open(scene(1_600, 900)).jpeg({ quality: 80 }).toBuffer();
  device = createServer((_request, response) => response.writeHead(200, { 'content-type': 'image/jpeg' }).end(picture));
  await new Promise<void>((resolve) => device.listen(0, '127.0.0.1', resolve));
  ({ port } = device.address() as AddressInfo);
  sightline = await startSightline();
  const admin = clientOf(sightline.url, sightline.key);
  const network = { cidrs: ['127.0.0.0/8'], ports: [port, 8080] };
  const probing = { intervalS: 600, minIntervalS: 5 };
  await addAuthority(admin, 'tainan-wrb', { network, probing, contacts: [CONTACT] });
  for (const slug of ['other', 'eoc']) await addAuthority(admin, slug);
  for (const [who, { key }] of Object.entries(ROLES)) {
    keys.set(who, key === undefined ? undefined : await keyFor(sightline, ...key));
  }
  keys.set('platform administrator', sightline.key);
  keys.set('importer', await keyFor(sightline, ['tainan-wrb'], [...VIEWER, 'cameras:write', 'imports:run']));
  const grant = { authority: 'tainan-wrb', grantee: 'eoc', until: new Date(Date.now() + 3_600_000), reason: 'test' };
  await ask(sightline, 'POST', '/v1/grants', { key: sightline.key, body: grant });
  for (const level of LEVELS) {
    for (const thumbnails of THUMBNAILS) {
      const access = { level, privacyMasks: [MASK], ...(thumbnails === undefined ? {} : { thumbnails }) };
      cameras.set(`${level} ${thumbnails}`, await add(`${level}-${thumbnails}`, { access }));
    }
  }
  const services = [{ kind: 'snapshot' as const, url: 'http://127.0.0.1:8080/nobody.jpg' }];
  dead = await add('dead', { services });
  for (const id of cameras.values()) await probe('platform administrator', id);
}, 120_000);
afterAll(async () => {
  await sightline.close();
  device.closeAllConnections();
  await new Promise((resolve) => device.close(resolve));
});

async function add(localId: string, over: Partial<Registration>): Promise<string> {
  const service = {
    kind: 'snapshot' as const,
    url: `http://127.0.0.1:${port}/path-w3/${localId}.jpg?area=w3`,
    vapix: { resolution: '1600x900' },
    credentials: { username: 'user-q8', password: 'pass-p4' },
    refreshS: 60,
    tls: 'legacy' as const,
    interface: 'iface-w3',
  };
  const body = registration({
    localId,
    lifecycle: 'active',
    services: [service],
    device: { manufacturer: 'Axis', serialNumber: 'SERIAL-x9' },
    properties: { note: 'note-x9' },
    ...over,
  });
  return (await addCamera(clientOf(sightline.url, sightline.key), body)).id;
}

const probe = (who: string, id: string): Promise<Answered> =>
  ask(sightline, 'POST', `/v1/cameras/${id}/probe`, { key: keys.get(who) });

describe('AUTHZ-7: the columns of each role', () => {
  const origin = (): string => `http://127.0.0.1:${port}/`;

  test.each(WHO)('%s', async (who) => {
    const { reads } = ROLES[who] as Role;
    const id = cameras.get('public undefined') ?? '';
    const one = await get(who, `/v1/cameras/${id}`);
    const listed = async (query: string, headers = {}): Promise<Record<string, unknown>> => {
      const { body } = await get(who, `/v1/cameras?q=public-undefined${query}`, headers);
      return body.items?.[0] ?? {};
    };
    const { body: features } = await get(who, '/v1/cameras?q=public-undefined', { accept: 'application/geo+json' });
    const shown: readonly Record<string, unknown>[] = [
      one.body,
      await listed(''),
      await listed('&near=120.290608,23.079451'),
      await listed('&fields=properties,services,device,access'),
      (features.features as { properties: Record<string, unknown> }[])[0]?.properties ?? {},
      (await get(who, '/v1/authorities/tainan-wrb/cameras/public-undefined')).body,
    ];
    const seen = shown.map(({ properties, device: parts, access, services }) => ({
      note: (properties as { note?: string } | undefined)?.note,
      serial: (parts as { serialNumber?: string }).serialNumber,
      maker: (parts as { manufacturer?: string }).manufacturer,
      masks: (access as { privacyMasks?: unknown[] }).privacyMasks?.length,
      services,
    }));
    const own = reads === 'others' ? {} : { note: 'note-x9', serial: 'SERIAL-x9', masks: 1 };
    const service = {
      others: { kind: 'snapshot', refreshS: 60 },
      viewer: { kind: 'snapshot', refreshS: 60, url: origin() },
      operator: {
        kind: 'snapshot',
        refreshS: 60,
        url: `http://127.0.0.1:${port}/path-w3/public-undefined.jpg?area=w3`,
        vapix: { resolution: '1600x900' },
        tls: 'legacy',
        interface: 'iface-w3',
        credentials: { set: true, updatedAt: expect.any(String) },
      },
    }[reads];
    const expected = {
      note: undefined,
      serial: undefined,
      maker: 'Axis',
      masks: undefined,
      ...own,
      services: [service],
    };
    expect(seen).toEqual(shown.map(() => expected));
    const texts = [one.text, (await get(who, '/wall?q=public-undefined')).text].join('\n');
    const canaries = { 'path-w3': 'operator', 'iface-w3': 'operator', 'SERIAL-x9': 'viewer', 'note-x9': 'viewer' };
    for (const [canary, from] of Object.entries(canaries)) {
      const may = reads === 'operator' || reads === from;
      expect([canary, texts.includes(canary)]).toEqual([canary, may]);
    }
    expect(texts).not.toMatch(/pass-p4|user-q8/);
  });

  test.each(['/path-w3', 'note-x9', 'SERIAL-x9', 'iface-w3', '127.0.0.1'])(
    'no search word finds what the caller may not read: %s',
    async (word) => {
      const found = await get('anonymous', `/v1/cameras?q=${encodeURIComponent(word)}`);
      expect(found.body.items).toEqual([]);
    },
  );

  test.each(WHO)('of an authority, %s', async (who) => {
    const { readsContacts, readsNetwork } = ROLES[who] as Role;
    const [one, list] = [await get(who, '/v1/authorities/tainan-wrb'), await get(who, '/v1/authorities')];
    for (const { text } of [one, list]) {
      expect([who, text.includes(CONTACT.phone), text.includes(CONTACT.email)]).toEqual([
        who,
        readsContacts,
        readsContacts,
      ]);
    }
    expect([who, one.body.network !== undefined]).toEqual([who, readsNetwork]);
  });

  test('a GET body of an operator may be sent back, and changes nothing', async () => {
    const at = `/v1/cameras/${cameras.get('agency undefined')}`;
    const before = await get('own operator', at);
    const headers = { 'if-match': before.headers.get('etag') ?? '' };
    const key = keys.get('own operator');
    const put = await ask(sightline, 'PUT', at, { key, body: before.body, headers });
    expect([put.status, put.body.version]).toEqual([200, before.body.version]);
    expect(put.body.services).toEqual(before.body.services);
  });
});

describe('AUTHZ-3: who lets more people see a camera', () => {
  const access = async (who: string, id: string): Promise<Record<string, unknown>> =>
    (await get(who, `/v1/cameras/${id}`)).body.access as Record<string, unknown>;
  const patch = (who: string, id: string, body: object): Promise<Answered> =>
    ask(sightline, 'PATCH', `/v1/cameras/${id}`, { key: keys.get(who), body, headers: { 'if-match': '*' } });

  test('an operator closes, an administrator of the authority opens', async () => {
    const id = await add('opens', { lifecycle: 'planned' });
    for (const closed of [{ level: 'agency' }, { thumbnails: 'withheld' }, { level: 'restricted' }]) {
      expect((await patch('own operator', id, { access: closed })).status).toBe(200);
    }
    for (const opened of [{ level: 'agency' }, { thumbnails: 'blurred' }, { thumbnails: null }, { level: null }]) {
      const refused = await patch('own operator', id, { access: opened });
      expect([opened, refused.status, refused.body.code]).toEqual([opened, 403, 'forbidden']);
    }
    // What is left out of a whole document would fall back to what is usual.
    const { access: _access, ...rest } = (await get('own operator', `/v1/cameras/${id}`)).body;
    const put = { key: keys.get('own operator'), body: rest, headers: { 'if-match': '*' } };
    expect((await ask(sightline, 'PUT', `/v1/cameras/${id}`, put)).status).toBe(403);
    expect(await access('own viewer', id)).toEqual({ level: 'restricted', thumbnails: 'withheld' });
    expect((await patch('own admin', id, { access: { level: 'agency', thumbnails: 'full' } })).status).toBe(200);
  });

  test('a file of an operator fails the rows that open', async () => {
    const id = await add('file', { lifecycle: 'planned', access: { level: 'restricted' } });
    const take = async (who: string): Promise<Record<string, unknown> | undefined> => {
      const body = registration({ localId: 'file', name: 'Camera file', access: { level: 'public' } });
      const response = await fetch(`${sightline.url}/v1/imports?profile=ndjson&authority=tainan-wrb`, {
        method: 'POST',
        headers: { authorization: `Bearer ${keys.get(who)}`, 'content-type': 'application/x-ndjson' },
        body: JSON.stringify(body),
      });
      expect(response.status).toBe(200);
      return ((await response.json()) as { rows: Record<string, unknown>[] }).rows[0];
    };
    expect(await take('importer')).toMatchObject({ action: 'failed', problems: [{ code: 'forbidden' }] });
    expect(await access('own viewer', id)).toMatchObject({ level: 'restricted' });
    expect(await take('own admin')).toMatchObject({ action: 'updated' });
  });
});

describe('SSRF-9: exact outcomes', () => {
  test('are for operators of the camera’s authority alone: health, history, probing now', async () => {
    const exact = await probe('own operator', dead);
    expect(exact.body).toMatchObject({ outcome: 'refused' });
    const prober = await keyFor(sightline, ['tainan-wrb'], [...VIEWER, 'probes:run']);
    const folded = await ask(sightline, 'POST', `/v1/cameras/${dead}/probe`, { key: prober });
    const phases = { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null, firstFrameMs: null };
    expect(folded.body).toMatchObject({ outcome: 'unreachable', phases });
    for (const who of WHO) {
      const { reads } = ROLES[who] as Role;
      const health = await get(who, `/v1/cameras/${dead}/health`);
      const history = await get(who, `/v1/cameras/${dead}/health/history`);
      const single = await get(who, `/v1/cameras/${dead}`);
      const [outcome, reason] =
        reads === 'operator'
          ? ['refused', expect.stringContaining('refuses the connection')]
          : ['unreachable', 'the camera cannot be reached'];
      expect([who, health.body]).toMatchObject([who, { lastOutcome: outcome, reason }]);
      expect([who, (single.body.health as { lastOutcome: string }).lastOutcome]).toEqual([who, outcome]);
      if (reads !== 'operator') {
        for (const { text } of [health, history, single]) expect(text).not.toMatch(/refuse/);
      }
    }
  });
});

describe('PRIV-4, PRIV-6: pictures have a level of their own', () => {
  const WIDE_PX = 1_280;

  /** The cell as the table says. */
  function cell({ knows, isLetIn }: Role, level: string, thumbnails: string | undefined): readonly unknown[] {
    if (!knows.includes(level)) return [404, 'not_found'];
    if (isLetIn) return [200, WIDE_PX, 'sharp'];
    if (level === 'restricted' || thumbnails === 'withheld') return [404, 'no_frame'];
    return [200, 640, thumbnails === 'blurred' ? 'blurred' : 'sharp'];
  }

  async function picture(who: string, id: string | undefined): Promise<readonly unknown[]> {
    const { status, body, headers, text } = await get(who, `/v1/cameras/${id}/thumbnail?width=${WIDE_PX}`);
    if (status !== 200) return [status, body.code];
    const { width } = await sharp(Buffer.from(text, 'latin1')).metadata();
    return [status, width, /b"$/.test(headers.get('etag') ?? '') ? 'blurred' : 'sharp'];
  }

  test.each(WHO)('%s', async (who) => {
    const role = ROLES[who] as Role;
    for (const level of LEVELS) {
      for (const thumbnails of THUMBNAILS) {
        const seen = await picture(who, cameras.get(`${level} ${thumbnails}`));
        expect([level, thumbnails, ...seen]).toEqual([level, thumbnails, ...cell(role, level, thumbnails)]);
      }
    }
  });

  test('an authority that shows pictures under a contract only shows them to its own people and to whom it granted access', async () => {
    const terms = { imagesNeedContract: true };
    const headers = { 'if-match': '*' };
    const patch = (body: object): Promise<Answered> =>
      ask(sightline, 'PATCH', '/v1/authorities/tainan-wrb', { key: sightline.key, body, headers });
    expect((await patch({ terms })).status).toBe(200);
    for (const who of WHO) {
      const role = ROLES[who] as Role;
      const seen = await picture(who, cameras.get('public full'));
      expect([who, ...seen]).toEqual([who, ...(role.isLetIn ? [200, WIDE_PX, 'sharp'] : [404, 'no_frame'])]);
    }
    expect((await patch({ terms: null })).status).toBe(200);
  });
});
