import type { Duplex } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { MIGRATIONS } from '#migrations';
import { type Role, type Standing, standingOf } from './database-role.js';
import { AuditSeals } from './audit-seals.js';
import { keepPartitions } from './partitions.js';
import { one, raw, run, sql } from './sql.js';
import { TABLES } from './tables.js';

export interface ConnectOptions {
  readonly role: Role;
  /** A PostgreSQL server; or */
  readonly url?: string;
  /** the embedded database: makes one end of a connection. */
  readonly stream?: () => Duplex;
  /** A pooler stands between: no startup parameters, no named statements. */
  readonly behindPooler?: boolean;
  readonly log?: (message: string) => void;
  /** How long the first connection is tried, milliseconds. */
  readonly patienceMs?: number;
}

/** The database cannot serve as it is; the message says what to do. */
export class UnfitDatabase extends Error {
  override readonly name = 'UnfitDatabase';
}

const POLICY: Readonly<Record<Role, { max: number; connectMs: number; queryMs: number; statementMs: number }>> = {
  api: { max: 10, connectMs: 2_000, queryMs: 5_000, statementMs: 4_000 },
  prober: { max: 6, connectMs: 5_000, queryMs: 10_000, statementMs: 8_000 },
  all: { max: 10, connectMs: 2_000, queryMs: 10_000, statementMs: 8_000 },
  migrate: { max: 2, connectMs: 5_000, queryMs: 600_000, statementMs: 600_000 },
};

/** Connections to the one session of the embedded database. */
const EMBEDDED_CONNECTIONS = 5;

/** A connection is made anew after so long: what a server remembers for each of its sessions grows. Seconds. */
const RENEWED_S = 3_600;
/** A quiet connection says so often that it is there: firewalls forget those that say nothing, Azure's after four minutes. Milliseconds. */
const KEEP_ALIVE_MS = 60_000;

/** Opens the pool, waiting for a server that is not up yet. @throws UnfitDatabase with one sentence */
export async function connect(options: ConnectOptions): Promise<DataSource> {
  const standing = await patiently(() => standingOf(options), options);
  const db = new DataSource({
    type: 'postgres',
    ...(options.url === undefined ? {} : { url: options.url }),
    entities: [...TABLES],
    migrations: [...MIGRATIONS],
    migrationsTableName: 'migrations',
    migrationsTransactionMode: 'each',
    installExtensions: false,
    synchronize: false,
    invalidWhereValuesBehavior: { null: 'throw', undefined: 'throw' },
    poolErrorHandler: (error: unknown) => options.log?.(`a database connection broke: ${messageOf(error)}`),
    extra: poolOptions(options, standing),
  });
  await patiently(() => db.initialize(), options);
  if (standing?.isMighty === true && standing.connections === null) {
    const detail = 'row-level security does not bind it. Good for trying; production refuses it';
    options.log?.(`the database login ${standing.login} is superuser or has BYPASSRLS: ${detail}`);
  }
  return db;
}

function poolOptions(
  { role, stream, behindPooler = false }: ConnectOptions,
  standing: Standing | null,
): Record<string, unknown> {
  const { max, connectMs, queryMs, statementMs } = POLICY[role];
  const connections = stream === undefined ? max : EMBEDDED_CONNECTIONS;
  const client = {
    max: connections,
    // A connection that was needed stays: to make ten of them when many come at once after a quiet time takes the first of them a second.
    min: connections,
    maxLifetimeSeconds: RENEWED_S,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    connectionTimeoutMillis: connectMs,
    query_timeout: queryMs,
    keepAlive: true,
    Client: TimeoutSafeClient,
    behindPooler,
    transactionRole: standing?.transactions ?? null,
    ...(stream === undefined ? {} : { stream }),
  };
  if (behindPooler || stream !== undefined) return client;
  return {
    ...client,
    application_name: `sightline-${role}`,
    statement_timeout: statementMs,
    lock_timeout: 2_000,
    idle_in_transaction_session_timeout: 10_000,
    options: startupOptions(role, standing),
  };
}

function startupOptions(role: Role, standing: Standing | null): string {
  const settings = ['TimeZone=UTC'];
  if (standing !== null && standing.connections !== null) settings.push(`role=${standing.connections}`);
  // Whoever migrates writes rows of everybody's, and the policies bind him too.
  if (role === 'migrate') settings.push('app.principal=migrate', 'app.authorities=*');
  return settings.map((one) => `-c ${one}`).join(' ');
}

/** Answers of a server that more patience does not cure. */
const HOPELESS: Readonly<Record<string, string>> = {
  '28P01': 'the password is wrong',
  '28000': 'this login is not let in',
  '3D000': 'this database does not exist',
  ERR_INVALID_URL: 'DATABASE_URL is no URL that node-postgres reads',
};

