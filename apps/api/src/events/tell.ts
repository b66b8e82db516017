import { type EventDocument, type EventNotice, FOLDED_REASON, isFolded } from '#catalog';
import { NEXT_STEPS } from '#health';
import type { Judgement, OutboxEvent } from '#storage';
import type { EventFilter } from './event-filter.js';

/** What one caller reads of an event. */
export type Told = 'event' | 'withdrawn';

/**
 * Whether a caller is told of an event, and how: of a camera that is his to know, the event; of one that the event took out of his
 * sight, that alone; of any other nothing. Words to those who look after a camera go to its own authority.
 */
export function toldOf(event: OutboxEvent, { now, before }: Judgement, filter: EventFilter): Told | null {
  if (!filter.wantsCamera(event.cameraId)) return null;
  if (now === null) {
    const wants = filter.wantsType('camera.retired') || filter.wantsType('camera.changed');
    return before !== null && wants && filter.wantsStanding([before]) ? 'withdrawn' : null;
  }
  if (!filter.wantsType(event.kind) || (event.kind === 'health.notice' && !now.own)) return null;
  return filter.wantsStanding(before === null ? [now] : [now, before]) ? 'event' : null;
}

/** The event as it is sent. @param id of the event */
export function documentOf(event: OutboxEvent, { now }: Judgement, id: string): EventDocument {
  const { cameraId, kind, at, version, facts } = event;
  if (now === null) return { id, type: 'camera.retired', at, camera: { id: cameraId }, reason: 'withdrawn' };
  const { authority, localId } = now;
  const { notice: whole, ...more } = facts;
  const seen = whole === undefined || !now.heldBack ? whole : withoutPicture(whole);
  const notice = seen === undefined || now.operated ? seen : folded(seen);
  const nextStep = notice?.outcome === undefined ? {} : { nextStep: NEXT_STEPS[notice.outcome] };
  return {
    id,
    type: kind,
    at,
    camera: { id: cameraId, authority, localId, version },
    ...more,
    ...(notice === undefined ? {} : { notice: { ...notice, ...nextStep } }),
  };
}

/** A notice as those read it who see pictures of the camera later than they are taken (security.md PRIV-4). */
const withoutPicture = ({ lastOkAt: _lastOkAt, ...notice }: EventNotice): EventNotice => notice;

/** A notice as those read it who may not change the camera (security.md SSRF-9). */
function folded(notice: EventNotice): EventNotice {
  if (notice.outcome === undefined || !isFolded(notice.outcome)) return notice;
  return { ...notice, outcome: 'unreachable', reason: FOLDED_REASON };
}
