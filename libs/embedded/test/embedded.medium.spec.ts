import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { openEmbedded } from '../src/index.js';
import type { Embedded } from '../src/index.js';
import { message, query } from '../src/wire.js';
import { builtAssets } from './assets.js';

const dataDir = mkdtempSync(path.join(tmpdir(), 'sightline-embedded-'));
const logged: string[] = [];
let db: Embedded;
let pool: pg.Pool;
let assets: string;

beforeAll(async () => {
  assets = await builtAssets();
  db = await openEmbedded({ dataDir, assets, log: (line) => logged.push(line) });
  pool = new pg.Pool({ max: 5, stream: () => db.stream() });
  pool.on('error', () => {}); // idle connections hear of a crash here
}, 120_000);

afterAll(async () => {
  await pool.end();
  await db.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const connect = async (): Promise<pg.Client> => {
  const client = new pg.Client({ stream: () => db.stream() });
  client.on('error', () => {});
  await client.connect();
  return client;
};
const streamOf = (client: pg.Client | pg.PoolClient): Duplex =>
  (client as unknown as { readonly connection: { readonly stream: Duplex } }).connection.stream;
const oneOf = async (sql: string, values: readonly unknown[] = []): Promise<unknown> =>
  Object.values((await pool.query(sql, [...values])).rows[0] as Record<string, unknown>)[0];
const codeOf = async (query: Promise<unknown>): Promise<unknown> =>
  query.then(
    () => 'no error',
    (error: { readonly code?: unknown; readonly message?: unknown }) => error.code ?? error.message,
  );
const pick = <T>(from: readonly T[], n: number): T => from[n % from.length]!;

/** COPY as node-postgres lets a query do it; it has none of its own. */
class Copy {
  readonly rows: Buffer[] = [];
  readonly done: Promise<string>;
  handleError!: (error: Error) => void;
  #tag = '';
  #finish!: (tag: string) => void;

  constructor(
    private readonly sql: string,
    private readonly send: (connection: CopySink) => void = () => {},
  ) {
    this.done = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.handleError = reject;
    });
  }
  submit(connection: { query(sql: string): void }): void {
    connection.query(this.sql);
  }
  handleCopyInResponse(connection: CopySink): void {
    this.send(connection);
  }
  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    this.rows.push(Buffer.from(chunk));
  }
  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#tag = text;
  }
  handleReadyForQuery(): void {
    this.#finish(this.#tag);
  }
}
interface CopySink {
  sendCopyFromChunk(rows: Buffer): void;
  endCopyFrom(): void;
}
const copy = (client: pg.Client, sql: string, send?: (sink: CopySink) => void): Copy => {
  const submitted = new Copy(sql, send);
  client.query(submitted as unknown as pg.Submittable);
  return submitted;
};

describe('PostGIS', () => {
  test('is there, and reckons on the ellipsoid', async () => {
    const taipei = 'SRID=4326;POINT(121.5 25.05)';
    const sql = `select st_dwithin($1::geography, 'SRID=4326;POINT(121.51 25.05)', $2) as within`;
    expect([await oneOf(sql, [taipei, 1008]), await oneOf(sql, [taipei, 1010])]).toEqual([false, true]);
    expect(await oneOf('select st_asgeojson($1::geometry)::jsonb', [taipei])).toEqual({
      type: 'Point',
      coordinates: [121.5, 25.05],
    });
    expect(await oneOf(`select round(st_x(st_transform($1::geometry, 3826)))::int`, [taipei])).toBe(300_450);
  });

  test('a session speaks UTC and is durable', async () => {
    expect(await oneOf('show timezone')).toBe('UTC');
    expect([await oneOf('show fsync'), await oneOf('show wal_sync_method')]).toEqual(['on', 'fsync']);
    expect(await oneOf(`select '2026-05-01 08:00Z'::timestamptz::text`)).toBe('2026-05-01 08:00:00+00');
    const client = await connect();
    const told = client as unknown as { readonly connection: { readonly stream: unknown }; readonly processID: number };
    expect(told.processID).toBe(process.pid);
    await client.end();
  });
});

