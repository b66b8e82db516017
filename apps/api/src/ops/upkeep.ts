import { setInterval } from 'node:timers';
import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import { Cameras, IdempotentAnswers, transact } from '#storage';

/** How often answers past their time are deleted, milliseconds. */
const SWEEP_EVERY_MS = 600_000;
/** Answers that one sweep deletes at most; as many mean that there are more. */
const FULL_SWEEP = 1_000;

/**
 * What the database wants from time to time: kept answers go after a day, and after a restore into a new cluster the change feed is made
 * whole again (reliability.md REL-5). A database that does not answer is tried again the next time.
 */
export async function startUpkeep(db: DataSource, log: Logger): Promise<{ close(): Promise<void> }> {
  const healed = await transact(db, (tx) => new Cameras(tx).healFeed());
  if (healed > 0) log.warn({ cameras: healed }, 'the change feed was healed: this database was restored elsewhere');
  let running: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    running = sweep(db).catch((error: unknown) => log.warn({ err: error }, 'old answers could not be deleted now'));
  }, SWEEP_EVERY_MS);
  timer.unref();
  return {
    close: async () => {
      clearInterval(timer);
      await running;
    },
  };
}

async function sweep(db: DataSource): Promise<void> {
  for (;;) {
    const swept = await transact(db, (tx) => new IdempotentAnswers(tx).sweep());
    if (swept < FULL_SWEEP) return;
  }
}
