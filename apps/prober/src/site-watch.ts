import type { Logger } from 'pino';
import type { Sites } from '#storage';
import { Outage } from './outage.js';

/** A site that goes down is known so soon after its cameras are, milliseconds. */
const EVERY_MS = 2_000;

/** Looks at the sites for as long as the prober runs; of several processes one looks at a time. */
export function watchSites(sites: Sites, log: Logger): { close(): Promise<void> } {
  const outage = new Outage('looking at sites', log);
  let looking: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    try {
      const { began, ended } = await sites.look();
      outage.worked();
      if (began > 0) log.warn({ sites: began }, 'whole sites went down');
      if (ended > 0) log.warn({ sites: ended }, 'sites came back');
    } catch (error) {
      outage.failed(error);
    }
  };
  let timer = setTimeout(function again() {
    looking = look().then(() => {
      timer = setTimeout(again, EVERY_MS);
    });
  }, EVERY_MS);
  return {
    close: async () => {
      clearTimeout(timer);
      await looking;
      clearTimeout(timer);
    },
  };
}
