import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Keyring, mintKey } from '#access';
import {
  describeOnServer,
  endProgram,
  engine,
  openTestDatabase,
  type Program,
  type ProgramOptions,
  runProgram,
  type TestDatabase,
} from '#testing';

const ENTRIES = { k1: `k1:${randomBytes(32).toString('base64')}`, k2: `k2:${randomBytes(32).toString('base64')}` };
const OLD = ENTRIES.k1;
const BOTH = `${ENTRIES.k2},${ENTRIES.k1}`;
const NEW = ENTRIES.k2;

async function run(options: ProgramOptions): Promise<{ code: number | string; out: string; errors: string }> {
  const program = runProgram(options);
  const code = await program.ended;
  return { code, out: program.stdout(), errors: program.stderr() };
}

const rowOf = (out: string, kid: string): string =>
  new RegExp(`^${kid} .*$`, 'm').exec(out)?.[0].replace(/ +/g, ' ') ?? '';

describeOnServer('CRED-3: sightline keys rotate', () => {
  const CAMERAS = 12_000;
  let database: TestDatabase;
  const place = (n: number) => ({
    cameraId: `00000000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`,
    authority: 'wrb',
    slot: 1,
  });
  const credentials = (n: number) => ({ username: 'viewer', password: `secret ${n}` });
  const webhook = { webhookId: '00000000-0000-7000-8000-0000000000aa', number: 1 };

  beforeAll(async () => {
    database = await openTestDatabase();
    const { db } = database;
    await db.query(
      `insert into authority (slug, version, document, access_floor) values ('wrb', 1, '{"slug": "wrb", "name": "W"}', 'public')`,
    );
    await db.query(
      `insert into camera (id, authority, local_id, version, document, public_document, position, lifecycle, access_level,
                           completeness, mobility, usage, tags, search_text, service_slots, content_hash, changed_xid)
       select ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'wrb', n::text, 1, '{}', '{}',
              st_setsrid(st_makepoint(120, 23), 4326), 'active', 'public', 'point', 'fixed', '{}', '{}', '', '{1}', '', 1
       from generate_series(1, ${CAMERAS}) as n`,
    );
    const keyring = Keyring.parse(OLD);
    const sealed = Array.from({ length: CAMERAS }, (_, i) => {
      const { kid, ciphertext, fingerprint } = keyring.seal(place(i + 1), credentials(i + 1));
      return { id: place(i + 1).cameraId, kid, ciphertext: ciphertext.toString('hex'), fingerprint };
    });
    await db.query(
      `insert into camera_secret (camera_id, slot, kid, ciphertext, fingerprint, updated_at)
       select id, 1, kid, decode(ciphertext, 'hex'), fingerprint, '2026-01-02T03:04:05Z'
       from jsonb_to_recordset($1::jsonb) as s (id uuid, kid text, ciphertext text, fingerprint text)`,
      [JSON.stringify(sealed)],
    );
    const key = (name: string, more: string): string => `
      insert into api_key (id, key_id, name, pepper_kid, secret_hmac, scopes, created_by, expires_at, revoked_at)
      values (gen_random_uuid(), '${name}', '${name}', 'k1', 'x', '{}', 'command', ${more})`;
    await db.query(key('live', `now() + interval '1 day', null`));
    await db.query(key('revoked', `now() + interval '1 day', now()`));
    await db.query(key('ended', `now() - interval '1 day', null`));
    await db.query(`insert into webhook (id, document, owner) values ($1, '{}', 'live')`, [webhook.webhookId]);
    const { kid, ciphertext } = keyring.sealWebhook(webhook, Buffer.from('signing key'));
    await db.query(`insert into webhook_secret (webhook_id, number, kid, ciphertext) values ($1, 1, $2, $3)`, [
      webhook.webhookId,
      kid,
      ciphertext,
    ]);
  }, 120_000);
  afterAll(() => database.close());

  const keys = (what: string, secretKey: string): ProgramOptions => ({
    args: ['keys', what],
    env: { DATABASE_URL: database.url ?? '', SIGHTLINE_SECRET_KEY: secretKey, SIGHTLINE_DEMO: 'off' },
  });
  const movedOf = async (): Promise<number> => {
    const rows = await database.db.query<{ moved: number }[]>(
      `select count(*)::int as moved from camera_secret where kid = 'k2'`,
    );
    return rows[0]?.moved ?? 0;
  };
  const rowAt = async (n: number): Promise<{ kid: string; ciphertext: Buffer; fingerprint: string; at: Date }> => {
    const rows = await database.db.query<{ kid: string; ciphertext: Buffer; fingerprint: string; at: Date }[]>(
      `select kid, ciphertext, fingerprint, updated_at as at from camera_secret where camera_id = $1`,
      [place(n).cameraId],
    );
    if (rows[0] === undefined) throw new Error(`no secret ${n}`);
    return rows[0];
  };

  test('status shows what stands under which key', async () => {
    const { code, out } = await run(keys('status', BOTH));
    expect(code).toBe(0);
    expect(rowOf(out, 'k2')).toBe('k2 0 0 0 writes');
    expect(rowOf(out, 'k1')).toBe(`k1 ${CAMERAS} 1 1 is needed: sightline keys rotate moves what stands under it`);
    const { out: without } = await run(keys('status', NEW));
    expect(rowOf(without, 'k1')).toContain('is not in SIGHTLINE_SECRET_KEY');
  });

  test('one rotation at a time', async () => {
    await database.db.transaction(async (tx) => {
      await tx.query(`select pg_advisory_xact_lock(hashtext('sightline keys rotate'))`);
      const { code, errors } = await run(keys('rotate', BOTH));
      expect([code, errors.trim()]).toEqual([1, 'another sightline keys rotate is at work on this database']);
    });
    expect(await movedOf()).toBe(0);
  });

  test('killed half-way and run again, it ends with one key; every secret opens, and is known by its fingerprint', async () => {
    const before = await rowAt(CAMERAS);
    const killed = runProgram(keys('rotate', BOTH));
    while ((await movedOf()) === 0 && killed.child.exitCode === null) await wait(5);
    killed.child.kill('SIGKILL');
    expect(await killed.ended).toBe('SIGKILL');
    const half = await movedOf();
    expect(half).toBeGreaterThan(0);
    expect(half).toBeLessThan(CAMERAS);
    const again = await run(keys('rotate', BOTH));
    expect([again.code, again.errors]).toEqual([0, '']);
    expect(again.out).toContain(`Put ${CAMERAS - half + 1} secrets under k2.`);
    expect(rowOf(again.out, 'k2')).toBe(`k2 ${CAMERAS} 1 0 writes`);
    const noted = await database.db.query<object[]>(
      `select principal, authority, subject_id as kid, after from audit_entry where action = 'secret_key.rotated' order by id`,
    );
    const whole = { principal: 'command', authority: null, kid: 'k2', after: { secrets: CAMERAS + 1 } };
    expect(noted).toEqual([whole, { ...whole, after: { secrets: CAMERAS - half + 1 } }]);
    expect(rowOf(again.out, 'k1')).toMatch(/^k1 0 0 1 is needed until these API keys are used/);
    await database.db.query(`update api_key set revoked_at = now() where key_id = 'live'`);
    expect(rowOf((await run(keys('status', BOTH))).out, 'k1')).toBe('k1 0 0 0 may go');

    const alone = Keyring.parse(NEW);
    for (const n of [1, 2, 500, 501, CAMERAS / 2, CAMERAS]) {
      const { kid, ciphertext, fingerprint, at } = await rowAt(n);
      expect(alone.open(place(n), kid, ciphertext)).toEqual(credentials(n));
      expect(alone.sameCredentials(fingerprint, credentials(n))).toBe(true);
      expect(at.toISOString()).toBe('2026-01-02T03:04:05.000Z');
    }
    // Beyond the wrapped data key nothing is another.
    expect((await rowAt(CAMERAS)).ciphertext.subarray(61)).toEqual(before.ciphertext.subarray(61));
    const rows = await database.db.query<{ kid: string; ciphertext: Buffer }[]>(
      'select kid, ciphertext from webhook_secret',
    );
    expect(rows.map((row) => alone.openWebhook(webhook, row).toString())).toEqual(['signing key']);
  }, 120_000);

  test('CRED-2: two ciphertexts that were swapped by SQL do not open, and stay what they are', async () => {
    await database.db.query(
      `update camera_secret s set ciphertext = o.ciphertext from camera_secret o
       where (s.camera_id, o.camera_id) in (($1, $2), ($2, $1))`,
      [place(1).cameraId, place(2).cameraId],
    );
    const keyring = Keyring.parse(NEW);
    for (const n of [1, 2]) {
      const { kid, ciphertext } = await rowAt(n);
      expect(() => keyring.open(place(n), kid, ciphertext)).toThrow('not_authentic');
    }
    const swapped = await rowAt(1);
    const back = `${ENTRIES.k1},${ENTRIES.k2}`;
    const { code, errors, out } = await run(keys('rotate', back));
    expect(code).toBe(2);
    expect(errors).toContain('2 secrets do not open under the key that they name, and stay as they are.');
    expect(rowOf(out, 'k2')).toMatch(/^k2 2 0 0 is needed/);
    expect(await rowAt(1)).toEqual(swapped);
  }, 60_000);
});

