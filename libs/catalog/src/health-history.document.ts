import { OUTCOMES, type Outcome, RESOLUTIONS, type Resolution, type Status, STATUSES } from './codes.js';
import { Shown } from './member-schema.js';

const moment = { type: 'string', format: 'date-time' } as const;
const count = { type: 'integer', minimum: 0 } as const;
const milliseconds = { type: 'integer', minimum: 0 } as const;
const share = { type: ['number', 'null'], minimum: 0, maximum: 1 } as const;

/** A change of a camera's status. */
export class StatusChange {
  /** When, RFC 3339 UTC. */
  @Shown(moment) at!: string;
  /** The status before. */
  @Shown({ type: 'string', enum: STATUSES }) from!: Status;
  /** The status after. */
  @Shown({ type: 'string', enum: STATUSES }) to!: Status;
  /** Outcome of the probe that brought it about; strangers read `unreachable` for every failure below HTTP. */
  @Shown({ type: 'string', enum: OUTCOMES }) outcome?: Outcome;
  /** Why, in words. */
  reason!: string;
}

/** How long it took from the beginning of a probe to the first whole picture, milliseconds. */
export class FirstFrameLatency {
  /** Pictures that were timed. */
  @Shown({ type: 'integer', minimum: 1 }) count!: number;
  /** The shortest. */
  @Shown(milliseconds) minMs!: number;
  /** Their mean. */
  @Shown(milliseconds) meanMs!: number;
  /** The longest. */
  @Shown(milliseconds) maxMs!: number;
  /** What 95 of 100 did not exceed, to within 4.4 %. */
  @Shown(milliseconds) p95Ms!: number;
}

/** The probes of a minute, an hour or a day, counted. */
export class HealthBucket {
  /** Its beginning, RFC 3339 UTC. */
  @Shown(moment) at!: string;
  /** A whole picture came. */
  @Shown(count) ok!: number;
  /** A picture came in which something is wrong. */
  @Shown(count) degraded!: number;
  /** No picture came. */
  @Shown(count) fail!: number;
  /** The camera served as many viewers as it can. */
  @Shown(count) busy!: number;
  /** Nothing was learned of the camera: a fault on our side, or it may not be asked. */
  @Shown(count) unknown!: number;
  /** Under maintenance, whatever came. */
  @Shown(count) maintenance!: number;
  /** Its whole site was out of reach. */
  @Shown(count) unreachable!: number;
  /** Absent without a picture, and for callers outside the camera's authority. */
  firstFrame?: FirstFrameLatency;
}

/**
 * Which share of a length of time the camera showed a picture, by time and not by probes. What is not measured does not count: maintenance, time
 * out of use, outages of the whole site, and time in which nobody watched.
 */
export class AvailabilityDocument {
  /** Share of the measured time, 0 to 1; null where nothing was measured. */
  @Shown(share) upShare!: number | null;
  /** The same without the time in which something was wrong with the picture. */
  @Shown(share) goodShare!: number | null;
  /** Time that was measured, seconds. */
  @Shown({ type: 'number', minimum: 0 }) measuredS!: number;
}

/** Availability until now, and over the time that was asked for. */
export class AvailabilityByTime {
  /** From `from` to `to`. */
  asked!: AvailabilityDocument;
  /** The last 24 hours. */
  '24h'!: AvailabilityDocument;
  /** The last 7 days. */
  '7d'!: AvailabilityDocument;
  /** The last 30 days. */
  '30d'!: AvailabilityDocument;
}

/** What probes have established of a camera over time. */
export class HealthHistoryDocument {
  /** Beginning of the time that is answered for, RFC 3339 UTC. */
  @Shown(moment) from!: string;
  /** Its end, RFC 3339 UTC. */
  @Shown(moment) to!: string;
  /** Changes of the status after `from`, newest first. */
  transitions!: StatusChange[];
  /** Whether older changes after `from` were left out: ask again with `to` the last one's `at`. */
  hasMoreTransitions!: boolean;
  /** Length of the buckets. */
  @Shown({ type: 'string', enum: RESOLUTIONS }) resolution!: Resolution;
  /** The probes of each minute, hour or day that `from` falls into or that begins before `to`, oldest first; those without probes are left out. */
  buckets!: HealthBucket[];
  availability!: AvailabilityByTime;
}
