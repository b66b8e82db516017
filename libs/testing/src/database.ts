import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { openEmbedded } from '#embedded';
import { connect, migrate, type Role } from '#storage';
import { type Engine, onServer } from './engine.js';

/** A migrated, empty database of one spec file. */
export interface TestDatabase {
  readonly db: DataSource;
  /** For programs that connect by themselves; absent on the embedded database. */
  readonly url?: string;
  /** Another pool on the same database. On the embedded one: the same session. */
  another(role?: Role): Promise<DataSource>;
  close(): Promise<void>;
}

/** What the run's global set-up found; specs started by hand, without one, use the embedded database. */
export const engine = JSON.parse(process.env.TEST_ENGINE ?? '{"kind":"embedded","from":"by hand"}') as Engine;

/** For specs that need several sessions at once; skipped by name on the embedded database, which has one. */
export const describeOnServer = engine.kind === 'server' ? describe : describe.skip;

/** A database of this file's own. `migrated: false` leaves it empty but for PostGIS. */
export async function openTestDatabase({ migrated = true } = {}): Promise<TestDatabase> {
  const opened = engine.kind === 'server' ? await onTestServer(engine) : await onEmbedded();
  if (migrated) await migrate(opened.db);
  return opened;
}

/**
 * The specs' own connections write on everybody's behalf without saying so each time, as those of a program must. Pools of one role, and programs
 * that connect by themselves, have to say.
 */
function asSpec(url: URL): string {
  const own = new URL(url);
  own.searchParams.set('options', '-c TimeZone=UTC -c app.principal=spec -c app.authorities=*');
  return own.href;
}

async function onTestServer({ url, template }: Engine & { kind: 'server' }): Promise<TestDatabase> {
  const name = `sightline_test_${process.pid}_${randomBytes(4).toString('hex')}`;
  await onServer(url, (client) => client.query(`create database ${name} template ${template}`));
  const own = new URL(url);
  own.pathname = `/${name}`;
  const pools: DataSource[] = [];
  const another = async (role: Role = 'all'): Promise<DataSource> => {
    const pool = await connect({ role, url: role === 'all' ? asSpec(own) : own.href });
    pools.push(pool);
    return pool;
  };
  return {
    db: await another(),
    url: own.href,
    another,
    close: async () => {
      for (const pool of pools) if (pool.isInitialized) await pool.destroy();
      await onServer(url, (client) => client.query(`drop database if exists ${name} with (force)`));
    },
  };
}

async function onEmbedded(): Promise<TestDatabase> {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'sightline-embedded-'));
  const embedded = await openEmbedded({ dataDir, fsync: false });
  const pools: DataSource[] = [];
  const another = async (role: Role = 'all'): Promise<DataSource> => {
    const pool = await connect({ role, stream: () => embedded.stream() });
    pools.push(pool);
    return pool;
  };
  return {
    db: await another(),
    another,
    close: async () => {
      for (const pool of pools) if (pool.isInitialized) await pool.destroy();
      await embedded.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
