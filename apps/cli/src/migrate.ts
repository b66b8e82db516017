import type { Settings } from '#settings';
import { migrate } from '#storage';
import { openDatabase, openKeyring, openLog } from './engines.js';
import { ensureAdministrator } from './first-key.js';

/** Brings the database up to date, once a release, and makes the first administrator's key. */
export async function migrateOnce(settings: Settings): Promise<void> {
  const log = openLog(settings);
  const closers: (() => Promise<unknown>)[] = [];
  try {
    const { db } = await openDatabase(settings, 'migrate', log, closers);
    const ran = await migrate(db);
    const key = await ensureAdministrator({ db, keyring: openKeyring(settings), adminKey: settings.adminKey });
    process.stdout.write(
      ran.length === 0 ? 'The database is up to date.\n' : `Ran ${ran.length} migrations: ${ran.join(', ')}.\n`,
    );
    if (key !== null) process.stdout.write(`The first administrator's key, shown this once. Keep it:\n  ${key}\n`);
  } finally {
    for (const close of closers.reverse()) await close();
  }
}
