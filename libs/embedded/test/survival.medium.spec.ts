import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { transformSync } from '@swc/core';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import pg from 'pg';
import { DataDirectoryInUse, openEmbedded } from '../src/index.js';
import { takeLock } from '../src/lock.js';
import { builtAssets, root } from './assets.js';

// What happens to whole processes: they are killed, started twice, and end. The room runs in children as JavaScript.
const compiled = path.join(root, 'node_modules', '.cache', 'sightline', `embedded-spec-${process.pid}`);
const folders: string[] = [];
const children: ChildProcess[] = [];
let assets: string;

beforeAll(async () => {
  assets = await builtAssets();
  const source = fileURLToPath(new URL('../src', import.meta.url));
  mkdirSync(compiled, { recursive: true });
  cpSync(path.join(source, 'worker.mjs'), path.join(compiled, 'worker.mjs'));
  for (const name of readdirSync(source).filter((each) => /(?<!\.spec)\.ts$/.test(each))) {
    const filename = path.join(source, name);
    const { code } = transformSync(readFileSync(filename, 'utf8'), { filename });
    writeFileSync(path.join(compiled, name.replace(/\.ts$/, '.js')), code);
  }
  writeFileSync(path.join(compiled, 'package.json'), '{ "type": "module" }');
}, 120_000);

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  for (const folder of [compiled, ...folders]) rmSync(folder, { recursive: true, force: true });
});

const newFolder = (): string => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sightline-embedded-'));
  folders.push(folder);
  return folder;
};

interface Child {
  readonly process: ChildProcess;
  readonly lines: readonly string[];
  readonly exited: Promise<number | null>;
  /** Resolves with the first line that begins so. */
  says(start: string): Promise<string>;
}

/** Runs a program with `openEmbedded`, `pg`, `dataDir` and `assets` at hand. */
function run(dataDir: string, program: string): Child {
  const given = `
    import { openEmbedded } from ${JSON.stringify(pathToFileURL(path.join(compiled, 'index.js')).href)};
    import pg from 'pg';
    const [dataDir, assets] = ${JSON.stringify([dataDir, assets])};`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', given + program], { cwd: root });
  children.push(child);
  const lines: string[] = [];
  let rest = '';
  for (const output of [child.stdout, child.stderr]) {
    output.on('data', (chunk: Buffer) => {
      const parts = (rest + chunk.toString()).split('\n');
      rest = parts.pop()!;
      lines.push(...parts);
    });
  }
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const says = async (start: string): Promise<string> => {
    for (;;) {
      const line = lines.find((each) => each.startsWith(start));
      if (line !== undefined) return line;
      if (child.exitCode !== null) throw new Error(`the child ended without "${start}": ${lines.join('\n')}`);
      await wait(20);
    }
  };
  return { process: child, lines, exited, says };
}

const OPEN = `
  const db = await openEmbedded({ dataDir, assets }).catch((error) => {
    console.log('refused ' + error.message);
    process.exit(3);
  });
  console.log('open');`;

