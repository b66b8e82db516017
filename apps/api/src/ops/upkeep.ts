import { setInterval } from 'node:timers';
import type { DataSource } from 'typeorm';
import { SERVER } from '#access';
import { Cameras, IdempotentAnswers, transactAs } from '#storage';
import { measureCameras } from '../health/camera-metrics.js';
import { HistoryUpkeep } from '../health/history-upkeep.js';
import type { ApiParts } from '../parts.js';

/** How often the database is looked after, milliseconds. */
const EVERY_MS = 600_000;
/** Answers that one sweep deletes at most; as many mean that there are more. */
const FULL_SWEEP = 1_000;

/**
 * What the database wants from time to time: kept answers go after a day, the history is summed up and makes room, and after a restore into a new
 * cluster the change feed is made whole again (reliability.md REL-5). A database that does not answer is tried again the next time.
 */
export async function startUpkeep({
  db,
  log,
  metrics,
}: Pick<ApiParts, 'db' | 'log' | 'metrics'>): Promise<{ close(): Promise<void> }> {
  const healed = await transactAs(db, SERVER, (tx) => new Cameras(tx).healFeed());
  if (healed > 0) log.warn({ cameras: healed }, 'the change feed was healed: this database was restored elsewhere');
  measureCameras(db, log, metrics);
  const history = new HistoryUpkeep(db, log, metrics);
  const closing = new AbortController();
  const lookAfter = async (): Promise<void> => {
    await history
      .run(closing.signal)
      .catch((error: unknown) => log.error({ err: error }, 'the history could not be given partitions now'));
    await sweep(db).catch((error: unknown) => log.warn({ err: error }, 'old answers could not be deleted now'));
  };
  let running = lookAfter();
  const timer = setInterval(() => {
    running = running.then(lookAfter);
  }, EVERY_MS);
  timer.unref();
  return {
    close: async () => {
      clearInterval(timer);
      closing.abort();
      await running;
    },
  };
}

async function sweep(db: DataSource): Promise<void> {
  for (;;) {
    const swept = await transactAs(db, SERVER, (tx) => new IdempotentAnswers(tx).sweep());
    if (swept < FULL_SWEEP) return;
  }
}
