import type { Logger } from 'pino';
import type { Counter } from 'prom-client';
import type { DataSource } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { maySomewhere, scope, SERVER, UnreadableSecret } from '#access';
import { ShuttingDown, type WebhookDisabledReason, type WebhookPing } from '#catalog';
import {
  type ClaimedDelivery,
  type DeliveryResult,
  type SealedWebhookSecret,
  EventAudience,
  type TellableWebhook,
  transactAs,
  WebhookQueue,
  Webhooks,
  type WebhookStanding,
} from '#storage';
import type { EventCursors } from '../events/event-cursors.js';
import { documentOf, toldOf } from '../events/tell.js';
import { principalsNow } from '../keys/principals-now.js';
import { Recurring } from '../recurring.js';
import { filterOf, handOut } from './hand-out.js';
import { FAILS_FOR_S, nextAttemptS } from './schedule.js';
import { sendEvent, type SendTools, type Sent } from './send-event.js';

const LOOK_EVERY_MS = 1_000;
const SWEEP_EVERY_MS = 600_000;
/** Attempts under way in this process. */
const MAX_IN_FLIGHT = 64;
/** Longer than the longest attempt. */
const LEASE_TTL_S = 30;
/** A receiver that says so wants no more. */
const GONE = 410;
/** A signing key that none of ours opens is tried again so often, seconds. */
const UNREADABLE_RETRY_S = 300;

/** What delivering works by. */
export interface DeliveryTools extends Omit<SendTools, 'signal'> {
  readonly db: DataSource;
  readonly cursors: EventCursors;
  readonly log: Logger;
  /** Of attempts, by `result`. */
  readonly deliveries: Counter<'result'>;
  /** [0, 1) */
  readonly random: () => number;
  /** By how many seconds to think the database's clock ahead: 0 but in tests in which days pass. */
  readonly aheadS: () => number;
}

/**
 * Sends events to webhooks, beside the requests of this process and in no way of probing: under leases, so that any number of processes do so
 * together. A receiver that hangs holds its own queue up and nobody else's.
 */
export class DeliveryWorker {
  private readonly queue: WebhookQueue;
  private readonly flying = new Set<Promise<void>>();
  private readonly ending = new AbortController();
  private readonly looking: Recurring;
  private readonly sweeping: Recurring;

  constructor(private readonly tools: DeliveryTools) {
    const { db, aheadS, log } = tools;
    this.queue = new WebhookQueue(db, aheadS);
    const warn =
      (what: string) =>
      (error: unknown): void =>
        log.warn({ err: error }, what);
    this.looking = new Recurring(() => this.look(), LOOK_EVERY_MS, warn('webhooks could not be served now'));
    this.sweeping = new Recurring(() => this.sweep(), SWEEP_EVERY_MS, warn('old deliveries could not be deleted now'));
  }

  start(): void {
    this.looking.start();
    this.sweeping.start();
  }

  /** Looks now: somebody has written. */
  wake(): void {
    this.looking.now();
  }

  /** Attempts under way are given up; others make them again. */
  async close(): Promise<void> {
    this.ending.abort();
    await this.looking.close();
    await this.sweeping.close();
    await Promise.all(this.flying);
  }

  /** Sends a message that means nothing, to a webhook that is enabled or not; it is in no queue and not tried again. */
  async ping({ id, document }: Pick<TellableWebhook, 'id' | 'document'>): Promise<WebhookPing> {
    const began = performance.now();
    const at = new Date(this.tools.now()).toISOString();
    const body = JSON.stringify({ type: 'webhook.ping', at, webhook: { id } });
    const secrets = await transactAs(this.tools.db, SERVER, (tx) => new Webhooks(tx).secrets(id));
    const sent = await this.send({ id, document }, { id: `ping_${uuidv7()}`, body }, secrets);
    if (sent === 'given_up') throw new ShuttingDown('this process is ending; another one answers');
    if (sent === 'unreadable') throw new Error('no key of this server opens the secret of a webhook');
    const { status, problem } = sent;
    return { delivered: problem === null, status, problem, tookMs: Math.round(performance.now() - began) };
  }

  /** Hands out what happened and begins the attempts that are due. */
  async look(): Promise<void> {
    const { db, aheadS } = this.tools;
    const onDisabled = (id: string): void => this.tellDisabled(id, 'owner_gone');
    while (await handOut(db, aheadS, onDisabled));
    await this.begin();
  }

  /** Resolves when no attempt is under way. */
  async settled(): Promise<void> {
    while (this.flying.size > 0) await Promise.all(this.flying);
  }

