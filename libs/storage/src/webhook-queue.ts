import type { DeliveryProblem, DeliveryState, WebhookDelivery, WebhookDocument } from '#catalog';
import type { OutboxEvent, OutboxPosition } from './outbox.js';
import { utc } from './moments.js';
import { type Database, type Fragment, one, raw, run, sql } from './sql.js';
import { WEBHOOK_OWNER } from './webhooks.js';

/** A webhook that is told of events. */
export interface TellableWebhook {
  readonly id: string;
  readonly document: WebhookDocument;
  /** Principal under whose rights. */
  readonly owner: string;
}

/** One event for one webhook. */
export interface NewDelivery {
  /** UUIDv7. */
  readonly id: string;
  readonly webhookId: string;
  readonly event: OutboxEvent;
}

/** A delivery under lease. */
export interface ClaimedDelivery {
  readonly id: string;
  readonly epoch: number;
  /** Attempts before this one. */
  readonly attempts: number;
  readonly event: OutboxEvent;
  readonly webhook: TellableWebhook;
}

/** What came of an attempt. */
export interface DeliveryResult {
  readonly id: string;
  readonly webhookId: string;
  readonly epoch: number;
  readonly state: DeliveryState;
  /** Whether it went out at all. */
  readonly wasSent: boolean;
  readonly status: number | null;
  readonly problem: DeliveryProblem | null;
  /** Seconds until the next attempt, of `waiting`. */
  readonly dueInS: number | null;
}

/** What is known of a webhook after a result. */
export interface WebhookStanding {
  /** Seconds since a delivery last succeeded; null where the last one did. */
  readonly failingForS: number | null;
}

/** Attempts of one webhook at a time. */
const MAX_IN_FLIGHT = 4;
/** Deliveries that one sweep deletes at most. */
const SWEEP = 1_000;

const FEED = raw(`select generation, xid::text as xid, event::text as id from webhook_feed`);

const DELIVERY = raw(`jsonb_build_object(
    'id', d.id,
    'event', d.event,
    'state', d.state,
    'attempts', d.attempts,
    'createdAt', ${utc('d.created_at')},
    'attemptedAt', ${utc('d.attempted_at')},
    'nextAttemptAt', case when d.state = 'waiting' then ${utc('d.due_at')} end,
    'status', d.status,
    'problem', d.problem)`);

/** A delivery as it is kept; its event has no id before somebody signs one. */
export type KeptDelivery = Omit<WebhookDelivery, 'eventId' | 'type'> & { readonly event: OutboxEvent };

/**
 * Events on their way to webhooks, a queue for each. Every process that serves hands out and sends; leases keep them from doing the same
 * (reliability.md REL-1).
 */
export class WebhookQueue {
  /** @param aheadS by how many seconds to think the database's clock ahead: 0 but in tests in which days pass */
  constructor(
    private readonly db: Database,
    private readonly aheadS: () => number = () => 0,
  ) {}

  private get now(): Fragment {
    return sql`(now() + make_interval(secs => ${this.aheadS()}::float8))`;
  }

  /** Up to where events have been handed out. */
  async feed(): Promise<OutboxPosition> {
    return one(await run<OutboxPosition>(this.db, FEED));
  }

  /** The same, for the one process that hands out now; null: another one does. To be run in a transaction. */
  async holdFeed(): Promise<OutboxPosition | null> {
    const rows = await run<OutboxPosition>(this.db, sql`${FEED} for update skip locked`);
    return rows[0] ?? null;
  }

  /** In the same transaction. */
  async passFeed({ generation, xid, id }: OutboxPosition): Promise<void> {
    await run(
      this.db,
      sql`
        update webhook_feed
        set generation = ${generation}::int, xid = ${xid}::bigint, event = ${id}::bigint`,
    );
  }

  /** Webhooks that are told of events now. */
  async tellable(): Promise<readonly TellableWebhook[]> {
    return run<TellableWebhook>(
      this.db,
      raw(`
        select w.id, w.document, ${WEBHOOK_OWNER} as owner
        from webhook w
        where w.disabled_at is null
        order by w.id`),
    );
  }

  /** Queues events, in the order given. */
  async add(deliveries: readonly NewDelivery[]): Promise<void> {
    if (deliveries.length === 0) return;
    await run(
      this.db,
      sql`
        insert into webhook_delivery (id, webhook_id, event, camera_id, due_at)
        select d.id, d."webhookId", d.event, (d.event ->> 'cameraId')::uuid, ${this.now}
        from rows from (jsonb_to_recordset(${JSON.stringify(deliveries)}::jsonb) as (id uuid, "webhookId" uuid, event jsonb))
          with ordinality as d (id, "webhookId", event, place)
        -- A webhook that was deleted meanwhile has no queue.
        where exists (select from webhook w where w.id = d."webhookId")
        order by d.place`,
    );
  }

  /** Whether there may be something to claim. */
  async isAnyDue(): Promise<boolean> {
    const rows = await run<{ isAny: boolean }>(
      this.db,
      sql`
        select exists (
          select from webhook w
          join webhook_delivery d on d.webhook_id = w.id
          where w.disabled_at is null and d.state = 'waiting' and d.due_at <= ${this.now}) as "isAny"`,
    );
    return one(rows).isAny;
  }

