import { GRANT_STATES, type GrantState, SLUG, UUID } from './codes.js';
import { Shown } from './member-schema.js';
import { type Fault, shown } from './problems.js';
import { Form, Moment, Optional, Text } from './rules.js';

/** Longest time for which access is given, days: as for a key. */
export const GRANT_MOST_DAYS = 400;

/** What access is about: one camera, or all of an authority. */
export class AccessTarget {
  /** Id of the one camera; or leave it out and name `authority`. @example "019ac8f2-6d1b-7a55-9d0e-3f2b8c4d5e6f" */
  @Optional() @Form(UUID, 'the id of a camera, a UUID', { format: 'uuid' }) camera?: string;
  /** Slug of the authority whose cameras are meant, later ones too; or leave it out and name `camera`. @example "tainan-wrb" */
  @Optional() @Form(SLUG, 'the slug of an authority') authority?: string;
}

/** Access of one authority to cameras of another, for a time. */
export class GrantDocument extends AccessTarget {
  /** Slug of the authority whose people are let in. @example "tainan-eoc" */
  @Form(SLUG, 'the slug of an authority') grantee!: string;
  /** When it ends by itself, RFC 3339; at most 400 days from now. @example "2026-12-31T00:00:00Z" */
  @Moment() until!: string;
  /** Why; read by both sides. @example "Typhoon season 2026, agreement 12/2026" */
  @Text(1, 2_000) reason!: string;
}

const moment = { type: 'string', format: 'date-time' } as const;
const nullableMoment = { type: ['string', 'null'], format: 'date-time' } as const;

/** A grant as the registry answers it. */
export class Grant extends GrantDocument {
  /** UUIDv7. */
  @Shown({ type: 'string', format: 'uuid' }) id!: string;
  /** Slug of the authority that gave it, and whose cameras it is about. */
  @Shown({ type: 'string' }) owner!: string;
  /** `live` while it lets anybody in. */
  @Shown({ type: 'string', enum: GRANT_STATES }) state!: GrantState;
  /** Who gave it: the id of a principal. */
  @Shown({ type: 'string' }) createdBy!: string;
  /** When it was given, RFC 3339 UTC. */
  @Shown(moment) createdAt!: string;
  /** When it was ended before its time; null: it was not. */
  @Shown(nullableMoment) endedAt!: string | null;
  /** Who ended it; null: nobody. */
  @Shown({ type: ['string', 'null'] }) endedBy!: string | null;
}

/** Faults of what access is about: it is one thing, and named. */
export function targetFaults({ camera, authority }: AccessTarget): readonly Fault[] {
  if (camera !== undefined && authority !== undefined) {
    const detail = 'access is to one camera or to all of an authority: leave one of both out';
    return [{ pointer: '/authority', code: 'conflict', detail }];
  }
  if (camera !== undefined || authority !== undefined) return [];
  return [{ pointer: '/camera', code: 'required', detail: 'name a camera by its id, or an authority by its slug' }];
}

/** Faults of the end of a time that begins now. @param now Unix time, milliseconds */
export function untilFaults(until: string, now: number): readonly Fault[] {
  const at = Date.parse(until);
  if (at > now && at <= now + GRANT_MOST_DAYS * 86_400_000) return [];
  const detail = `expected a time to come, at most ${GRANT_MOST_DAYS} days from now, got ${shown(until)}`;
  return [{ pointer: '/until', code: 'range', detail }];
}

/** Faults of who is let in where: nobody gives himself what he has. */
export function granteeFaults(grantee: string, owner: string): readonly Fault[] {
  if (grantee !== owner) return [];
  return [{ pointer: '/grantee', code: 'conflict', detail: `${owner} knows its own cameras; name another authority` }];
}