  private async begin(): Promise<void> {
    const free = MAX_IN_FLIGHT - this.flying.size;
    if (free < 1 || this.ending.signal.aborted) return;
    const { db, aheadS } = this.tools;
    if (!(await this.queue.isAnyDue())) return;
    const { claimed, secrets } = await transactAs(db, SERVER, async (tx) => {
      const leased = await new WebhookQueue(tx, aheadS).claim({ limit: free, ttlS: LEASE_TTL_S });
      const ids = [...new Set(leased.map(({ webhook }) => webhook.id))];
      return { claimed: leased, secrets: await new Webhooks(tx).secretsOf(ids) };
    });
    for (const delivery of claimed) {
      const flight = this.deliver(delivery, secrets.get(delivery.webhook.id) ?? [])
        .catch((error: unknown) => {
          // The lease runs out, and the attempt is made again.
          this.tools.log.warn({ err: error, webhook: delivery.webhook.id }, 'a delivery failed for a fault of ours');
        })
        .finally(() => {
          this.flying.delete(flight);
          // What waited behind it need not wait for the clock.
          if (!this.ending.signal.aborted) this.looking.now();
        });
      this.flying.add(flight);
    }
  }

  private async deliver(delivery: ClaimedDelivery, secrets: readonly SealedWebhookSecret[]): Promise<void> {
    const { webhook, event } = delivery;
    const { db, cursors } = this.tools;
    const owner = (await principalsNow(db, [webhook.owner])).get(webhook.owner);
    if (owner === undefined || !maySomewhere(owner, 'webhooks:write')) {
      await this.keep(delivery, { state: 'waiting', wasSent: false, dueInS: 0 });
      return this.disable(webhook.id, 'owner_gone');
    }
    const [judgement] = await new EventAudience(db).judge(scope(owner), [event]);
    if (judgement === undefined || toldOf(event, judgement, filterOf(webhook.document)) === null) {
      await this.keep(delivery, { state: 'withheld', wasSent: false, dueInS: null });
      return;
    }
    const id = cursors.ofEvent(event);
    const sent = await this.send(webhook, { id, body: JSON.stringify(documentOf(event, judgement, id)) }, secrets);
    if (sent === 'given_up') return this.keep(delivery, { state: 'waiting', wasSent: false, dueInS: 0 });
    if (sent === 'unreadable') {
      return this.keep(delivery, { state: 'waiting', wasSent: false, dueInS: UNREADABLE_RETRY_S });
    }
    this.tools.deliveries.inc({ result: sent.problem ?? 'delivered' });
    await this.judge(delivery, sent);
  }

  private async send(
    webhook: Pick<TellableWebhook, 'id' | 'document'>,
    message: { readonly id: string; readonly body: string },
    secrets: readonly SealedWebhookSecret[],
  ): Promise<Sent | 'unreadable'> {
    try {
      return await sendEvent(webhook, message, secrets, { ...this.tools, signal: this.ending.signal });
    } catch (error) {
      if (!(error instanceof UnreadableSecret)) throw error;
      this.tools.log.error({ webhook: webhook.id, kid: error.kid }, 'no key of ours opens the secret of a webhook');
      return 'unreadable';
    }
  }

  /** What an attempt that went out means for the delivery and for its webhook. */
  private async judge(delivery: ClaimedDelivery, { status, problem }: Exclude<Sent, 'given_up'>): Promise<void> {
    const dueInS = problem === null ? null : nextAttemptS(delivery.attempts + 1, this.tools.random());
    const state = problem === null ? 'delivered' : dueInS === null ? 'failed' : 'waiting';
    const standing = await this.record({ ...placeOf(delivery), state, wasSent: true, status, problem, dueInS });
    if (status === GONE) return this.disable(delivery.webhook.id, 'gone');
    if ((standing?.failingForS ?? 0) >= FAILS_FOR_S) await this.disable(delivery.webhook.id, 'failing');
  }

  /** Keeps a delivery of which nothing went out. */
  private async keep(
    delivery: ClaimedDelivery,
    result: Pick<DeliveryResult, 'state' | 'wasSent' | 'dueInS'>,
  ): Promise<void> {
    await this.record({ ...placeOf(delivery), ...result, status: null, problem: null });
  }

  private record(result: DeliveryResult): Promise<WebhookStanding | null> {
    const { db, aheadS } = this.tools;
    return transactAs(db, SERVER, (tx) => new WebhookQueue(tx, aheadS).record(result));
  }

  private async disable(webhookId: string, reason: WebhookDisabledReason): Promise<void> {
    const wasEnabled = await transactAs(this.tools.db, SERVER, (tx) => new Webhooks(tx).disable(webhookId, reason));
    if (wasEnabled) this.tellDisabled(webhookId, reason);
  }

  private tellDisabled(webhook: string, reason: WebhookDisabledReason): void {
    this.tools.log.warn({ webhook, reason }, 'a webhook is disabled');
  }

  private async sweep(): Promise<void> {
    while ((await this.queue.sweep()) > 0);
  }
}

const placeOf = ({ id, epoch, webhook }: ClaimedDelivery): Pick<DeliveryResult, 'id' | 'epoch' | 'webhookId'> => ({
  id,
  epoch,
  webhookId: webhook.id,
});
