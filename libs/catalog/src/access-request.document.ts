import { ACCESS_DECISIONS, ACCESS_REQUEST_STATES, type AccessRequestState, PURPOSES, SLUG } from './codes.js';
import { AccessTarget } from './grant.document.js';
import { Shown } from './member-schema.js';
import { Form, Moment, OneOf, Optional, Text } from './rules.js';

/** Access that one authority asks another for. */
export class AccessRequestDocument extends AccessTarget {
  /** Slug of the authority whose people are to be let in; may be left out by whoever reads cameras in one authority alone. @example "tainan-eoc" */
  @Optional() @Form(SLUG, 'the slug of an authority') grantee?: string;
  /** What the pictures are wanted for. */
  @OneOf(PURPOSES) purpose!: (typeof PURPOSES)[number];
  /** For how long, RFC 3339; at most 400 days from now. @example "2026-12-31T00:00:00Z" */
  @Moment() until!: string;
  /** Why, for whoever decides. @example "The bridge is on our evacuation route" */
  @Text(1, 2_000) reason!: string;
}

/** What the owner's administrator decides. */
export class AccessDecisionDocument {
  /** `granted` makes a grant; `refused` ends the request. */
  @OneOf(ACCESS_DECISIONS) decision!: (typeof ACCESS_DECISIONS)[number];
  /** Of a grant: another end than was asked for, RFC 3339; at most 400 days from now. */
  @Optional() @Moment() until?: string;
  /** Why; read by both sides. */
  @Optional() @Text(1, 2_000) reason?: string;
}

const moment = { type: 'string', format: 'date-time' } as const;
const nullableMoment = { type: ['string', 'null'], format: 'date-time' } as const;
const nullableText = { type: ['string', 'null'] } as const;

/** A request for access as the registry answers it. */
export class AccessRequest extends AccessRequestDocument {
  /** UUIDv7. */
  @Shown({ type: 'string', format: 'uuid' }) id!: string;
  /** Slug of the authority whose cameras it is about, and whose administrators decide. */
  @Shown({ type: 'string' }) owner!: string;
  /** What has become of it. */
  @Shown({ type: 'string', enum: ACCESS_REQUEST_STATES }) state!: AccessRequestState;
  /** Who asked: the id of a principal. */
  @Shown({ type: 'string' }) createdBy!: string;
  /** When, RFC 3339 UTC. */
  @Shown(moment) createdAt!: string;
  /** When it was granted, refused or withdrawn; null while it is pending. */
  @Shown(nullableMoment) decidedAt!: string | null;
  /** By whom; null while it is pending. */
  @Shown(nullableText) decidedBy!: string | null;
  /** What whoever decided gave as the reason; null without one. */
  @Shown(nullableText) answer!: string | null;
  /** Id of the grant that was made of it; null without one. */
  @Shown({ type: ['string', 'null'], format: 'uuid' }) grant!: string | null;
}
