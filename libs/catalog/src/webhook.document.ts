import { EVENT_TYPES, type EventType, SLUG, WEBHOOK_TYPES } from './codes.js';
import { judgePosition, type LonLat } from './geometry.document.js';
import { Shown } from './member-schema.js';
import { judgeCidr } from './network.js';
import { type Fault, shown } from './problems.js';
import type { Bbox } from './query-geometry.js';
import { type Finding, Form, judgeList, Nested, Optional, Real, rule, Switch, Text } from './rules.js';

const moment = { type: 'string', format: 'date-time' } as const;
const nullableMoment = { type: ['string', 'null'], format: 'date-time' } as const;

/** Judges a box of positions: west, south, east, north. */
function judgeBbox(value: unknown): Finding {
  if (!Array.isArray(value) || value.length !== 4) {
    return ['type', `expected [west, south, east, north], got ${shown(value)}`];
  }
  const [west, south, east, north] = value as readonly unknown[];
  const finding = judgePosition([west, south]) ?? judgePosition([east, north]);
  if (finding !== null) return finding;
  return (south as number) > (north as number)
    ? ['range', `south ${shown(south)} is above north ${shown(north)}`]
    : null;
}

/** Which addresses a webhook may have beside public ones. */
export class WebhookNetworkDocument {
  /** Networks, such as those of a closed installation. @example ["10.4.0.0/16"] */
  @rule('cidrs', { type: 'array', items: { type: 'string' }, maxItems: 64, uniqueItems: true }, (value) =>
    judgeList(value, 64, judgeCidr),
  )
  cidrs!: string[];
}

/** Where events are sent, and which. */
export class WebhookDocument {
  /** Address that takes them by POST; https. @example "https://example.org/sightline" */
  @Text(1, 2_048, { format: 'uri' }) url!: string;
  /** Types of events. @example ["camera.changed", "health.changed"] */
  @rule(
    'eventTypes',
    {
      type: 'array',
      items: { type: 'string', enum: WEBHOOK_TYPES },
      minItems: 1,
      maxItems: WEBHOOK_TYPES.length,
      uniqueItems: true,
    },
    (value) => {
      if (Array.isArray(value) && value.length === 0) return ['length', 'expected at least one type of event'];
      return judgeList(value, WEBHOOK_TYPES.length, (item) =>
        (WEBHOOK_TYPES as readonly unknown[]).includes(item)
          ? null
          : ['enum', `expected one of ${WEBHOOK_TYPES.join(', ')}; got ${shown(item)}`],
      );
    },
  )
  types!: EventType[];
  /** Slug of an authority: events of its cameras alone. @example "tainan-wrb" */
  @Optional() @Form(SLUG, 'the slug of an authority') authority?: string;
  /** West, south, east, north, degrees: cameras inside alone; west above east crosses the antimeridian. */
  @Optional()
  @rule('bbox', { type: 'array', items: { type: 'number' }, minItems: 4, maxItems: 4 }, judgeBbox)
  bbox?: Bbox;
  /** Longitude, latitude: cameras within radiusM alone. @example [120.295, 23.079] */
  @Optional()
  @rule('position', { type: 'array', items: { type: 'number' }, minItems: 2, maxItems: 2 }, judgePosition)
  near?: LonLat;
  /** Radius around near, metres on the ellipsoid. Default 1000. @example 500 */
  @Optional() @Real({ above: 0, max: 1_000_000 }) radiusM?: number;
  /** Only a platform administrator sets it. */
  @Optional() @Nested(() => WebhookNetworkDocument) network?: WebhookNetworkDocument;
  /** False: nothing is sent. Default true. */
  @Optional() @Switch() enabled?: boolean;
}

/** Why nothing is sent: told so; it answered 410; no delivery succeeded in five days; the owner's key was revoked or has expired, or a person lost the right to webhooks. */
export const WEBHOOK_DISABLED_REASONS = ['paused', 'gone', 'failing', 'owner_gone'] as const;
export type WebhookDisabledReason = (typeof WEBHOOK_DISABLED_REASONS)[number];

