import type { FastifyReply } from 'fastify';
import { RateLimited } from '#catalog';
import { AtOnce } from '../door/at-once.js';
import { atOnceHeaders } from '../door/budgets.js';

/** Imports of one authority that run at the same time (security.md RATE-1). */
const AT_ONCE = 2;
/** When one of them may have ended, seconds. */
const RETRY_AFTER_S = 10;

/** The imports that run in this process. */
export class RunningImports {
  private readonly running = new AtOnce();

  constructor(private readonly isLimited: boolean) {}

  /** Does `work`, unless the authority has as many imports running as it may. @throws RateLimited */
  async within<T>(authority: string, reply: FastifyReply, work: () => Promise<T>): Promise<T> {
    const left = AT_ONCE - this.running.of(authority);
    if (this.isLimited && left <= 0) {
      void reply.headers(atOnceHeaders('imports', AT_ONCE, 0));
      throw new RateLimited(`${AT_ONCE} imports of ${authority} run already`, RETRY_AFTER_S);
    }
    this.running.enter(authority);
    try {
      return await work();
    } finally {
      this.running.leave(authority);
    }
  }
}