describe('a pool', () => {
  test('keeps transactions apart: no money is made or lost', async () => {
    await pool.query('create table account (id int primary key, money int not null check (money >= 0))');
    await pool.query('insert into account select g, 100 from generate_series(0, 9) g');
    const transfer = async (n: number): Promise<void> => {
      const client = await pool.connect();
      try {
        await client.query('begin');
        const from = n % 10;
        await client.query('update account set money = money - $2 where id = $1', [from, (n * 7) % 40]);
        if (n % 5 === 0) await client.query('select 1 / 0');
        await client.query('update account set money = money + $2 where id = $1', [(n * 3 + 1) % 10, (n * 7) % 40]);
        await client.query('commit');
      } catch {
        await client.query('rollback');
      } finally {
        client.release();
      }
    };
    await Promise.all(Array.from({ length: 300 }, (_, n) => transfer(n)));
    expect(await oneOf('select sum(money)::int from account')).toBe(1000);
    expect(await oneOf('select count(*)::int from account where money <> 100')).toBeGreaterThan(0);
  });

  test('mixes named and unnamed statements and errors', async () => {
    const kinds = [
      (n: number) => pool.query({ name: 'double', text: 'select $1::int * 2 as x', values: [n] }),
      (n: number) => pool.query({ name: 'text', text: `select $1::text || '!' as x`, values: [n] }),
      (n: number) => pool.query('select $1::int + 1 as x', [n]),
      (n: number) => pool.query(`select ${n} as x`),
      () => pool.query({ name: 'broken', text: 'select nothing from nowhere' }),
      (n: number) => pool.query({ name: 'zero', text: 'select 1 / ($1::int - $1::int) as x', values: [n] }),
    ];
    const answers = await Promise.all(
      Array.from({ length: 600 }, (_, n) =>
        pick(
          kinds,
          n,
        )(n).then(
          ({ rows }) => (rows as { x: unknown }[])[0]?.x,
          (error: { code: string }) => error.code,
        ),
      ),
    );
    const right = (n: number): unknown => pick([n * 2, `${n}!`, n + 1, n, '42P01', '22012'], n);
    expect(answers).toEqual(Array.from({ length: 600 }, (_, n) => right(n)));
  });

  test('lets two connections give one name to two statements, and forgets them with the connection', async () => {
    const [a, b] = [await connect(), await connect()];
    const ask = (client: pg.Client, text: string): Promise<unknown> =>
      client.query({ name: 'mine', text }).then(({ rows }) => (rows as { x: number }[])[0]!.x);
    expect([await ask(a, 'select 1 as x'), await ask(b, 'select 2 as x'), await ask(a, 'select 1 as x')]).toEqual([
      1, 2, 1,
    ]);
    const count = `select count(*)::int from pg_prepared_statements where statement in ('select 1 as x', 'select 2 as x')`;
    expect(await oneOf(count)).toBe(2);
    await a.end();
    expect(await oneOf(count)).toBe(1);
    await b.end();
  });

  test('serves TypeORM', async () => {
    const source = new DataSource({ type: 'postgres', extra: { max: 5, stream: () => db.stream() } });
    await source.initialize();
    await source.query('create table note (id int primary key, text text)');
    const failed = source.transaction(async (tx) => {
      await tx.query('insert into note values (1, $1)', ['never']);
      throw new Error('changed my mind');
    });
    await expect(failed).rejects.toThrow('changed my mind');
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        source.transaction((tx) => tx.query('insert into note values ($1, $2)', [n + 10, 'ä'.repeat(n)])),
      ),
    );
    expect(await source.query('select min(id), count(*)::int from note')).toEqual([{ min: 10, count: 20 }]);
    await source.destroy();
  });
});