/** Does what needs the server, again and again while it is not up yet. @throws UnfitDatabase */
async function patiently<T>(work: () => Promise<T>, { log, patienceMs = 30_000 }: ConnectOptions): Promise<T> {
  const until = Date.now() + patienceMs;
  for (let delayMs = 250; ; delayMs = Math.min(delayMs * 2, 4_000)) {
    try {
      return await work();
    } catch (error) {
      const why = HOPELESS[codeOf(error)];
      if (why !== undefined) throw new UnfitDatabase(`The database refuses us: ${why}.`, { cause: error });
      if (Date.now() + delayMs > until) {
        const detail = `The database did not answer within ${patienceMs / 1000} s: ${messageOf(error)}.`;
        throw new UnfitDatabase(detail, { cause: error });
      }
      log?.(`the database does not answer yet (${messageOf(error)}); trying again in ${delayMs / 1000} s`);
      await wait(delayMs);
    }
  }
}

export const codeOf = (error: unknown): string => String((error as { readonly code?: unknown } | null)?.code ?? '');

const messageOf = (error: unknown): string => {
  const { message = '', code = '' } = (error ?? {}) as { readonly message?: string; readonly code?: string };
  return message || code || String(error);
};

type Query = (...args: unknown[]) => unknown;

/**
 * A client whose query timed out still waits for the old answer, and TypeORM gives it back to the pool, where the next
 * queries time out too (1.1, measured). So its socket is destroyed, and the pool makes a new one.
 */
class TimeoutSafeClient extends pg.Client {
  constructor(config: pg.ClientConfig) {
    super(config);
    const query = this.query.bind(this) as Query;
    this.query = ((...args: unknown[]) => {
      const pending = query(...args);
      return pending instanceof Promise ? pending.catch((error: unknown) => this.giveUp(error)) : pending;
    }) as typeof this.query;
  }

  private async giveUp(error: unknown): Promise<never> {
    if (/Query read timeout/.test(messageOf(error))) {
      const { stream } = (this as unknown as { readonly connection: { readonly stream: Duplex } }).connection;
      const closed = new Promise((resolve) => stream.once('close', resolve));
      stream.destroy();
      await closed;
    }
    throw error;
  }
}

const POSTGRES_FLOOR = 15;
const POSTGIS_FLOOR = [3, 3] as const;

/** Refuses a server that is too old or has no PostGIS. @throws UnfitDatabase */
export async function requirePostgis(db: DataSource): Promise<void> {
  const { server } = one(
    await run<{ server: number }>(db, sql`select current_setting('server_version_num')::int / 10000 as server`),
  );
  if (server < POSTGRES_FLOOR) {
    throw new UnfitDatabase(
      `Sightline needs PostgreSQL ${POSTGRES_FLOOR} or newer; this server is PostgreSQL ${server}.`,
    );
  }
  const installed = await run<{ version: string }>(
    db,
    sql`select extversion as version from pg_extension where extname = 'postgis'`,
  );
  const version = installed[0]?.version ?? (await createPostgis(db));
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < POSTGIS_FLOOR[0] || (major === POSTGIS_FLOOR[0] && minor < POSTGIS_FLOOR[1])) {
    throw new UnfitDatabase(`Sightline needs PostGIS ${POSTGIS_FLOOR.join('.')} or newer; this server has ${version}.`);
  }
}

async function createPostgis(db: DataSource): Promise<string> {
  const available = await run(db, sql`select from pg_available_extensions where name = 'postgis'`);
  if (available.length === 0) {
    throw new UnfitDatabase(
      'This PostgreSQL server has no PostGIS: install it there (on Debian: postgresql-<version>-postgis-3), then start again.',
    );
  }
  try {
    await run(db, raw('create extension if not exists postgis'));
  } catch (error) {
    const cure = 'Have a superuser run in this database: create extension postgis;';
    throw new UnfitDatabase(`PostGIS is not in this database, and this login may not add it. ${cure}`, {
      cause: error,
    });
  }
  const rows = await run<{ version: string }>(
    db,
    sql`select extversion as version from pg_extension where extname = 'postgis'`,
  );
  return one(rows).version;
}

/** Brings the schema up to date, the partitions of the coming days included, one migrator at a time. @returns names of the migrations that ran */
export async function migrate(db: DataSource): Promise<readonly string[]> {
  await requirePostgis(db);
  const runner = db.createQueryRunner();
  try {
    // A session lock, on the connection that migrates; a migrator never goes through a pooler.
    await runner.query(`select pg_advisory_lock(hashtext('sightline migrate'))`);
    const ran = await db.runMigrations({ transaction: 'each' });
    await runner.query(`select pg_advisory_unlock(hashtext('sightline migrate'))`);
    await keepPartitions(db, { drops: false });
    // What is written next, such as the first key, comes behind the entries of a server from which this database was restored.
    await new AuditSeals(db).renewGeneration();
    return ran.map(({ name }) => name);
  } finally {
    await runner.release();
  }
}

/** Refuses a database whose schema is older than the program. @throws UnfitDatabase */
export async function requireMigrated(db: DataSource): Promise<void> {
  await requirePostgis(db);
  if (await db.showMigrations()) {
    throw new UnfitDatabase('The database is older than this program: run `sightline migrate` once, then start again.');
  }
}

/** Whether the database answers now. */
export async function ping(db: DataSource): Promise<boolean> {
  try {
    await run(db, sql`select 1`);
    return true;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}