test('what was acknowledged is there after kill -9, and until then nobody else comes in', async () => {
  const dataDir = newFolder();
  const writer = run(
    dataDir,
    `${OPEN}
    const pool = new pg.Pool({ max: 5, stream: () => db.stream() });
    await pool.query('create table written (id int primary key, pad text)');
    const write = async (id) => {
      await pool.query('insert into written values ($1, $2)', [id, 'x'.repeat(500)]);
      process.stdout.write('wrote ' + id + '\\n');
      return write(id + 5);
    };
    await Promise.all([1, 2, 3, 4, 5].map(write));`,
  );
  await writer.says('wrote 300');
  const refused = await openEmbedded({ dataDir, assets }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(DataDirectoryInUse);
  expect((refused as Error).message).toMatch(
    new RegExp(`^The embedded database in \\S+/database is in use by process ${writer.process.pid} since \\S+Z\\.$`),
  );
  writer.process.kill('SIGKILL');
  await writer.exited;
  const acknowledged = writer.lines.filter((line) => /^wrote \d+$/.test(line)).map((line) => Number(line.slice(6)));
  expect(acknowledged.length).toBeGreaterThanOrEqual(300);

  const logged: string[] = [];
  const db = await openEmbedded({ dataDir, assets, log: (line) => logged.push(line) });
  expect(logged).toEqual([
    `taking over ${path.join(dataDir, 'database')} from process ${writer.process.pid} that is no more`,
  ]);
  const client = new pg.Client({ stream: () => db.stream() });
  await client.connect();
  const { rows } = await client.query<{ id: number }>('select id from written');
  const found = new Set(rows.map(({ id }) => id));
  expect(acknowledged.filter((id) => !found.has(id))).toEqual([]);
  await client.end();
  await db.close();
  expect(existsSync(path.join(dataDir, 'database.lock'))).toBe(false);
});

test('of those who start at once one wins, and it ends by itself once it has closed', async () => {
  const dataDir = newFolder();
  const program = `${OPEN}
    const pool = new pg.Pool({ max: 5, stream: () => db.stream() });
    console.log((await pool.query('select postgis_lib_version() as v')).rows[0].v);
    process.stdin.once('data', async () => {
      await pool.end();
      await db.close();
      process.stdin.unref();
      console.log('closed');
    });`;
  const all = [run(dataDir, program), run(dataDir, program), run(dataDir, program)];
  const first = await Promise.any(all.map((child) => child.says('3.6').then(() => child)));
  const losers = all.filter((child) => child !== first);
  for (const loser of losers) {
    expect(await loser.exited).toBe(3);
    expect(loser.lines.join()).toMatch(new RegExp(`refused .* is in use by process ${first.process.pid} since`));
  }
  first.process.stdin!.write('close\n');
  await first.says('closed');
  const left = Promise.race([first.exited, wait(5_000, 'still running', { ref: false })]);
  expect(await left).toBe(0);
  expect(readdirSync(dataDir)).toEqual(['database']);
});

test('a statement that runs on without its client is ended with its backend', async () => {
  const db = await openEmbedded({ dataDir: newFolder(), assets, fsync: false });
  const client = new pg.Client({ stream: () => db.stream(), query_timeout: 200 });
  client.on('error', () => {});
  await client.connect();
  await expect(client.query('select count(*) from generate_series(1, 1e10)')).rejects.toThrow('Query read timeout');
  await client.end();
  const pool = new pg.Pool({ max: 1, stream: () => db.stream() });
  pool.on('error', () => {});
  for (let answer = 0; answer !== 1;) {
    answer = await pool.query<{ x: number }>('select 1 as x').then(
      ({ rows }) => rows[0]!.x,
      () => wait(100, 0),
    );
  }
  expect(db.restarts).toBe(1);
  await pool.end();
  await db.close();
}, 60_000);

test('a folder with something else, or a database of another PostgreSQL, is left alone', async () => {
  const dataDir = newFolder();
  mkdirSync(path.join(dataDir, 'database'));
  writeFileSync(path.join(dataDir, 'database', 'PG_VERSION'), '17\n');
  await expect(openEmbedded({ dataDir, assets })).rejects.toThrow('lies a database of PostgreSQL 17');
  expect(readdirSync(path.join(dataDir, 'database'))).toEqual(['PG_VERSION']);
  expect(existsSync(path.join(dataDir, 'database.lock'))).toBe(false);
});

test('a lock of another container is taken over once it is silent, and its holder hears of it', async () => {
  const file = path.join(newFolder(), 'database.lock');
  let lost = 0;
  const options = { directory: '/d', log: () => {}, onLost: () => (lost += 1), watchMs: 3_000 };
  const first = await takeLock(file, options);
  const foreign = JSON.stringify({
    ...(JSON.parse(readFileSync(file, 'utf8')) as object),
    place: 'elsewhere',
    host: 'box',
  });
  writeFileSync(file, foreign);
  await expect(takeLock(file, options)).rejects.toThrow('on box'); // it beats every two seconds
  await first.release();
  expect(existsSync(file)).toBe(false);

  writeFileSync(file, foreign);
  const second = await takeLock(file, options);
  expect((JSON.parse(readFileSync(file, 'utf8')) as { pid: number }).pid).toBe(process.pid);
  writeFileSync(file, '{ broken');
  for (let tries = 0; lost === 0 && tries < 60; tries += 1) await wait(100);
  expect(lost).toBe(1);
  await second.release();
  expect(readFileSync(file, 'utf8')).toBe('{ broken');
}, 30_000);
