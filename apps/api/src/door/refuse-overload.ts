import type { FastifyInstance } from 'fastify';
import { Overloaded } from '#catalog';
import type { ApiParts } from '../parts.js';
import type { DoorConfig } from './route-config.js';
import { watchLoad } from './load-watch.js';

/**
 * Requests that are served at the same time even then. Where there are fewer, something else keeps this process or its machine busy, and
 * refusing them would help nobody: whoever waits alone is served late.
 */
const STILL_SERVED = 32;

/**
 * Refuses early what would only wait: while this process has too much to do, it takes a few requests at a time and answers all others 503
 * before anything is asked of the database. It ends by itself. The vital operations are served always.
 */
export function refuseOverload(server: FastifyInstance, { log }: Pick<ApiParts, 'log'>): void {
  let load: ReturnType<typeof watchLoad> | null = null;
  let served = 0;
  // Not before: starting is one long pause.
  server.addHook('onListen', async () => {
    load = watchLoad((isTooMuch, { delayMs, heapShare }) => {
      const figures = { delayMs: Math.round(delayMs), heapPercent: Math.round(heapShare * 100) };
      if (isTooMuch) log.warn(figures, 'overloaded: all but a few requests are refused until it is over');
      else log.info(figures, 'no longer overloaded');
    });
  });
  server.addHook('onClose', async () => load?.stop());
  server.addHook('onRequest', async (request, reply) => {
    const { door } = request.routeOptions.config;
    if (door === undefined || door.isVital) return;
    if (load?.watch.isTooMuch === true && served >= STILL_SERVED) {
      throw new Overloaded('this process has more to do than it can do in time');
    }
    if (lasts(door) || reply.raw.destroyed) return;
    served += 1;
    reply.raw.once('close', () => (served -= 1));
  });
}

/** Streams stay open and mostly idle. */
const lasts = ({ budget }: DoorConfig): boolean => budget === 'events' || budget === 'streams';
