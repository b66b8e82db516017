import type { FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import type { Logger } from 'pino';
import { keyIdOf } from '#access';
import { Overloaded, RateLimited, ShuttingDown } from '#catalog';
import type { ApiKeys } from '#storage';
import type { Callers } from '../keys/callers.js';
import { Recurring } from '../recurring.js';
import type { EventCursors } from './event-cursors.js';
import type { EventStream } from './event-stream.js';

/**
 * Streams of one caller, and of this process. security.md RATE-1 proposes 2 without a key and 10 with one, which an office behind one address
 * and the fault test of 200 clients exceed.
 */
const MAX_OF_ADDRESS = 20;
const MAX_OF_KEY = 200;
const MAX_OF_ALL = 2_000;
/** Keys are looked at so often; with `Callers` a revoked one is out within five seconds. */
const LOOK_AT_KEYS_MS = 2_000;
/** Proxies end what is silent for long. */
const BEAT_EVERY_MS = 15_000;

/** The clients that have a stream open here: how many, whether their keys still hold, and a sign of life for each. */
export class Listeners {
  private readonly streams = new Map<EventStream, string>();
  private readonly counts = new Map<string, number>();
  private isClosing = false;
  private readonly lookingAtKeys: Recurring;
  private readonly beating: Recurring;

  constructor(
    private readonly keys: ApiKeys,
    private readonly callers: Callers,
    private readonly cursors: EventCursors,
    private readonly isLive: (stream: EventStream) => boolean,
    log: Logger,
  ) {
    this.lookingAtKeys = new Recurring(
      () => this.lookAtKeys(),
      LOOK_AT_KEYS_MS,
      (error) => log.warn({ err: error }, 'whether keys of event streams still hold could not be told now'),
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
    this.lookingAtKeys.start();
    this.beating.start();
  }

  /** Sends everybody away; from now on nobody is let in. */
  async close(): Promise<void> {
    this.isClosing = true;
    for (const stream of this.streams.keys()) stream.end();
    await this.lookingAtKeys.close();
    await this.beating.close();
  }

  /** @returns the name under which the caller is counted @throws RateLimited, Overloaded, ShuttingDown */
  admit(request: FastifyRequest): string {
    const { principal } = request;
    if (this.isClosing) throw new ShuttingDown('this process is ending; another one answers');
    if (this.count >= MAX_OF_ALL) throw new Overloaded('this process has as many event streams as it serves');
    const caller = principal.isAnonymous ? `address ${householdOf(request.ip)}` : principal.id;
    const most = principal.isAnonymous ? MAX_OF_ADDRESS : MAX_OF_KEY;
    if ((this.counts.get(caller) ?? 0) < most) return caller;
    throw new RateLimited(
      `${principal.isAnonymous ? 'an address without a key' : 'a key'} has at most ${most} event streams`,
    );
  }

  add(stream: EventStream, caller: string): void {
    this.streams.set(stream, caller);
    this.counts.set(caller, (this.counts.get(caller) ?? 0) + 1);
  }

  remove(stream: EventStream): void {
    const caller = this.streams.get(stream);
    if (caller === undefined) return;
    this.streams.delete(stream);
    const left = (this.counts.get(caller) ?? 1) - 1;
    if (left === 0) this.counts.delete(caller);
    else this.counts.set(caller, left);
  }

  private async lookAtKeys(): Promise<void> {
    const ofKeys = [...this.streams.keys()].flatMap((stream) => {
      const keyId = keyIdOf(stream.listening.principal);
      return keyId === null ? [] : [{ stream, keyId }];
    });
    const live = await this.keys.liveOf([...new Set(ofKeys.map(({ keyId }) => keyId))]);
    for (const { stream, keyId } of ofKeys) {
      if (live.has(keyId)) continue;
      this.callers.forget(keyId);
      stream.end();
    }
  }

  private beat(): void {
    const now = Date.now();
    for (const stream of this.streams.keys()) {
      if (this.isLive(stream)) stream.beat(this.cursors.of(stream.position, now));
    }
  }
}

/** Of IPv6 the /64, which one household or host has whole. */
function householdOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  return 'parts' in parsed ? parsed.parts.slice(0, 4).join(':') : parsed.toString();
}
