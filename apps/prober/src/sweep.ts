import type { Logger } from 'pino';
import type { FrameStore } from '#frames';
import { type Database, namedKeys } from '#storage';
import { forgetPictures } from './forget-pictures.js';
import { HISTORY_SHARE } from './frame-to-keep.js';
import { Outage } from './outage.js';

const FORGET_EVERY_MS = 60_000;
const SWEEP_EVERY_MS = 600_000;
/** Covers the time between storing a picture and naming it, and clients that still hold its name. */
const GRACE_S = 3_600;
/** The same where room is short, and what was replaced lately would take that of new pictures. */
const SHORT_GRACE_S = 600;

/** Forgets pictures whose time is over, every minute, and removes those that no camera points to any more, every 10 min. */
export function startSweeping(store: FrameStore, db: Database, log: Logger): { close(): Promise<void> } {
  const closing = new AbortController();
  const forgetting = everySoOften(FORGET_EVERY_MS, new Outage('forgetting pictures', log), closing.signal, async () => {
    const { due, forRoom } = await forgetPictures(db, store, closing.signal);
    if (due > 0) log.debug({ due }, 'pictures whose time was over were forgotten');
    if (forRoom > 0) log.warn({ frames: forRoom }, 'the frame store is nearly full: the oldest history went');
  });
  const sweeping = everySoOften(
    SWEEP_EVERY_MS,
    new Outage('sweeping the frame store', log),
    closing.signal,
    async () => {
      const graceS = store.fullness < HISTORY_SHARE ? GRACE_S : SHORT_GRACE_S;
      const { removed, bytes } = await store.sweep({ graceS, isNamed: (keys) => namedKeys(db, keys) });
      if (removed > 0) log.debug({ removed, bytes }, 'pictures swept');
    },
  );
  return {
    close: async () => {
      closing.abort();
      await Promise.all([forgetting.ended(), sweeping.ended()]);
    },
  };
}

/** Works again and again until the signal fires; what fails is tried again the next time. Several probers do not all begin at the same moment. */
function everySoOften(
  everyMs: number,
  outage: Outage,
  signal: AbortSignal,
  work: () => Promise<void>,
): { readonly ended: () => Promise<void> } {
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const wait = (ms: number): void => {
    if (signal.aborted) return;
    timer = setTimeout(() => {
      running = work()
        .then(
          () => void outage.worked(),
          (error: unknown) => outage.failed(error),
        )
        .then(() => wait(everyMs));
    }, ms);
    timer.unref();
  };
  signal.addEventListener('abort', () => clearTimeout(timer));
  wait(everyMs * Math.random());
  return { ended: () => running };
}
