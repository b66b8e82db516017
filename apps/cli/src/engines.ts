import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Logger, pino, destination } from 'pino';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { DataSource } from 'typeorm';
import { Keyring } from '#access';
import { openEmbedded } from '#embedded';
import { DirectoryStore, type FrameStore, Pictures } from '#frames';
import type { Settings } from '#settings';
import { connect, requireModestLogin, type Role } from '#storage';

/** What a serving process runs on; each door gets it lent. */
export interface Engines {
  readonly settings: Settings;
  readonly version: string;
  readonly log: Logger;
  readonly metrics: Registry;
  readonly keyring: Keyring;
  readonly db: DataSource;
  readonly store: FrameStore;
  readonly pictures: Pictures;
  /** Whether the database is the embedded one. */
  readonly isEmbedded: boolean;
  /** In the order opposite to that of opening. */
  close(): Promise<void>;
}

/** Logs go to standard error as JSON, so that standard output stays for people. */
export const openLog = ({ logLevel }: Pick<Settings, 'logLevel'>): Logger =>
  pino({ level: logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination(2));

/** Opens everything that serving needs. Whatever was opened is closed again when a later part does not open. */
export async function openEngines(settings: Settings, role: Role, version: string): Promise<Engines> {
  const log = openLog(settings);
  const metrics = openMetrics(version);
  mkdirSync(settings.dataDir, { recursive: true });
  const keyring = openKeyring(settings);
  const closers: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const one of closers.splice(0).reverse()) await one();
  };
  try {
    const { db, isEmbedded } = await openDatabase(settings, role, log, closers);
    const store = await DirectoryStore.open({ ...settings.frames, log: (message) => log.warn(message) });
    closers.push(() => store.close());
    const pictures = await Pictures.start({ log: (message) => log.warn(message) });
    closers.push(() => pictures.close());
    return { settings, version, log, metrics, keyring, db, store, pictures, isEmbedded, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The database alone: the server of `DATABASE_URL`, or the embedded one. */
export async function openDatabase(
  settings: Settings,
  role: Role,
  log: Logger,
  closers: (() => Promise<unknown>)[],
): Promise<{ readonly db: DataSource; readonly isEmbedded: boolean }> {
  const say = (message: string): void => log.warn(message);
  if (settings.databaseUrl !== undefined) {
    // Migrations go around a pooler.
    const direct = role === 'migrate' ? settings.databaseDirectUrl : undefined;
    const behindPooler = direct === undefined && settings.databaseDirectUrl !== undefined;
    const db = await connect({ role, url: direct ?? settings.databaseUrl, behindPooler, log: say });
    closers.push(() => db.destroy());
    return { db, isEmbedded: false };
  }
  const embedded = await openEmbedded({ dataDir: settings.dataDir, log: say });
  closers.push(() => embedded.close());
  const db = await connect({ role, stream: () => embedded.stream(), log: say });
  closers.push(() => db.destroy());
  return { db, isEmbedded: true };
}

/**
 * In production a door is opened under no login that row-level security would not bind.
 * @param options.mayOwn this process has migrated, too
 * @throws UnfitDatabase
 */
export async function judgeLogin(
  { db, log }: Pick<Engines, 'db' | 'log'>,
  options: { readonly mayOwn?: boolean } = {},
): Promise<void> {
  const unwise = await requireModestLogin(db, options);
  if (unwise !== null) log.warn(unwise);
}

function openMetrics(version: string): Registry {
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  new Gauge({
    name: 'sightline_build_info',
    help: 'The running program.',
    labelNames: ['version', 'node'],
    registers: [metrics],
  }).set({ version, node: process.version }, 1);
  return metrics;
}

const SECRET_FILE = 'secret-key';

/**
 * The server's own secrets: as given, else from a file in the data directory, made at the first start and readable by its owner
 * alone. Whoever loses it loses the cameras' credentials.
 */
export function openKeyring(settings: Settings): Keyring {
  const found = findKeyring(settings);
  if (found !== null) return found;
  mkdirSync(settings.dataDir, { recursive: true });
  const file = path.join(settings.dataDir, SECRET_FILE);
  writeFileSync(file, `${Keyring.generate(randomBytes)}\n`, { mode: 0o600, flag: 'wx' });
  return Keyring.parse(readFileSync(file, 'utf8').trim());
}

/** The same for who only reads: null where there are none. */
export function findKeyring({ secretKey, dataDir }: Settings): Keyring | null {
  if (secretKey !== undefined) return Keyring.parse(secretKey);
  const file = path.join(dataDir, SECRET_FILE);
  if (!existsSync(file)) return null;
  chmodSync(file, 0o600);
  return Keyring.parse(readFileSync(file, 'utf8').trim());
}
