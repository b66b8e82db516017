import type { FastifyInstance } from 'fastify';
import { Overloaded } from '#catalog';
import { isUpload } from './bodies.js';
import type { Budget } from './budgets.js';
import type { DoorConfig } from './route-config.js';

/** Seconds that an answer may take once its request is here, and longer ones by what is asked for (security.md DOS-1). */
const USUAL_S = 15;
const LONGER_S: Readonly<Partial<Record<Budget | 'none', number>>> = { probes: 30, imports: 600 };

const allowedS = ({ budget = 'none' }: DoorConfig): number => LONGER_S[budget] ?? USUAL_S;

/**
 * Every answer begins in time, or is a 503 (reliability.md, promise 2). A file that streams in has its own pace, and an answer
 * that streams out is its handler's affair: it took the answer over.
 * @param secondsOf how long an operation may take
 */
export function limitAnswers(server: FastifyInstance, secondsOf: (door: DoorConfig) => number = allowedS): void {
  // After the body: how long that may take is `limitBodies`' affair.
  server.addHook('preHandler', async (request, reply) => {
    const { door } = request.routeOptions.config;
    if (door === undefined || isUpload(request)) return;
    const seconds = secondsOf(door);
    const timer = setTimeout(() => {
      if (!reply.sent && !reply.raw.headersSent) {
        void reply.send(new Overloaded(`there was no answer within ${seconds} seconds`));
      }
    }, seconds * 1_000);
    reply.raw.once('close', () => clearTimeout(timer));
  });
}
