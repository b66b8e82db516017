import type { EventKind, EventFacts } from '#catalog';
import { utc } from './moments.js';
import { type Database, one, raw, run, sql } from './sql.js';

/** A place in the order of events. Numbers of transactions and rows are texts: they outgrow what JavaScript counts exactly. */
export interface OutboxPosition {
  readonly generation: number;
  readonly xid: string;
  readonly id: string;
}

/** Who could see a camera and where it stood before a change. */
export interface SeenBefore {
  readonly authority: string;
  readonly access_level: string;
  readonly lon: number;
  readonly lat: number;
}

/** What happened to a camera. */
export interface OutboxEvent extends OutboxPosition {
  readonly kind: EventKind;
  readonly cameraId: string;
  /** Of the camera; never below that of an event before it. */
  readonly version: number;
  /** RFC 3339 UTC. */
  readonly at: string;
  readonly facts: EventFacts;
  /** null where the change altered nothing of it. */
  readonly seenBefore: SeenBefore | null;
}

/** Events in order, and up to where they are all there is. */
export interface OutboxPage {
  readonly events: readonly OutboxEvent[];
  readonly upTo: OutboxPosition;
  /** More are settled already. */
  readonly isFull: boolean;
}

/** Behind every row of a transaction. */
const LAST_ID = '9223372036854775807';

/** Negative where `a` comes first, 0 for the same place. */
export function comparePositions(a: OutboxPosition, b: OutboxPosition): number {
  if (a.generation !== b.generation) return a.generation - b.generation;
  const [left, right] = a.xid === b.xid ? [BigInt(a.id), BigInt(b.id)] : [BigInt(a.xid), BigInt(b.xid)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * What happened, in an order in which nothing is ever put in behind the reader (reliability.md REL-5): events of transactions that all older ones
 * have ended before. A slow transaction holds those after it back, for as long as it lives.
 */
export class Outbox {
  constructor(private readonly db: Database) {}

  /** Everything settled lies before it. */
  async horizon(): Promise<OutboxPosition> {
    return horizonOf(one(await run<Horizon>(this.db, sql`select ${HORIZON}`)));
  }

  /**
   * Settled events beyond a place, of its generation: one that is over ends at the beginning of the next. Rides outbox_order_idx of each
   * partition, in its order; a comparison of all three columns at once would let PostgreSQL expect few rows, read all and sort them.
   */
  async read({ generation, xid, id }: OutboxPosition, limit: number): Promise<OutboxPage> {
    const rows = await run<Horizon & { readonly event: OutboxEvent | null }>(
      this.db,
      sql`
        with s as materialized (select ${HORIZON})
        select s.*, e.event
        from s
        left join lateral (
          select ${EVENT} as event, row_number() over (order by o.xid, o.id) as place
          from (
            select *
            from outbox o
            where o.generation = ${generation}::int and (o.xid, o.id) > (${xid}::xid8, ${id}::bigint)
              and (o.generation < s."nowGeneration" or o.xid < s.xmin::xid8)
            order by o.xid, o.id
            limit ${limit}) as o) as e on true
        order by e.place`,
    );
    const [first] = rows;
    if (first === undefined) throw new Error('bug: a horizon is one row');
    const events = rows.flatMap(({ event }) => (event === null ? [] : [event]));
    const last = events.length === limit ? events.at(-1) : undefined;
    if (last !== undefined) return { events, upTo: placeOf(last), isFull: true };
    if (generation < first.nowGeneration) {
      return { events, upTo: { generation: generation + 1, xid: '0', id: '0' }, isFull: true };
    }
    return { events, upTo: horizonOf(first), isFull: false };
  }

  /** Age of the oldest event that may not be read yet, seconds; 0 without one. */
  async lagS(): Promise<number> {
    const rows = await run<{ lagS: number }>(
      this.db,
      sql`
        select coalesce(extract(epoch from clock_timestamp() - min(o.at)), 0)::float8 as "lagS"
        from outbox o
        where o.generation = (select generation from outbox_state)
          and o.xid >= pg_snapshot_xmin(pg_current_snapshot())`,
    );
    return Math.max(0, one(rows).lagS);
  }

  /**
   * At the start of a process: begins a new generation where transaction numbers of the rows lie ahead of this server's, as after a restore into a
   * new cluster; they would stay unread for ever. Not within a transaction: its own rows would look as if they lay ahead.
   */
  async renewGeneration(): Promise<boolean> {
    return one(await run<{ renewed: boolean }>(this.db, sql`select renew_outbox_generation() as renewed`)).renewed;
  }
}

interface Horizon {
  readonly nowGeneration: number;
  readonly xmin: string;
}

const placeOf = ({ generation, xid, id }: OutboxPosition): OutboxPosition => ({ generation, xid, id });

const HORIZON = raw(`(select generation from outbox_state) as "nowGeneration",
          pg_snapshot_xmin(pg_current_snapshot())::text as xmin`);

const horizonOf = ({ nowGeneration, xmin }: Horizon): OutboxPosition => ({
  generation: nowGeneration,
  xid: String(BigInt(xmin) - 1n),
  id: LAST_ID,
});

const EVENT = raw(`jsonb_build_object(
            'generation', o.generation, 'xid', o.xid::text, 'id', o.id::text, 'kind', o.kind,
            'cameraId', o.camera_id, 'version', o.version, 'at', ${utc('o.at')}, 'facts', o.facts,
            'seenBefore', o.seen_before)`);