describe('the key of sealed credentials', () => {
  let database: TestDatabase | null = null;
  let program: Program;
  let url = '';
  const dataDir = mkdtempSync(path.join(tmpdir(), 'sightline-rotate-'));
  const { key } = mintKey(randomBytes);
  const settings = (secretKey: string): Record<string, string> => ({
    PORT: '0',
    SIGHTLINE_DATA_DIR: dataDir,
    SIGHTLINE_SECRET_KEY: secretKey,
    SIGHTLINE_ADMIN_KEY: key,
    SIGHTLINE_DEMO: 'off',
    SIGHTLINE_RATE_LIMITS: 'off',
    SIGHTLINE_LOOPBACK_CAMERAS: 'on',
    ...(database?.url === undefined ? {} : { DATABASE_URL: database.url }),
  });
  const start = async (secretKey: string): Promise<void> => {
    program = runProgram({ env: settings(secretKey) });
    [, url = ''] = await program.said(/(http:\/\/[\d.]+:\d+)\//);
  };
  const send = async (at: string, body: object, bearer = key): Promise<{ status: number; body: unknown }> => {
    const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' };
    const response = await fetch(`${url}${at}`, { method: 'POST', headers, body: JSON.stringify(body) });
    // Beside the other specs it may have too much to do.
    if (response.status !== 503) return { status: response.status, body: await response.json() };
    await wait(1_000);
    return send(at, body, bearer);
  };
  const importOf = async (password: string): Promise<unknown> => {
    const properties = { name: 'One', url: `http://viewer:${password}@127.0.0.1:9/a.jpg` };
    const geometry = { type: 'Point', coordinates: [120.1, 23.1] };
    const { body } = await send('/v1/imports?authority=wrb', {
      type: 'FeatureCollection',
      features: [{ type: 'Feature', id: '1', geometry, properties }],
    });
    return (body as { rows: { action: string }[] }).rows.map(({ action }) => action);
  };

  beforeAll(async () => {
    if (engine.kind === 'server') database = await openTestDatabase({ migrated: false });
  });
  afterAll(async () => {
    await endProgram(program);
    await database?.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('CRED-8: a re-import of an equal password is still unchanged when the old key is gone, and keys in use still open the door', async () => {
    await start(OLD);
    await send('/v1/authorities', { slug: 'wrb', name: 'W', network: { cidrs: ['127.0.0.0/8'], ports: [9] } });
    expect(await importOf('first')).toEqual(['created']);
    const minted = await send('/v1/keys', { name: 'k', scopes: ['cameras:read'], authorities: ['wrb'] });
    const own = (minted.body as { key: string }).key;
    await endProgram(program);

    await start(BOTH);
    const ask = async (): Promise<number> => {
      const { status } = await fetch(`${url}/v1/cameras`, { headers: { authorization: `Bearer ${own}` } });
      if (status === 503) await wait(1_000);
      return status === 503 ? ask() : status;
    };
    expect(await ask()).toBe(200);
    expect(await importOf('first')).toEqual(['unchanged']);
    const rotating = { args: ['keys', 'rotate'], env: settings(BOTH) };
    if (database === null) {
      const refused = await run(rotating);
      expect([refused.code, refused.errors]).toEqual([
        1,
        expect.stringMatching(/in use by process \d+.* End it first/),
      ]);
      await endProgram(program);
    }
    const { code, out } = await run(rotating);
    expect([code, rowOf(out, 'k1')]).toEqual([0, 'k1 0 0 0 may go']);
    if (database !== null) {
      expect(await importOf('first')).toEqual(['unchanged']);
      await endProgram(program);
    }

    await start(NEW);
    expect(await importOf('first')).toEqual(['unchanged']);
    expect(await ask()).toBe(200);
    expect(await importOf('second')).toEqual(['updated']);
    await endProgram(program);
  }, 180_000);

  test('CRED-3: with none of its keys the service stands, and says of the camera that its credentials do not open', async () => {
    await start(`k9:${randomBytes(32).toString('base64')}`);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    const headers = { authorization: `Bearer ${key}` };
    const { id } = (await (await fetch(`${url}/v1/authorities/wrb/cameras/1`, { headers })).json()) as { id: string };
    expect(await send(`/v1/cameras/${id}/probe`, {})).toMatchObject({
      status: 200,
      body: { outcome: 'prober_internal' },
    });
    const health = await (await fetch(`${url}/v1/cameras/${id}/health`, { headers })).json();
    expect(health).toMatchObject({ conditions: ['credential_unreadable'] });
    // It heals where the password is given again.
    expect(await importOf('second')).toEqual(['updated']);
    expect(await send(`/v1/cameras/${id}/probe`, {})).toMatchObject({ body: { outcome: 'refused' } });
  }, 120_000);
});
