import { EVENT_TYPES, type EventType, type Outcome, OUTCOMES, type Status, STATUSES } from './codes.js';
import { Shown } from './member-schema.js';

const moment = { type: 'string', format: 'date-time' } as const;

/** Words that people are told of a camera. */
export const NOTICE_WORDS = ['up', 'down', 'still_down', 'flapping', 'site_down', 'site_up'] as const;
export type NoticeWord = (typeof NOTICE_WORDS)[number];

/** The camera of an event: enough to ask for it. Of one that the caller may know no more, `id` alone. */
export class EventCamera {
  /** UUIDv7. */
  @Shown({ type: 'string', format: 'uuid' }) id!: string;
  /** Slug of the authority that answers for it. */
  @Shown({ type: 'string' }) authority?: string;
  /** The agency's own id. */
  @Shown({ type: 'string' }) localId?: string;
  /** Of its document; whoever has a higher one may leave the event alone. */
  @Shown({ type: 'integer', minimum: 1 }) version?: number;
}

/** A word to the people who look after a camera. */
export class EventNotice {
  /**
   * It went down, came up again, is down still (after an hour, a day, then daily), or goes up and down too often for single words to help. `site_down`, `site_up`: so did
   * most cameras of one place or network at once; `cameras` says of how many of the authority's this one event tells.
   */
  @Shown({ type: 'string', enum: NOTICE_WORDS }) word!: NoticeWord;
  /** What the last probe established. */
  @Shown({ type: 'string', enum: OUTCOMES }) outcome?: Outcome;
  /** Why, in words. */
  @Shown({ type: 'string' }) reason?: string;
  /** Since when its status is what it is, RFC 3339 UTC. */
  @Shown(moment) since?: string;
  /** When a probe last brought a picture, RFC 3339 UTC. */
  @Shown(moment) lastOkAt?: string;
  /** What to do about it. */
  @Shown({ type: 'string' }) nextStep?: string;
  /** Of `site_down` and `site_up`: cameras of the authority that it is about. */
  @Shown({ type: 'integer', minimum: 1 }) cameras?: number;
}

/** What happened to a camera, in few words: who wants to know more asks for the camera. */
export class EventDocument {
  /** The same at every delivery, and the place to go on from; absent from hints. */
  @Shown({ type: 'string' }) id?: string;
  /** What happened. */
  @Shown({ type: 'string', enum: EVENT_TYPES }) type!: EventType;
  /** When, RFC 3339 UTC. */
  @Shown(moment) at!: string;
  camera!: EventCamera;
  /** Status before, of `health.changed`. */
  @Shown({ type: 'string', enum: STATUSES }) from?: Status;
  /** Status since, of `health.changed`. */
  @Shown({ type: 'string', enum: STATUSES }) to?: Status;
  /** Of `camera.retired`: `withdrawn` where the camera is no longer the caller's to know. */
  @Shown({ type: 'string', enum: ['withdrawn'] }) reason?: 'withdrawn';
  /** Of `health.notice`. */
  notice?: EventNotice;
}

/** What happens to cameras and is kept: every type but the hint. */
export type EventKind = Exclude<EventType, 'frame.updated' | 'incident.item'>;

/** What an event says beside its camera. */
export type EventFacts = Pick<EventDocument, 'from' | 'to' | 'notice'>;
