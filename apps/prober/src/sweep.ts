import type { Logger } from 'pino';
import type { FrameStore } from '#frames';
import { type Database, namedKeys } from '#storage';
import { Outage } from './outage.js';

const EVERY_MS = 600_000;
/** Covers the time between storing a picture and naming it, and clients that still hold its name. */
const GRACE_S = 3_600;

/** Removes pictures that no camera points to any more, every 10 min. */
export function startSweeping(store: FrameStore, db: Database, log: Logger): { close(): Promise<void> } {
  const outage = new Outage('sweeping the frame store', log);
  let sweeping: Promise<void> = Promise.resolve();
  const sweep = async (): Promise<void> => {
    try {
      const { removed, bytes } = await store.sweep({ graceS: GRACE_S, isNamed: (keys) => namedKeys(db, keys) });
      outage.worked();
      if (removed > 0) log.debug({ removed, bytes }, 'pictures swept');
    } catch (error) {
      outage.failed(error);
    }
  };
  // Several probers do not all begin at the same moment.
  let timer = setTimeout(next, EVERY_MS * Math.random());
  timer.unref();
  function next(): void {
    sweeping = sweep().then(() => {
      if (isClosed) return;
      timer = setTimeout(next, EVERY_MS);
      timer.unref();
    });
  }
  let isClosed = false;
  return {
    close: async () => {
      isClosed = true;
      clearTimeout(timer);
      await sweeping;
    },
  };
}
