import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { Keyring } from '#access';
import { openEmbedded } from '#embedded';
import { connect } from '#storage';
import { endProgram, runProgram, type Sightline, startSightline } from '#testing';

const OLD_KEY = Keyring.generate(randomBytes);
const NEW_KEY = Keyring.generate(randomBytes);

let sightline: Sightline;
let checkpoints: string;

/** Runs something as the owner of the tables, whom neither policies nor triggers hold back. */
async function onDatabase<T>(work: (db: DataSource) => Promise<T>): Promise<T> {
  if (sightline.database !== null) return work(sightline.database.db);
  const embedded = await openEmbedded({ dataDir: sightline.dataDir, fsync: false });
  const db = await connect({ role: 'migrate', stream: () => embedded.stream() });
  try {
    return await work(db);
  } finally {
    await db.destroy();
    await embedded.close();
  }
}

async function run(args: readonly string[], secretKey = OLD_KEY): Promise<{ code: number | string; said: string }> {
  const { url } = sightline.database ?? {};
  const program = runProgram({
    args: ['audit', ...args],
    env: {
      SIGHTLINE_DATA_DIR: sightline.dataDir,
      SIGHTLINE_SECRET_KEY: secretKey,
      SIGHTLINE_LOG_LEVEL: 'silent',
      ...(url === undefined ? {} : { DATABASE_URL: url }),
    },
  });
  return { code: await program.ended, said: program.stdout() + program.stderr() };
}

/** Does something while the last entry of a chain is gone, with its seal. */
async function withoutTheLast<T>(chain: string, work: () => Promise<T>): Promise<T> {
  const tables = ['audit_seal', 'audit_entry'] as const;
  const tamper = (db: DataSource, ...statements: readonly string[]): Promise<void> =>
    db.transaction(async (tx) => {
      const all = [
        ...tables.flatMap((table) => [
          `alter table ${table} disable trigger user`,
          `alter table ${table} no force row level security`,
        ]),
        ...statements,
        ...tables.flatMap((table) => [
          `alter table ${table} enable trigger user`,
          `alter table ${table} force row level security`,
        ]),
      ];
      for (const statement of all) await tx.query(statement);
    });
  const last = `select audit_id from audit_seal where chain = '${chain}' order by seq desc limit 1`;
  await onDatabase((db) =>
    tamper(
      db,
      `create table cut_entry as select * from audit_entry where id = (${last})`,
      `create table cut_seal as select * from audit_seal where audit_id = (${last})`,
      'delete from audit_entry where id in (select id from cut_entry)',
      'delete from audit_seal where audit_id in (select audit_id from cut_seal)',
    ),
  );
  try {
    return await work();
  } finally {
    await onDatabase((db) =>
      tamper(
        db,
        'insert into audit_entry select * from cut_entry',
        'insert into audit_seal select * from cut_seal',
        'drop table cut_entry',
        'drop table cut_seal',
      ),
    );
  }
}

async function post(where: string, body: object): Promise<void> {
  const response = await fetch(`${sightline.url}${where}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${sightline.key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (response.status !== 201) throw new Error(await response.text());
}

beforeAll(async () => {
  sightline = await startSightline({ env: { SIGHTLINE_SECRET_KEY: OLD_KEY } });
  checkpoints = path.join(sightline.dataDir, 'audit-checkpoints.jsonl');
  await post('/v1/authorities', { slug: 'wrb', name: 'Water' });
  await post('/v1/authorities', { slug: 'quiet', name: 'Quiet' });
  for (let n = 1; n <= 3; n += 1) {
    await post('/v1/cameras', {
      authority: 'wrb',
      localId: `c${n}`,
      name: `Camera ${n}`,
      location: { type: 'Point', coordinates: [120.29, 23.08] },
      services: [{ kind: 'mjpeg', url: 'http://192.0.2.1/video' }],
      lifecycle: 'planned',
    });
  }
  for (const until = Date.now() + 10_000; Date.now() < until; await wait(200)) {
    const metrics = await (await fetch(`${sightline.url}/metrics`)).text();
    if (/^sightline_audit_unsealed_seconds 0$/m.test(metrics)) break;
  }
  await endProgram(sightline.program());
  // That of the start was made before anything had been done.
  rmSync(checkpoints, { force: true });
}, 120_000);
afterAll(() => sightline.close());

describe('sightline audit verify (AUD-4)', () => {
  test('an audit that stands, a line a chain; without a checkpoint nothing vouches for its end', async () => {
    const { code, said } = await run(['verify']);
    expect(said).toMatch(/^wrb: 4 entries, unbroken; no checkpoint vouches for its end/m);
    expect(said).toMatch(/^beyond authorities: \d+ entr(?:y|ies), unbroken/m);
    expect([said, code]).toEqual([expect.stringContaining('The audit stands.'), 0]);
    const quiet = await run(['verify', '--authority', 'quiet']);
    expect([quiet.said.split('\n')[0], quiet.code]).toEqual([expect.stringMatching(/^quiet: 1 entry, unbroken/), 0]);
    expect(await run(['verify', '--authority', 'nobody'])).toMatchObject({
      code: 1,
      said: expect.stringContaining('no entry of nobody'),
    });
  }, 60_000);

  describe('with checkpoints (AUD-3)', () => {
    beforeAll(async () => {
      const { said } = await run(['checkpoint']);
      expect(said).toMatch(/A checkpoint of 3 chains went to .*audit-checkpoints\.jsonl/);
    }, 60_000);

    test('they vouch for the chains', async () => {
      const { code, said } = await run(['verify', '--checkpoints', checkpoints]);
      expect([said, code]).toEqual([
        expect.stringMatching(/^wrb: 4 entries, unbroken; the checkpoint of .* vouches for it up to entry 4\.$/m),
        0,
      ]);
    }, 60_000);

    test('a tail that was cut off with its seals is missed (AUD-4)', async () => {
      const { code, said } = await withoutTheLast('wrb', () => run(['verify', '--checkpoints', checkpoints]));
      expect([said, code]).toEqual([
        expect.stringMatching(
          /^wrb: the chain ends with entry 3, but it had 4 by the checkpoint of .*: the last one was cut off\./m,
        ),
        1,
      ]);
      expect(said).toMatch(/The audit does not stand: 1 fault\./);
    }, 60_000);

    test('old ones stay good when the secret key is replaced and then gone', async () => {
      await run(['checkpoint'], `${NEW_KEY},${OLD_KEY}`);
      expect(await run(['verify'], NEW_KEY)).toMatchObject({
        code: 0,
        said: expect.stringContaining('vouches for it up to entry 4'),
      });
    }, 120_000);
  });
});