describe('a connection', () => {
  test('copies in and out', async () => {
    const client = await connect();
    await client.query('create table copied (id int primary key, v text)');
    const lines = Array.from({ length: 50_000 }, (_, n) => `${n}\tvalue ${n}\n`);
    const copied = copy(client, 'copy copied from stdin', (sink) => {
      for (let n = 0; n < lines.length; n += 100) sink.sendCopyFromChunk(Buffer.from(lines.slice(n, n + 100).join('')));
      sink.endCopyFrom();
    });
    expect(await copied.done).toBe('COPY 50000');
    const out = copy(client, 'copy (select * from copied order by id) to stdout');
    expect(await out.done).toBe('COPY 50000');
    expect(Buffer.concat(out.rows).equals(Buffer.from(lines.join('')))).toBe(true);

    const broken = copy(client, '/* twice */ begin; copy copied from stdin; commit', (sink) => {
      for (let n = 0; n < 1000; n += 1)
        sink.sendCopyFromChunk(Buffer.from(n === 500 ? '7\tsecond\n' : `${n + 60_000}\tx\n`));
      sink.endCopyFrom();
    });
    expect(await codeOf(broken.done)).toBe('23505');
    await client.query('rollback');
    expect(await codeOf(copy(client, 'copy nowhere from stdin').done)).toBe('42P01');
    expect((await client.query('select count(*)::int as n from copied')).rows).toEqual([{ n: 50_000 }]);
    await client.end();
  });

  test('that sends its last row and leaves has its rows kept; so does one that prepares its COPY', async () => {
    await pool.query('create table last (id int)');
    // What is answered comes in pieces of any size: it is whole when it is as long as expected and nothing follows.
    const words = async (expected: number, ...batches: readonly (readonly Buffer[])[]): Promise<string> => {
      const stream = db.stream();
      let letters = '';
      stream.on('data', (bytes: Buffer) => {
        for (let at = 0; at < bytes.length; at += 1 + bytes.readInt32BE(at + 1))
          letters += String.fromCharCode(bytes[at]!);
      });
      stream.write(Buffer.from([0, 0, 0, 8, 0, 3, 0, 0]));
      for (const batch of batches) {
        const before = letters;
        stream.write(Buffer.concat(batch));
        while (letters === before && !stream.closed) await wait(5);
      }
      const answer = (): string => letters.slice(letters.indexOf('Z') + 1);
      for (let left = 1_000; answer().length < expected && !stream.closed && left > 0; left -= 1) await wait(5);
      await wait(20);
      stream.destroy();
      return answer();
    };
    const rows = [message('d', Buffer.from('1\n2\n')), message('c')];
    expect(await words(3, [query('copy last from stdin')], [...rows, message('X')])).toBe('GCZ');
    const prepared = [
      message('P', '', 'copy last from stdin', Buffer.alloc(2)),
      message('B', '', '', Buffer.alloc(6)),
      message('E', '', Buffer.alloc(4)),
      message('S'),
    ];
    expect(await words(6, prepared, [...rows, message('S')], [message('S')])).toBe('12GCZZ');
    expect(await oneOf('select count(*)::int from last')).toBe(4);
    const failing = [message('P', '', 'select 1 / 0', Buffer.alloc(2)), ...prepared.slice(1, 3), message('H')];
    expect(await words(3, failing, [query('ignored'), message('S')])).toBe('1EZ');
  });

  test('that vanishes in the middle of a COPY holds nobody up', async () => {
    await pool.query('create table half (id int)');
    const client = await connect();
    const started = new Promise<void>((resolve) => {
      copy(client, 'copy half from stdin', (sink) => {
        sink.sendCopyFromChunk(Buffer.from('1\n2\n'));
        resolve();
      }).done.catch(() => {});
    });
    await started;
    streamOf(client).destroy();
    expect(await oneOf('select count(*)::int from half')).toBe(0);
  });

  test('hears what it listens to, and only that', async () => {
    const [a, b, c] = [await connect(), await connect(), await connect()];
    const heard: string[] = [];
    for (const [name, client] of Object.entries({ a, b, c })) {
      client.on('notification', ({ channel, payload }) => heard.push(`${name}: ${channel} ${payload}`));
    }
    await a.query('listen "Kamera 1"');
    await b.query('listen weather; listen flood');
    await c.query({ text: 'listen weather', values: [] });
    await pool.query(`select pg_notify('Kamera 1', 'online')`);
    await b.query(`notify weather, 'rain'`);
    await c.query('unlisten weather');
    await pool.query(`notify weather, 'sun'`);
    await a.end();
    const late = pool.query(`begin; notify flood, 'no'; rollback`).then(() => pool.query(`notify flood, 'yes'`));
    await late;
    await pool.query(`notify "Kamera 1"`);
    await wait(20);
    expect(heard.sort()).toEqual([
      'a: Kamera 1 online',
      'b: flood yes',
      'b: weather rain',
      'b: weather sun',
      'c: weather rain',
    ]);
    await b.query('unlisten *');
    expect(await oneOf('select count(*)::int from pg_listening_channels()')).toBe(0);
    await Promise.all([b.end(), c.end()]);
  });

  test('carries 64 MB both ways', async () => {
    const bytes = Buffer.alloc(64 * 2 ** 20, 'sightline');
    expect(bytes.equals((await oneOf('select $1::bytea', [bytes])) as Buffer)).toBe(true);
  });

  test('that does not read holds the backend up, not the memory', async () => {
    const client = await connect();
    const stream = streamOf(client);
    const answer = client.query(`select repeat('x', 1000) as x from generate_series(1, 40000)`);
    stream.pause();
    await wait(500);
    expect(stream.readableLength).toBeGreaterThan(2 ** 20);
    expect(stream.readableLength).toBeLessThan(6 * 2 ** 20);
    stream.resume();
    expect((await answer).rowCount).toBe(40_000);
    await client.end();
  });

  test('that vanishes in a transaction leaves neither rows nor settings', async () => {
    await pool.query('create table vanished (id int)');
    const client = await connect();
    await client.query(`set search_path to pg_catalog; set time zone 'Asia/Taipei'; set role pg_monitor`);
    await client.query('reset role; begin');
    await client.query('insert into public.vanished values (1)');
    streamOf(client).destroy();
    expect(await oneOf('select count(*)::int from vanished')).toBe(0);
    expect([await oneOf('show timezone'), await oneOf('select current_user::text')]).toEqual(['UTC', 'postgres']);
  });

  test('that keeps a transaction open is ended; meanwhile others are told, and stay usable', async () => {
    const idle = await connect();
    const ended = new Promise((resolve) => idle.once('error', resolve));
    const others = await Promise.all(Array.from({ length: 102 }, () => connect()));
    await idle.query('begin; create table never (id int)');
    const startedAtMs = performance.now();
    const answers = await Promise.all(
      others.map(async (client) => [await codeOf(client.query('select 1')), performance.now() - startedAtMs] as const),
    );
    expect(answers.filter(([code]) => code === '53400')).toHaveLength(102);
    expect(answers.filter(([, afterMs]) => afterMs < 2_500)).toHaveLength(2); // those beyond 100; the others waited 5 s
    expect(await ended).toMatchObject({ code: '25P03' });
    expect((await others[0]!.query(`select to_regclass('never') as never`)).rows).toEqual([{ never: null }]);
    await Promise.all(others.map((client) => client.end()));
  });
});

