import type { EventFacts, EventKind } from '#catalog';
import { announce } from './announce.js';
import { IS_MAINTAINED } from './camera-answer.js';
import type { ProbeRecord } from './probe-record.js';
import { type Fragment, sql } from './sql.js';

/** An event as a result brings it about. */
interface ProbeEvent {
  readonly kind: EventKind;
  readonly facts: EventFacts;
}

/** What a result tells of: another status, and words to the people who look after the camera. */
export function eventsOf({
  transition,
  notices,
  shown,
}: Pick<ProbeRecord, 'transition' | 'notices' | 'shown'>): readonly ProbeEvent[] {
  const { since, reason, lastOkAt, lastOutcome: outcome } = shown;
  return [
    ...(transition === undefined
      ? []
      : [{ kind: 'health.changed', facts: { from: transition.from, to: transition.to } } as const]),
    ...notices.map(
      (word) => ({ kind: 'health.notice', facts: { notice: { word, reason, since, lastOkAt, outcome } } }) as const,
    ),
  ];
}

/**
 * Announces the events of results that count, within the statement that keeps them. Needs `r` with its `events`, and `held`.
 *
 * This locks no camera's row and waits for none (reliability.md REL-5). Results of one camera follow each other all the same: the next lease is given
 * only after this statement has committed, and no second result of a lease counts. The camera's version is as this statement sees it;
 * `OutboxReader` raises it to that of a change which comes before it in the order. Under maintenance, and while its site is down, the status shown stays as it is.
 */
export const probeAnnouncements = (): Fragment =>
  announce(sql`
    select e.kind, c.id, c.version, e.facts, null::jsonb
    from r
    join held on held.camera_id = r.camera_id and held.epoch = r.epoch
    join camera c on c.id = r.camera_id
    join camera_health h on h.camera_id = r.camera_id
    cross join lateral rows from (jsonb_to_recordset(r.events) as (kind text, facts jsonb)) with ordinality as e (kind, facts, place)
    where e.kind <> 'health.changed' or not (${IS_MAINTAINED} or h.site_outage is not null)
    order by c.id, e.place`);
