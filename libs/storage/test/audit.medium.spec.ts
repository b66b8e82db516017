import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { COMMAND } from '#access';
import type { AuditAction, AuditEntry } from '#catalog';
import { openTestDatabase, type TestDatabase } from '#testing';
import { ApiKeys } from '../src/api-keys.js';
import { AuditLog } from '../src/audit-log.js';
import { Audit } from '../src/audit-notes.js';
import { Authorities } from '../src/authorities.js';
import { Buildings } from '../src/buildings.js';
import { type CameraRecord, Cameras } from '../src/cameras.js';
import { ProbeWishes } from '../src/probe-wishes.js';
import { transactAs } from '../src/transact.js';
import { Webhooks } from '../src/webhooks.js';
import { record } from './records.js';

let database: TestDatabase;
let db: DataSource;

const WRB = { slug: 'wrb', name: 'Water', network: { cidrs: ['10.0.0.0/8'] } };

beforeAll(async () => {
  database = await openTestDatabase();
  db = database.db;
  await transactAs(db, COMMAND, async (tx) => {
    await new Authorities(tx).add(WRB);
    await new Authorities(tx).add({ slug: 'other', name: 'Other' });
  });
});
afterAll(() => database.close());

const entriesOf = async (subject: string): Promise<AuditEntry[]> =>
  (await new AuditLog(db).list({ limit: 100, within: 'all', subject })).reverse();

const told = async (
  subject: string,
): Promise<readonly (readonly [AuditAction, string | null, AuditEntry['before'], AuditEntry['after']])[]> =>
  (await entriesOf(subject)).map(({ action, authority, before, after }) => [action, authority, before, after]);

const as = <T>(work: (cameras: Cameras) => Promise<T>): Promise<T> =>
  transactAs(db, COMMAND, (tx) => work(new Cameras(tx)));

const with_ = (camera: CameraRecord, stated: Partial<CameraRecord['document']>): CameraRecord => ({
  ...camera,
  document: { ...camera.document, ...stated },
});

const secret = (slot: number) => ({
  slot,
  kid: 'k1',
  ciphertext: Buffer.from('sealed'),
  fingerprint: 'k1.finger',
  updatedAt: '2026-11-27T08:00:00Z',
});

