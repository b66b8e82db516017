import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';

/** The database that this test run uses. */
export type Engine =
  | {
      readonly kind: 'server';
      /** Login that may create databases and roles, and is no superuser: row security binds it. */
      readonly url: string;
      /** A database with PostGIS in it, to be cloned. */
      readonly template: string;
      /** In words, for the run's first line. */
      readonly from: string;
    }
  | { readonly kind: 'embedded'; readonly from: string };

/** How an engine ends. */
export interface RunningEngine {
  readonly engine: Engine;
  stop(): Promise<void>;
}

const TEMPLATE = 'template_postgis';
const LOGIN = 'sightline';

/**
 * Jest's global set-up, run once for each kind of test: the first finds the database, the rest share it. It lies in this file because
 * Jest resolves no `.js` to `.ts` for what a global set-up imports.
 */
export default async function setUp(): Promise<void> {
  if (process.env.TEST_ENGINE !== undefined) return;
  const running = await startEngine(process.env);
  process.env.TEST_ENGINE = JSON.stringify(running.engine);
  (globalThis as { stopTestEngine?: () => Promise<void> }).stopTestEngine = () => running.stop();
  process.stderr.write(`\nPostGIS for the tests: ${running.engine.from}\n`);
}

/** Where PostGIS may come from, in the order in which it is looked for. */
const SOURCES: Readonly<Record<string, (env: NodeJS.ProcessEnv) => Promise<RunningEngine | null>>> = {
  given: (env) => givenServer(env.DATABASE_URL),
  local: () => privateServer(),
  container: (env) => containerServer(env),
  embedded: async () => embedded(),
};

/**
 * Finds PostGIS for the tests: the server of `DATABASE_URL`, else a private server from local binaries, else a container
 * where an engine answers, else the embedded database. `TEST_POSTGIS` names one of them and leaves out the rest.
 */
export async function startEngine(env: NodeJS.ProcessEnv): Promise<RunningEngine> {
  const wanted = env.TEST_POSTGIS;
  for (const [source, start] of Object.entries(SOURCES)) {
    if (wanted !== undefined && wanted !== source) continue;
    const found = await start(env);
    if (found === null) continue;
    if (env.TEST_REQUIRE !== 'postgres' || found.engine.kind === 'server') return found;
  }
  throw new Error(`no PostGIS for the tests (TEST_POSTGIS=${wanted ?? ''}, TEST_REQUIRE=${env.TEST_REQUIRE ?? ''})`);
}

const embedded = (): RunningEngine => ({
  engine: { kind: 'embedded', from: 'the embedded PostGIS (no DATABASE_URL, no local server, no container engine)' },
  stop: async () => undefined,
});

async function givenServer(url: string | undefined): Promise<RunningEngine | null> {
  if (url === undefined || url === '') return null;
  const template = await onServer(url, async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [TEMPLATE]);
    return rowCount === 1 ? TEMPLATE : 'template1';
  });
  return { engine: { kind: 'server', url, template, from: 'the server of DATABASE_URL' }, stop: async () => undefined };
}

/** Runs statements on a server, on a connection of their own. */
export async function onServer<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Folder of PostgreSQL 15+ server binaries that have PostGIS beside them, or null. */
function serverBinaries(): string | null {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).map((version) => path.join(debian, version, 'bin')) : [];
  const onPath = (process.env.PATH ?? '').split(path.delimiter);
  const folders = [...versions.sort().reverse(), ...onPath];
  return folders.find((folder) => existsSync(path.join(folder, 'initdb')) && hasPostgis(folder)) ?? null;
}

function hasPostgis(folder: string): boolean {
  const say = (what: string): string =>
    spawnSync(path.join(folder, 'pg_config'), [what], { encoding: 'utf8' }).stdout?.trim() ?? '';
  const version = Number(/(\d+)/.exec(say('--version'))?.[1] ?? 0);
  return version >= 15 && existsSync(path.join(say('--sharedir'), 'extension', 'postgis.control'));
}