  /**
   * Leases what is due: at most four of a webhook, counting those under way anywhere, and first attempts of a camera's events one after the
   * other. To be run in a transaction; one process claims at a time, so that each sees the others' leases. Rides webhook_delivery_due_idx
   * and webhook_delivery_first_idx.
   */
  async claim({ limit, ttlS }: { readonly limit: number; readonly ttlS: number }): Promise<ClaimedDelivery[]> {
    const turn = await run<{ isOurs: boolean }>(
      this.db,
      raw(`select pg_try_advisory_xact_lock(hashtext('sightline webhooks')) as "isOurs"`),
    );
    if (!one(turn).isOurs || limit < 1) return [];
    return run<ClaimedDelivery>(
      this.db,
      sql`
        with due as materialized (
          select d.id
          from webhook w
          cross join lateral (
            select count(*)::int as count
            from webhook_delivery f
            where f.webhook_id = w.id and f.state = 'waiting' and f.lease_until >= ${this.now}) as flying
          cross join lateral (
            select d.id, d.due_at
            from webhook_delivery d
            where d.webhook_id = w.id and d.state = 'waiting' and d.due_at <= ${this.now}
              and (d.lease_until is null or d.lease_until < ${this.now})
              and (d.attempts > 0 or not exists (
                select from webhook_delivery b
                where b.webhook_id = d.webhook_id and b.camera_id = d.camera_id and b.state = 'waiting'
                  and b.attempts = 0 and b.seq < d.seq))
            order by d.due_at, d.seq
            limit greatest(0, ${MAX_IN_FLIGHT}::int - flying.count)) as d
          where w.disabled_at is null
          order by d.due_at
          limit ${limit}),
        leased as (
          update webhook_delivery d
          set lease_until = ${this.now} + make_interval(secs => ${ttlS}::float8), epoch = d.epoch + 1
          from due
          where d.id = due.id
          returning d.*)
        select l.id, l.epoch, l.attempts, l.event,
               jsonb_build_object('id', w.id, 'document', w.document, 'owner', ${raw(WEBHOOK_OWNER)}) as webhook
        from leased l
        join webhook w on w.id = l.webhook_id
        order by l.seq`,
    );
  }

  /**
   * Keeps what came of an attempt, if its lease still holds. A success ends a run of failures.
   * @returns null where another process has the delivery by now, or nothing was sent
   */
  async record(result: DeliveryResult): Promise<WebhookStanding | null> {
    const { id, webhookId, epoch, state, wasSent, status, problem, dueInS } = result;
    const rows = await run(
      this.db,
      sql`
        update webhook_delivery
        set state = ${state}, attempts = attempts + ${wasSent ? 1 : 0}::int, lease_until = null,
            attempted_at = case when ${wasSent} then ${this.now} else attempted_at end,
            status = ${status}::int, problem = ${problem}::text,
            due_at = ${this.now} + make_interval(secs => ${dueInS ?? 0}::float8)
        where id = ${id}::uuid and epoch = ${epoch}::int and state = 'waiting'
        returning true as counted`,
    );
    if (rows.length === 0 || !wasSent) return null;
    const isFailure = problem !== null;
    const standing = await run<WebhookStanding>(
      this.db,
      sql`
        with w as (
          update webhook
          set failing_since = case when ${isFailure} then coalesce(failing_since, ${this.now}) end
          where id = ${webhookId}::uuid and (failing_since is null) = ${isFailure}
          returning failing_since)
        select extract(epoch from ${this.now} - coalesce(w.failing_since, k.failing_since))::float8 as "failingForS"
        from webhook k
        left join w on true
        where k.id = ${webhookId}::uuid`,
    );
    return isFailure ? (standing[0] ?? null) : { failingForS: null };
  }

  /** Deliveries of a webhook, newest first. */
  async list(webhookId: string, limit: number, after: string | undefined): Promise<readonly KeptDelivery[]> {
    const rows = await run<{ delivery: KeptDelivery }>(
      this.db,
      sql`
        select ${DELIVERY} as delivery
        from webhook_delivery d
        where d.webhook_id = ${webhookId}::uuid ${after === undefined ? raw('') : sql`and d.id < ${after}::uuid`}
        order by d.id desc
        limit ${limit}`,
    );
    return rows.map(({ delivery }) => delivery);
  }

  /** Sends a delivery once more, as soon as may be; one that is under way is left to that. @returns null where the webhook has none of this id */
  async replay(webhookId: string, id: string): Promise<KeptDelivery | null> {
    const rows = await run<{ delivery: KeptDelivery }>(
      this.db,
      sql`
        with again as (
          update webhook_delivery
          set state = 'waiting', attempts = greatest(attempts, 1), due_at = ${this.now}
          where id = ${id}::uuid and webhook_id = ${webhookId}::uuid
            and (state <> 'waiting' or lease_until is null or lease_until < ${this.now})
          returning *)
        select ${DELIVERY} as delivery from again d
        union all
        select ${DELIVERY} as delivery
        from webhook_delivery d
        where d.id = ${id}::uuid and d.webhook_id = ${webhookId}::uuid and not exists (select from again)`,
    );
    return rows[0]?.delivery ?? null;
  }

  /** Deletes deliveries that are done with for a week, a thousand at most. @returns how many */
  async sweep(): Promise<number> {
    const rows = await run<{ swept: number }>(
      this.db,
      sql`
        with old as materialized (
          select id from webhook_delivery
          where created_at < ${this.now} - interval '7 days'
          order by created_at
          limit ${SWEEP}
          for update skip locked),
        gone as (delete from webhook_delivery d using old where d.id = old.id returning 1)
        select count(*)::int as swept from gone`,
    );
    return one(rows).swept;
  }
}
