import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Hub } from './hub.js';
import { takeLock } from './lock.js';
import { createDatabase } from './session.js';
import { unpack } from './template.js';
import { Upkeep } from './upkeep.js';

export interface EmbeddedOptions {
  /** Where Sightline keeps its things; the database lies in `database` below it, its lock beside that. Made if missing. */
  readonly dataDir: string;
  /**
   * Folder of what `scripts/embedded-assets.mjs` builds: a trimmed PostGIS and the template of an empty database. Default:
   * `dist/embedded-assets`. Without it all works, but the first start takes ten seconds.
   */
  readonly assets?: string;
  readonly log?: (message: string) => void;
  /** A commit that was acknowledged survives a power failure. Default true; false, it survives the process only. */
  readonly fsync?: boolean;
  /** VACUUM and CHECKPOINT by themselves. Default true. */
  readonly upkeep?: boolean;
}

/** A PostgreSQL 18 with PostGIS in this process. It keeps the process alive until `close`. */
export interface Embedded {
  /** One end of a new connection: what node-postgres takes as `stream`. User, database, password, options do not matter. */
  stream(): Duplex;
  /** How often the backend was replaced after a crash: every connection then got FATAL 57P02. */
  readonly restarts: number;
  /** Ends all connections (57P01), writes a checkpoint, ends the worker, gives the directory back. */
  close(): Promise<void>;
}

/** First line of PG_VERSION of the pinned PGlite. */
const POSTGRES = '18';

/** From `dist/libs/embedded/src`, and from `libs/embedded/src`. */
const ASSET_FOLDERS = ['../../../embedded-assets/', '../../../dist/embedded-assets/'];

/**
 * Opens the embedded database, and makes it if there is none.
 *
 * @throws DataDirectoryInUse when another process has it
 * @throws when PostgreSQL cannot start on what lies there
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { dataDir, log = () => {}, fsync = true, upkeep: keepUp = true } = options;
  const directory = path.resolve(dataDir, 'database');
  const assets = assetsIn(options.assets ?? defaultAssets());
  await mkdir(path.dirname(directory), { recursive: true });

  let hub: Hub | null = null;
  const onLost = (): void => {
    log(`another process took ${directory} from us; the embedded database ends`);
    void hub?.abandon('another process has taken the database');
  };
  const lock = await takeLock(`${directory}.lock`, { directory, log, onLost });
  try {
    await prepare(directory, assets, fsync, log);
    hub = await Hub.open({ directory, bundle: assets.bundle, fsync }, log);
  } catch (error) {
    await lock.release();
    throw error;
  }
  const opened = hub;
  const upkeep = keepUp ? new Upkeep(opened, log) : null;

  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    await Promise.all([upkeep?.stop(), opened.close()]);
    await lock.release();
  };
  return {
    stream: () => opened.connect(),
    get restarts() {
      return opened.restarts;
    },
    close: () => (closing ??= close()),
  };
}

interface Assets {
  /** URL of the trimmed PostGIS. */
  readonly bundle: string | null;
  /** File of the template. */
  readonly template: string | null;
}

function defaultAssets(): string | null {
  const folders = ASSET_FOLDERS.map((folder) => fileURLToPath(new URL(folder, import.meta.url)));
  return folders.find((folder) => existsSync(folder)) ?? null;
}

function assetsIn(folder: string | null): Assets {
  if (folder === null) return { bundle: null, template: null };
  const file = (name: string): string | null => {
    const found = path.join(folder, name);
    return existsSync(found) ? found : null;
  };
  const bundle = file('postgis.tar.gz');
  return { bundle: bundle === null ? null : pathToFileURL(bundle).href, template: file('template.tar.gz') };
}

/** Sees to it that a whole database lies in the directory. One that was being made when the power failed is made anew. */
async function prepare(
  directory: string,
  assets: Assets,
  fsync: boolean,
  log: (message: string) => void,
): Promise<void> {
  const version = await readFile(path.join(directory, 'PG_VERSION'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (version?.trim() === POSTGRES) return;
  if (version !== null || !(await isEmpty(directory))) {
    const found = version === null ? 'no database' : `a database of PostgreSQL ${version.trim()}`;
    throw new Error(`In ${directory} lies ${found}, and the embedded one is PostgreSQL ${POSTGRES}; move it away.`);
  }
  const partial = `${directory}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { mode: 0o700 });
  if (assets.template === null) {
    log('making the embedded database from scratch; this takes ten seconds, once');
    await createDatabase({ directory: partial, bundle: assets.bundle, fsync });
  } else {
    await unpack(assets.template, partial);
  }
  if (existsSync(directory)) await rmdir(directory);
  await rename(partial, directory);
  await syncFolder(path.dirname(directory));
}

async function isEmpty(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length === 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw error;
  }
}

/** Makes a rename in the folder last. Windows has no such thing. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const opened = await open(folder, 'r');
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
}
