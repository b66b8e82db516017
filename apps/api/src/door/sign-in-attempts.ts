import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RateLimited, TokenExpired, Unauthenticated } from '#catalog';
import { BUDGETS, limitHeaders } from './budgets.js';
import { householdOf } from './household.js';
import type { TokenBuckets } from './token-buckets.js';

const { perMinute } = BUDGETS['sign-ins'].anonymous;

/** Credentials that were good here, remembered at most; without it one wrong script would lock out everybody behind its address. */
const MAX_REMEMBERED = 10_000;

/**
 * Lets an address try so many wrong credentials a minute; the next are refused before any query (RATE-1). Credentials that were good
 * before are tried all the same: they are nobody's guess.
 */
export class SignInAttempts {
  /** Attempts under way, by address; each resolves when it is known what it was. */
  private readonly pending = new Map<string, Set<Promise<void>>>();
  /** Hashes; the one used last stands last. */
  private readonly good = new Set<string>();

  constructor(
    private readonly buckets: TokenBuckets,
    private readonly isLimited: boolean,
  ) {}

  /**
   * What `identify` finds, for a request that presents credentials.
   * @throws RateLimited, and whatever `identify` throws
   */
  async of<T>(
    request: FastifyRequest,
    reply: FastifyReply,
    credentials: string,
    identify: () => Promise<T>,
  ): Promise<T> {
    if (!this.isLimited) return identify();
    const who = householdOf(request.ip);
    const hash = createHash('sha256').update(credentials).digest('base64url');
    const end = this.good.has(hash) ? (): void => undefined : await this.begin(who, reply);
    try {
      const found = await identify();
      this.remember(hash);
      return found;
    } catch (error) {
      if (error instanceof Unauthenticated || error instanceof TokenExpired) this.fail(who, hash, reply);
      throw error;
    } finally {
      end();
    }
  }

  /**
   * Waits until this attempt cannot be one too many: those under way may all turn out wrong.
   * @returns what is called when it is known how the attempt ended
   * @throws RateLimited
   */
  private async begin(who: string, reply: FastifyReply): Promise<() => void> {
    for (;;) {
      const { left, fullInS, nextInS } = this.buckets.look(who, perMinute);
      if (left < 1) {
        this.tell(reply, left, fullInS);
        throw new RateLimited('too many wrong credentials came from this address', Math.ceil(nextInS));
      }
      const pending = this.pending.get(who) ?? new Set();
      if (pending.size < Math.floor(left)) return this.enter(who, pending);
      await Promise.race(pending);
    }
  }

  private enter(who: string, pending: Set<Promise<void>>): () => void {
    let ended = (): void => undefined;
    const attempt = new Promise<void>((resolve) => (ended = resolve));
    this.pending.set(who, pending.add(attempt));
    return () => {
      pending.delete(attempt);
      if (pending.size === 0) this.pending.delete(who);
      ended();
    };
  }

  private fail(who: string, hash: string, reply: FastifyReply): void {
    this.good.delete(hash);
    const { left, fullInS } = this.buckets.take(who, perMinute);
    this.tell(reply, left, fullInS);
  }

  private tell(reply: FastifyReply, requests: number, fullInS: number): void {
    void reply.headers(limitHeaders('sign-ins', BUDGETS['sign-ins'].anonymous, { requests, fullInS }));
  }

  private remember(hash: string): void {
    this.good.delete(hash);
    this.good.add(hash);
    const [oldest] = this.good;
    if (this.good.size > MAX_REMEMBERED && oldest !== undefined) this.good.delete(oldest);
  }
}
