import type { Settings } from '#settings';
import { requireMigrated } from '#storage';
import { judgeLogin, openEngines } from './engines.js';
import { ensureAdministrator } from './first-key.js';
import { endInOrder, graceMsOf, untilTold } from './running.js';

/** The HTTP door alone, on a server's database. */
export async function api(settings: Settings, version: string): Promise<void> {
  const engines = await openEngines(settings, 'api', version);
  const { log, db } = engines;
  let close = (): Promise<void> => engines.close();
  try {
    await requireMigrated(db);
    if (settings.production) await judgeLogin(engines);
    if (settings.adminKey !== undefined) await ensureAdministrator({ ...engines, adminKey: settings.adminKey });
    const { start } = await import('../../api/src/start.js');
    const door = await start(engines);
    log.info({ url: door.url }, 'the API answers');
    const told = await untilTold(log);
    close = async () => {
      await door.close({ graceMs: graceMsOf(told, settings.production) });
      await engines.close();
    };
  } finally {
    await endInOrder(() => close(), log);
  }
}