/** A webhook as the registry answers it: never its secret. */
export class Webhook extends WebhookDocument {
  /** UUIDv7. */
  @Shown({ type: 'string', format: 'uuid' }) id!: string;
  /** Grows by one with each change. */
  @Shown({ type: 'integer', minimum: 1 }) version!: number;
  /** Under whose rights events are sent: `key:` and a key id, or `person:` and what names a person. */
  @Shown({ type: 'string' }) owner!: string;
  /** When it was made, RFC 3339 UTC. */
  @Shown(moment) createdAt!: string;
  /** When it last changed, RFC 3339 UTC. */
  @Shown(moment) updatedAt!: string;
  /** Why nothing is sent; null while it is. */
  @Shown({ type: ['string', 'null'], enum: [...WEBHOOK_DISABLED_REASONS, null] })
  disabledReason!: WebhookDisabledReason | null;
  /** Since when nothing is sent, RFC 3339 UTC; null while it is. */
  @Shown(nullableMoment) disabledAt!: string | null;
  /** Since when no delivery has succeeded, RFC 3339 UTC; null where the last one did. */
  @Shown(nullableMoment) failingSince!: string | null;
}

/** A webhook with a secret just made, shown this once. */
export class WebhookWithSecret extends Webhook {
  /** `whsec_` and base64 of 32 bytes: key of the signatures (Standard Webhooks). @example "whsec_…" */
  @Shown({ type: 'string' }) secret!: string;
}

/** What became of an event that a webhook was to be told of. */
export const DELIVERY_STATES = ['waiting', 'delivered', 'failed', 'withheld'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** Why an attempt was no success; what lies behind `unreachable` is nobody's to scan. */
export const DELIVERY_PROBLEMS = ['status', 'redirect', 'timeout', 'unreachable', 'target_not_allowed'] as const;
export type DeliveryProblem = (typeof DELIVERY_PROBLEMS)[number];

/** One event on its way to one webhook. */
export class WebhookDelivery {
  /** UUIDv7. */
  @Shown({ type: 'string', format: 'uuid' }) id!: string;
  /** Id of the event: `webhook-id` of every attempt. */
  @Shown({ type: 'string' }) eventId!: string;
  /** Type of the event. */
  @Shown({ type: 'string', enum: EVENT_TYPES }) type!: EventType;
  /** `withheld`: when it was to be sent, the owner might not know the camera any more. */
  @Shown({ type: 'string', enum: DELIVERY_STATES }) state!: DeliveryState;
  /** How often it was sent. */
  @Shown({ type: 'integer', minimum: 0 }) attempts!: number;
  /** When the event was put into the queue, RFC 3339 UTC. */
  @Shown(moment) createdAt!: string;
  /** When it was last sent, RFC 3339 UTC; null: never. */
  @Shown(nullableMoment) attemptedAt!: string | null;
  /** When it is sent next, RFC 3339 UTC; null: no more. */
  @Shown(nullableMoment) nextAttemptAt!: string | null;
  /** HTTP status of the last answer; null without one. */
  @Shown({ type: ['integer', 'null'] }) status!: number | null;
  /** Why the last attempt was no success; null where it was. */
  @Shown({ type: ['string', 'null'], enum: [...DELIVERY_PROBLEMS, null] }) problem!: DeliveryProblem | null;
}

/** What came of a ping. */
export class WebhookPing {
  /** Whether it was answered with 2xx. */
  @Shown({ type: 'boolean' }) delivered!: boolean;
  /** HTTP status of the answer; null without one. */
  @Shown({ type: ['integer', 'null'] }) status!: number | null;
  /** Why it was no success; null where it was. */
  @Shown({ type: ['string', 'null'], enum: [...DELIVERY_PROBLEMS, null] }) problem!: DeliveryProblem | null;
  /** How long it took, milliseconds. */
  @Shown({ type: 'number', minimum: 0 }) tookMs!: number;
}

/** Faults between members. */
export function webhookFaults({ near, radiusM }: WebhookDocument): readonly Fault[] {
  if (radiusM === undefined || near !== undefined) return [];
  return [{ pointer: '/radiusM', code: 'conflict', detail: 'a radius needs near' }];
}
