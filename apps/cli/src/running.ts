import type { Logger } from 'pino';

/** How the process was told to end. */
export type Told = 'SIGINT' | 'SIGTERM' | 'error';

/**
 * Waits until somebody ends the process. A second signal ends it at once; an error that nobody caught is logged and ends it in order, as
 * a signal would (reliability.md REL-9).
 */
export async function untilTold(log: Logger): Promise<Told> {
  return new Promise((resolve) => {
    let told = false;
    const tell = (how: Told): void => {
      if (told && how !== 'error') process.exit(1);
      told = true;
      resolve(how);
    };
    process.on('SIGINT', () => tell('SIGINT'));
    process.on('SIGTERM', () => tell('SIGTERM'));
    const fail = (error: unknown): void => {
      log.fatal({ err: error }, 'an error that nobody caught; ending in order');
      process.exitCode = 1;
      tell('error');
    };
    process.on('uncaughtException', fail);
    process.on('unhandledRejection', fail);
  });
}

/** Longest orderly end, milliseconds; what is not finished by then is cut off. */
const LONGEST_END_MS = 25_000;

/** Ends in order, or by force when that takes too long. */
export async function endInOrder(close: () => Promise<void>, log: Logger): Promise<void> {
  const force = setTimeout(() => {
    log.error(`the end took longer than ${LONGEST_END_MS / 1_000} s and was cut short`);
    process.exit(1);
  }, LONGEST_END_MS);
  force.unref();
  await close();
  clearTimeout(force);
}

/** Seconds of normal service after SIGTERM, in which a load balancer learns to look elsewhere; nobody waits at a terminal. */
export const graceMsOf = (told: Told, production: boolean): number => (told === 'SIGTERM' && production ? 5_000 : 0);
