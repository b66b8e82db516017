import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '#access';
import { RateLimited } from '#catalog';
import { type Budget, BUDGETS, limitHeaders } from './budgets.js';
import { householdOf } from './household.js';
import type { TokenBuckets } from './token-buckets.js';

/** Part of a request's price that comes back when the client's copy was current: most of the work was spared. */
const BACK_WHEN_CURRENT = 0.75;

/** What one caller gets of a budget. */
export const quotaOf = <Name extends Budget>(
  budget: Name,
  { isAnonymous }: Pick<Principal, 'isAnonymous'>,
): (typeof BUDGETS)[Name]['anonymous' | 'identified'] => BUDGETS[budget][isAnonymous ? 'anonymous' : 'identified'];

/** Under which name a caller is counted: himself, or the address of whoever shows no credentials. */
export const countedAs = ({ principal, ip }: Pick<FastifyRequest, 'principal' | 'ip'>): string =>
  principal.isAnonymous ? `address ${householdOf(ip)}` : principal.id;

/** Counts requests against the budgets of their callers (security.md RATE-1). */
export class Limits {
  constructor(private readonly buckets: TokenBuckets) {}

  /** Counts a request and tells the caller what is left. @throws RateLimited */
  charge(budget: Budget, request: FastifyRequest, reply: FastifyReply): void {
    const quota = quotaOf(budget, request.principal);
    const taken = this.buckets.take(`${budget} ${countedAs(request)}`, quota.perMinute);
    void reply.headers(limitHeaders(budget, quota, { requests: taken.left, fullInS: taken.fullInS }));
    if (taken.isAllowed) return;
    const who = request.principal.isAnonymous ? 'an address without credentials' : 'one caller';
    throw new RateLimited(
      `${who} has ${quota.perMinute} requests a minute of the kind “${budget}”`,
      Math.ceil(taken.nextInS),
    );
  }

  /** The answer was 304: the request cost less. */
  refund(budget: Budget, request: FastifyRequest, reply: FastifyReply): void {
    const quota = quotaOf(budget, request.principal);
    const { left, fullInS } = this.buckets.giveBack(
      `${budget} ${countedAs(request)}`,
      quota.perMinute,
      BACK_WHEN_CURRENT,
    );
    void reply.headers(limitHeaders(budget, quota, { requests: left, fullInS }));
  }
}