describe('upkeep', () => {
  test('keeps the log flat and tables lean', async () => {
    await pool.query('create table health (id int primary key, state text, pad text) with (fillfactor = 70)');
    await pool.query(`insert into health select g, 'online', repeat('x', 100) from generate_series(1, 20000) g`);
    const logAt = `select (pg_current_wal_lsn() - '0/0'::pg_lsn)::float8`;
    const before = Number(await oneOf(logAt));
    for (let n = 0; Number(await oneOf(logAt)) - before < 170 * 2 ** 20; n += 1) {
      await pool.query('update health set state = $1', [`state ${n}`]);
    }
    const log = path.join(dataDir, 'database', 'pg_wal');
    const sizeMb = (): number =>
      readdirSync(log).reduce((sum, name) => sum + statSync(path.join(log, name)).size, 0) / 2 ** 20;
    for (let tries = 0; sizeMb() > 130 && tries < 50; tries += 1) await wait(100);
    expect(sizeMb()).toBeLessThanOrEqual(130);
    const vacuumed = 'select vacuum_count::int from pg_stat_user_tables where relname = $1';
    for (let tries = 0; (await oneOf(vacuumed, ['health'])) === 0 && tries < 50; tries += 1) await wait(100);
    expect(await oneOf(vacuumed, ['health'])).toBeGreaterThan(0);
  });
});