/** A throw-away server on a Unix socket, fast and not durable. */
async function privateServer(): Promise<RunningEngine | null> {
  const bin = process.platform === 'win32' ? null : serverBinaries();
  if (bin === null) return null;
  const isRoot = userInfo().uid === 0;
  if (isRoot && spawnSync('id', ['postgres']).status !== 0) return null;
  const folder = mkdtempSync(path.join(tmpdir(), 'sightline-pg-'));
  const asServer = (command: string, args: readonly string[]): void => {
    // initdb refuses root; a server must not hold our pipes open, so its output goes to a file.
    const whole = isRoot
      ? ['runuser', '-u', 'postgres', '--', path.join(bin, command), ...args]
      : [path.join(bin, command), ...args];
    const log = openSync(path.join(folder, 'log'), 'a');
    execFileSync(whole[0] as string, whole.slice(1), { cwd: '/', stdio: ['ignore', log, log] });
  };
  if (isRoot) execFileSync('chown', ['postgres', folder]);
  const data = path.join(folder, 'data');
  const port = await freePort();
  asServer('initdb', [
    '-D',
    data,
    '-U',
    'postgres',
    '--auth=trust',
    '--encoding=UTF8',
    '--locale=C.UTF-8',
    '--no-sync',
  ]);
  const options = [
    `-c listen_addresses='' -c unix_socket_directories='${folder}' -c port=${port} -c max_connections=200`,
    '-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c timezone=UTC',
  ].join(' ');
  asServer('pg_ctl', ['start', '-w', '-D', data, '-o', options, '-l', path.join(folder, 'server.log')]);
  const url = (login: string, database: string): string =>
    `postgres://${login}@localhost:${port}/${database}?host=${encodeURIComponent(folder)}`;
  await makeLogin(url('postgres', 'postgres'), (database) => url('postgres', database));
  return {
    engine: { kind: 'server', url: url(LOGIN, 'postgres'), template: TEMPLATE, from: `a private server (${bin})` },
    stop: async () => {
      asServer('pg_ctl', ['stop', '-w', '-m', 'immediate', '-D', data]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The login of the tests, and a database with PostGIS for it to clone. */
async function makeLogin(url: string, urlOf: (database: string) => string): Promise<void> {
  await onServer(url, async (client) => {
    await client.query(`create role ${LOGIN} login createdb createrole password '${LOGIN}'`);
    await client.query(`create database ${TEMPLATE} is_template true`);
  });
  await onServer(urlOf(TEMPLATE), (client) => client.query('create extension postgis'));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('bug: a TCP server without a port');
  return address.port;
}

/** Image with PostgreSQL and PostGIS; any that takes POSTGRES_PASSWORD serves. */
const IMAGE = 'postgis/postgis:17-3.5';

async function containerServer(env: NodeJS.ProcessEnv): Promise<RunningEngine | null> {
  if (env.DOCKER_HOST === undefined && !existsSync('/var/run/docker.sock')) return null;
  const { GenericContainer, Wait } = await import('testcontainers');
  try {
    const container = await new GenericContainer(env.SIGHTLINE_POSTGIS_IMAGE ?? IMAGE)
      .withEnvironment({ POSTGRES_PASSWORD: 'test' })
      .withExposedPorts(5432)
      .withWaitStrategy(Wait.forLogMessage(/ready to accept connections/, 2))
      .withStartupTimeout(120_000)
      .start();
    const url = (login: string, database: string): string =>
      `postgres://${login}@${container.getHost()}:${container.getMappedPort(5432)}/${database}`;
    await answered(url('postgres:test', 'postgres'));
    await makeLogin(url('postgres:test', 'postgres'), (database) => url('postgres:test', database));
    return {
      engine: {
        kind: 'server',
        url: url(`${LOGIN}:${LOGIN}`, 'postgres'),
        template: TEMPLATE,
        from: `a container (testcontainers, ${env.SIGHTLINE_POSTGIS_IMAGE ?? IMAGE})`,
      },
      stop: async () => {
        await container.stop({ timeout: 0 });
      },
    };
  } catch (error) {
    console.warn(`no database container: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

async function answered(url: string): Promise<void> {
  for (let left = 40; ; left -= 1) {
    try {
      await onServer(url, (client) => client.query('select 1'));
      return;
    } catch (error) {
      if (left === 0) throw error;
      await wait(250);
    }
  }
}