describe('what is written beside a change (AUD-1)', () => {
  test('a camera that is registered, changed, closed and retired: the members that changed', async () => {
    const camera = record();
    await as((cameras) => cameras.add([camera]));
    await as((cameras) => cameras.replace([with_(camera, { name: 'Lower bridge', heightM: 7 })]));
    const closed = with_(camera, { access: { level: 'restricted' } });
    await as((cameras) => cameras.replace([closed]));
    await as((cameras) => cameras.replace([with_(closed, { lifecycle: 'retired' })]));
    const [registered, ...others] = await told(camera.id);
    expect(registered).toEqual(['camera.registered', 'wrb', null, expect.objectContaining({ name: 'Sinshih bridge' })]);
    expect(registered?.[3]).not.toHaveProperty('uid');
    expect(others).toEqual([
      ['camera.changed', 'wrb', { name: 'Sinshih bridge' }, { name: 'Lower bridge', heightM: 7 }],
      [
        'camera.access_changed',
        'wrb',
        expect.objectContaining({ name: 'Lower bridge', access: expect.objectContaining({ level: 'public' }) }),
        expect.objectContaining({ access: { level: 'restricted' } }),
      ],
      ['camera.retired', 'wrb', { lifecycle: 'active' }, { lifecycle: 'retired' }],
    ]);
  });

  test('who, in which request and from where', async () => {
    await transactAs(db, { ...COMMAND, requestId: 'r-1', address: '192.0.2.7' }, (tx) =>
      new Audit(tx).note({ action: 'key.revoked', authority: null, subject: { kind: 'key', id: 'who' } }),
    );
    const [entry] = await entriesOf('who');
    expect(entry).toMatchObject({ principal: 'command', requestId: 'r-1', address: '192.0.2.7', result: 'done' });
    expect(entry?.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  test('of a camera that moves, in the audit of both authorities', async () => {
    const camera = record();
    await as((cameras) => cameras.add([camera]));
    await as((cameras) => cameras.replace([with_(camera, { authority: 'other' })]));
    const [, ...moved] = await told(camera.id);
    expect(moved.map(([action, authority]) => [action, authority]).sort()).toEqual([
      ['camera.changed', 'other'],
      ['camera.changed', 'wrb'],
    ]);
  });

  test('of secrets which service has one and none of it, and of URLs nothing behind the host', async () => {
    const url = 'http://10.9.8.7:8080/k3y-in-path/video?user=u5er&pwd=pa55';
    const credentials = { set: true, updatedAt: '2026-11-27T08:00:00Z' };
    const camera = record({}, { services: [{ kind: 'mjpeg', url }] });
    const withSecret = with_(camera, { services: [{ kind: 'mjpeg', url, credentials }] as never });
    await as((cameras) => cameras.add([{ ...withSecret, secrets: [secret(1)] }]));
    await as((cameras) => cameras.replace([camera]));
    const moved = [{ kind: 'mjpeg', url: 'http://10.9.8.7:8080/an0ther' }] as never;
    await as((cameras) => cameras.replace([with_(camera, { services: moved })]));
    const entries = await told(camera.id);
    const named = { services: [{ kind: 'mjpeg', url: 'http://10.9.8.7:8080/***' }] };
    expect(entries.map(([action, , before, after]) => [action, before, after]).slice(1)).toEqual([
      ['credentials.set', null, named],
      [
        'camera.changed',
        { services: [expect.objectContaining({ url: 'http://10.9.8.7:8080/***', credentials: '***' })] },
        { services: [expect.objectContaining({ url: 'http://10.9.8.7:8080/***' })] },
      ],
      ['credentials.cleared', named, null],
      ['camera.changed', { services: [expect.anything()] }, { services: [expect.anything()] }],
    ]);
    const text = JSON.stringify(entries);
    for (const word of ['k3y', 'u5er', 'pa55', 'an0ther', 'sealed', 'finger']) expect(text).not.toContain(word);
  });

  test('a refreshed address, and what is taken back, leave nothing', async () => {
    const camera = record();
    await as((cameras) => cameras.add([camera]));
    await as((cameras) => cameras.refresh([camera]));
    await expect(
      as(async (cameras) => {
        await cameras.replace([with_(camera, { name: 'never' })]);
        throw new Error('taken back');
      }),
    ).rejects.toThrow('taken back');
    expect((await told(camera.id)).map(([action]) => action)).toEqual(['camera.registered']);
  });

  test('of an authority its network and its floor apart from the rest', async () => {
    const { version } = await new Authorities(db).get('wrb');
    const changed = { ...WRB, name: 'Water Bureau', network: { cidrs: ['public'] }, accessFloor: 'agency' as const };
    await transactAs(db, COMMAND, (tx) => new Authorities(tx).replace(changed, version, { dialsAnew: true }));
    await transactAs(db, COMMAND, (tx) => new Authorities(tx).replace(WRB, version + 1, { dialsAnew: true }));
    const entries = await told('wrb');
    expect(entries[0]).toEqual(['authority.registered', 'wrb', null, WRB]);
    expect(entries.slice(1, 4).sort()).toEqual([
      ['authority.changed', 'wrb', { name: 'Water' }, { name: 'Water Bureau' }],
      ['authority.floor_changed', 'wrb', {}, { accessFloor: 'agency' }],
      ['authority.network_changed', 'wrb', { network: { cidrs: ['10.0.0.0/8'] } }, { network: { cidrs: ['public'] } }],
    ]);
    expect(entries).toHaveLength(7);
  });

  test('keys with what they may do, in the audit of each of their authorities; their end once, that of their children too', async () => {
    const pepper = { kid: 'k1', hmac: Buffer.from('hmac') };
    const key = (id: string, keyId: string, createdBy: string, authorities: 'all' | string[]) => ({
      ...{ id, keyId, name: 'import', pepper, scopes: ['cameras:read'] as const, authorities, createdBy },
      expiresAt: '2099-01-01T00:00:00Z',
    });
    const [parent, child] = ['019ac8f2-6d1b-7a55-9d0e-000000000001', '019ac8f2-6d1b-7a55-9d0e-000000000002'] as const;
    await transactAs(db, COMMAND, async (tx) => {
      await new ApiKeys(tx).add(key(parent, 'parentkey1', 'command', ['wrb', 'other']));
      await new ApiKeys(tx).add(key(child, 'childkey11', 'key:parentkey1', ['wrb']));
    });
    for (let i = 0; i < 2; i += 1) await transactAs(db, COMMAND, (tx) => new ApiKeys(tx).revoke(parent, 'all'));
    const shown = {
      keyId: 'parentkey1',
      name: 'import',
      scopes: ['cameras:read'],
      authorities: ['wrb', 'other'],
      expiresAt: '2099-01-01T00:00:00.000Z',
    };
    expect((await told(parent)).map(([action, , before, after]) => [action, before, after])).toEqual([
      ['key.minted', null, shown],
      ['key.minted', null, shown],
      ['key.revoked', shown, null],
      ['key.revoked', shown, null],
    ]);
    expect((await told(child)).map(([action, authority]) => [action, authority])).toEqual([
      ['key.minted', 'wrb'],
      ['key.revoked', 'wrb'],
    ]);
  });

  test('the key of the settings, once and not at every start', async () => {
    const held = (keyId: string, id: string) => ({
      ...{ id, keyId, name: 'SIGHTLINE_ADMIN_KEY', scopes: ['platform:admin'] as const },
      pepper: { kid: 'k1', hmac: Buffer.from('hmac') },
    });
    const [first, second] = ['019ac8f2-6d1b-7a55-9d0e-000000000003', '019ac8f2-6d1b-7a55-9d0e-000000000004'] as const;
    const hold = (key: ReturnType<typeof held>) => transactAs(db, COMMAND, (tx) => new ApiKeys(tx).hold(key));
    await hold(held('settings01', first));
    await hold(held('settings01', first));
    await hold(held('settings02', second));
    expect((await told(first)).map(([action, authority]) => [action, authority])).toEqual([
      ['key.minted', null],
      ['key.revoked', null],
    ]);
    expect((await told(second)).map(([action]) => action)).toEqual(['key.minted']);
  });

  test('webhooks from their making to their end, without their secret and what stands behind their host', async () => {
    const id = '019ac8f2-6d1b-7a55-9d0e-000000000005';
    const document = { url: 'https://hooks.example.org/t0ken', types: ['camera.changed'], authority: 'wrb' } as never;
    const signing = (number: number) => ({ number, kid: 'k1', ciphertext: Buffer.from('s1gning') });
    const on = <T>(work: (webhooks: Webhooks) => Promise<T>): Promise<T> =>
      transactAs(db, COMMAND, (tx) => work(new Webhooks(tx)));
    await on((webhooks) => webhooks.add({ id, document, owner: 'parentkey1', secret: signing(1) }));
    await on((webhooks) => webhooks.replace(id, { ...(document as object), enabled: false } as never, 'parentkey1'));
    await on((webhooks) => webhooks.replace(id, document, 'parentkey1'));
    await on((webhooks) => webhooks.addSecret(id, signing(2)));
    await on((webhooks) => webhooks.disable(id, 'gone'));
    await on((webhooks) => webhooks.disable(id, 'failing'));
    await on((webhooks) => webhooks.remove(id));
    const entries = await told(id);
    expect(entries.map(([action, authority]) => [action, authority])).toEqual(
      ['registered', 'changed', 'changed', 'secret_rotated', 'disabled', 'deleted'].map((what) => [
        `webhook.${what}`,
        'wrb',
      ]),
    );
    expect(entries[0]?.[3]).toMatchObject({ url: 'https://hooks.example.org/***', owner: 'parentkey1', enabled: true });
    expect(entries[1]?.slice(2)).toEqual([
      { enabled: true, disabledReason: null },
      { enabled: false, disabledReason: 'paused' },
    ]);
    expect(JSON.stringify(entries)).not.toMatch(/t0ken|s1gning/);
  });

  test('sets of buildings that come and go, and a probe that was asked for', async () => {
    const id = '019ac8f2-6d1b-7a55-9d0e-000000000006';
    const set = { id, date: '2026-01-01', heightFrom: null, baseFrom: null, bytes: 7, createdBy: 'key:a' };
    const buildings = new Buildings(db);
    await transactAs(db, COMMAND, (tx) => buildings.begin(set, tx));
    await transactAs(db, COMMAND, (tx) => buildings.remove(id, tx));
    await transactAs(db, COMMAND, (tx) => buildings.remove(id, tx));
    const about = { date: '2026-01-01', bytes: 7 };
    expect(await told(id)).toEqual([
      ['buildings.imported', null, null, about],
      ['buildings.deleted', null, about, null],
    ]);
    const camera = record();
    await as((cameras) => cameras.add([camera]));
    await transactAs(db, COMMAND, (tx) => new ProbeWishes(tx).ask(camera.id));
    expect((await told(camera.id)).map(([action]) => action)).toEqual(['camera.registered', 'probe.asked']);
  });

  test('what somebody looked at, once an hour', async () => {
    const note = { action: 'picture.viewed', authority: 'wrb', subject: { kind: 'camera', id: 'seen' } } as const;
    for (let i = 0; i < 3; i += 1) {
      await transactAs(db, COMMAND, (tx) => new Audit(tx).noteHourly('command', note));
    }
    expect(await told('seen')).toEqual([['picture.viewed', 'wrb', null, null]]);
  });
});

describe('the list', () => {
  test('newest first, page by page, and of other authorities nothing', async () => {
    await transactAs(db, COMMAND, (tx) =>
      new Audit(tx).note(
        ...['wrb', 'other', null].flatMap((authority) =>
          [1, 2, 3].map((n) => ({
            ...({ action: 'member.added', authority, subject: { kind: 'member', id: 'paged' } } as const),
            after: { n },
          })),
        ),
      ),
    );
    const log = new AuditLog(db);
    const all = await log.list({ limit: 100, within: 'all', subject: 'paged' });
    expect(all.map(({ authority, after }) => [authority, after?.n])).toEqual(
      [null, 'other', 'wrb'].flatMap((authority) => [3, 2, 1].map((n) => [authority, n])),
    );
    const { placeOf } = await import('../src/audit-log.js');
    const behind = await log.list({ limit: 4, within: 'all', subject: 'paged', after: placeOf(all[3] as AuditEntry) });
    expect(behind).toEqual(all.slice(4, 8));
    const own = await log.list({ limit: 100, within: ['wrb'], subject: 'paged' });
    expect(own.map(({ authority }) => authority)).toEqual(['wrb', 'wrb', 'wrb']);
    const { at } = all[0] as AuditEntry;
    expect(await log.list({ limit: 100, within: 'all', subject: 'paged', to: at })).toEqual([]);
    expect(await log.list({ limit: 100, within: 'all', subject: 'paged', from: at })).toHaveLength(9);
  });
});

describe('rows are only ever added (AUD-2)', () => {
  test.each(['audit_entry', 'audit_seal'])('not even the owner changes, deletes or empties %s', async (table) => {
    if (table === 'audit_seal') {
      await db.query(
        `insert into audit_seal (audit_id, at, chain, seq, prev_hash, hash) values (0, now(), 'x', 1, '', '')`,
      );
    }
    const [partition] = await db.query<{ name: string }[]>(
      `select tableoid::regclass::text as name from audit_entry limit 1`,
    );
    const column = table === 'audit_entry' ? 'reason' : 'chain';
    for (const statement of [
      `update ${table} set ${column} = 'x'`,
      `delete from ${table}`,
      `truncate ${table}`,
      ...(table === 'audit_entry' ? [`truncate ${partition?.name}`, `delete from ${partition?.name}`] : []),
    ]) {
      const asOwner = db.transaction(async (tx) => {
        await tx.query(`alter table ${table} no force row level security`);
        await tx.query(statement);
      });
      await expect(asOwner).rejects.toThrow('are only ever added');
    }
  });
});