describe('a crash of the backend', () => {
  const swallowed = [
    `select st_intersection('POLYGON((0 0,2 2,0 2,2 0,0 0))'::geometry, 'POLYGON((0 0,3 0,3 1,0 1,0 0))'::geometry)`,
    `select st_transform('SRID=4326;POINT(1 2)'::geometry, '+proj=nonsense')`,
  ];

  test.each(swallowed)('by %s is told to all, and the next query finds what was committed', async (sql) => {
    const restarts = db.restarts;
    await pool.query('create table if not exists kept (id int)');
    await pool.query('insert into kept values (1)');
    const kept = Number(await oneOf('select count(*)::int from kept'));
    const [bystander, crasher, waiting] = [await connect(), await connect(), await connect()];
    const told = new Promise((resolve) => bystander.once('error', resolve));
    const crashing = codeOf(crasher.query(sql));
    const caught = codeOf(waiting.query('insert into kept values (2)'));
    expect(await crashing).toBe('57P02');
    expect(await caught).toBe('57P02');
    expect(await told).toMatchObject({ code: '57P02' });
    expect(await retried('select count(*)::int from kept')).toBe(kept);
    expect(await oneOf('select postgis_version()')).toMatch(/^3\.6/);
    expect(db.restarts).toBe(restarts + 1);
  });

  test('is not an endless recursion: that is an error', async () => {
    const restarts = db.restarts;
    await pool.query(`create function deeper(int) returns int language sql as 'select deeper($1 + 1)'`);
    expect(await codeOf(pool.query('select deeper(1)'))).toBe('54001');
    expect(db.restarts).toBe(restarts);
  });

  /** A machine under load reopens the database more slowly than a statement waits. */
  async function retried(sql: string): Promise<unknown> {
    for (;;) {
      const code = await codeOf(pool.query('select 1'));
      if (code !== '53400') return oneOf(sql);
    }
  }
});

test('closing tells who is still there', async () => {
  const other = mkdtempSync(path.join(tmpdir(), 'sightline-embedded-'));
  const brief = await openEmbedded({ dataDir: other, assets, fsync: false, upkeep: false });
  const client = new pg.Client({ stream: () => brief.stream() });
  const told = new Promise((resolve) => client.on('error', resolve)); // the end of the connection is another
  await client.connect();
  expect((await client.query('show fsync')).rows).toEqual([{ fsync: 'off' }]);
  await Promise.all([brief.close(), brief.close()]);
  expect(await told).toMatchObject({ code: '57P01' });
  expect(readdirSync(other)).toEqual(['database']);
  const late = new pg.Client({ stream: () => brief.stream() });
  late.on('error', () => {});
  expect(await codeOf(late.connect())).toBe('57P01');
  rmSync(other, { recursive: true, force: true });
});
