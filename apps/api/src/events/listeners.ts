import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { Overloaded, RateLimited, ShuttingDown } from '#catalog';
import { AtOnce } from '../door/at-once.js';
import { atOnceHeaders } from '../door/budgets.js';
import { countedAs, quotaOf } from '../door/limits.js';
import type { Caller } from '../keys/caller.js';
import type { Callers } from '../keys/callers.js';
import { Recurring } from '../recurring.js';
import type { EventCursors } from './event-cursors.js';
import type { EventStream } from './event-stream.js';

/** Streams of this process, whoever listens. */
const MAX_OF_ALL = 2_000;
/** When one of a caller's streams may have ended, seconds. */
const RETRY_AFTER_S = 10;
/** Callers are looked at so often; who is revoked is out within five seconds. */
const LOOK_AT_CALLERS_MS = 2_000;
/** Proxies end what is silent for long. */
const BEAT_EVERY_MS = 15_000;

/** The clients that have a stream open here: how many, whether they may still listen, and a sign of life for each. */
export class Listeners {
  private readonly streams = new Map<EventStream, Caller>();
  private readonly counts = new AtOnce();
  private isClosing = false;
  private readonly lookingAtCallers: Recurring;
  private readonly beating: Recurring;

  constructor(
    private readonly callers: Callers,
    private readonly cursors: EventCursors,
    private readonly isLive: (stream: EventStream) => boolean,
    private readonly isLimited: boolean,
    log: Logger,
  ) {
    this.lookingAtCallers = new Recurring(
      () => this.lookAtCallers(),
      LOOK_AT_CALLERS_MS,
      (error) => log.warn({ err: error }, 'whether callers may still listen to events could not be told now'),
    );
    this.beating = new Recurring(
      async () => this.beat(),
      BEAT_EVERY_MS,
      () => undefined,
    );
  }

  get count(): number {
    return this.streams.size;
  }

  start(): void {
    this.lookingAtCallers.start();
    this.beating.start();
  }

  /** Sends everybody away; from now on nobody is let in. */
  async close(): Promise<void> {
    this.isClosing = true;
    for (const stream of this.streams.keys()) stream.end();
    await this.lookingAtCallers.close();
    await this.beating.close();
  }

  /** Counts the caller's stream until its connection closes. @throws RateLimited, Overloaded, ShuttingDown */
  admit(request: FastifyRequest, reply: FastifyReply): void {
    if (this.isClosing) throw new ShuttingDown('this process is ending; another one answers');
    if (this.count >= MAX_OF_ALL) throw new Overloaded('this process has as many event streams as it serves');
    const caller = countedAs(request);
    if (!this.isLimited) return;
    const { atOnce } = quotaOf('events', request.principal);
    const left = atOnce - this.counts.of(caller);
    void reply.headers(atOnceHeaders('events', atOnce, Math.max(0, left - 1)));
    if (left <= 0) {
      const who = request.principal.isAnonymous ? 'an address without credentials' : 'one caller';
      throw new RateLimited(`${who} has at most ${atOnce} event streams at once`, RETRY_AFTER_S);
    }
    // Who went away while we asked who he was has nothing to close any more.
    if (reply.raw.destroyed) return;
    this.counts.enter(caller);
    reply.raw.once('close', () => this.counts.leave(caller));
  }

  add(stream: EventStream, caller: Caller): void {
    this.streams.set(stream, caller);
  }

  remove(stream: EventStream): void {
    this.streams.delete(stream);
  }

  /** Whoever comes back after this is judged anew, by the rights that he has then. */
  private async lookAtCallers(): Promise<void> {
    const fallen = await this.callers.fallen([...new Set(this.streams.values())]);
    for (const [stream, caller] of this.streams) {
      if (fallen.has(caller)) stream.end();
    }
  }

  private beat(): void {
    const now = Date.now();
    for (const stream of this.streams.keys()) {
      if (this.isLive(stream)) stream.beat(this.cursors.of(stream.position, now));
    }
  }
}
