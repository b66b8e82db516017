import { type Role, ROLES, type Scope, SCOPES } from './codes.js';
import { Shown } from './member-schema.js';
import { Text } from './rules.js';

/** A sign-in by API key. */
export class SessionRequest {
  /** The whole key; it is not kept. @example "slk_…" */
  @Text(1, 200, { writeOnly: true }) key!: string;
}

/** A role of the caller. */
export class SessionRole {
  /** Slug; null: a role beyond authorities. */
  @Shown({ type: ['string', 'null'] }) authority!: string | null;
  /** What the caller is there. */
  @Shown({ type: 'string', enum: ROLES }) role!: Role;
}

/** What the caller may do in one place. */
export class SessionRights {
  /** Slug; null: in every authority, and beyond them. */
  @Shown({ type: ['string', 'null'] }) authority!: string | null;
  /** What the caller may do there. */
  @Shown({ type: 'array', items: { type: 'string', enum: SCOPES } }) scopes!: readonly Scope[];
}

/** Who asks, and what he may do. */
export class Session {
  /** `anonymous`, or the id of the caller as logs and `createdBy` name it. */
  @Shown({ type: 'string' }) principal!: string;
  /** Name of the person, or of the key; null where none is known. */
  @Shown({ type: ['string', 'null'] }) name!: string | null;
  /** Issuer by which a person is known; null for others. An administrator needs it, with `subject`, to give the person a role. */
  @Shown({ type: ['string', 'null'] }) issuer!: string | null;
  /** What the issuer calls the person; null for others. */
  @Shown({ type: ['string', 'null'] }) subject!: string | null;
  /** Roles of a person; none for a key. */
  roles!: SessionRole[];
  /** What that comes to; a place without rights is not named. */
  rights!: SessionRights[];
  /** When these credentials end at the latest, RFC 3339 UTC; null for anonymous callers, and for a key that does not end. */
  @Shown({ type: ['string', 'null'], format: 'date-time' }) expiresAt!: string | null;
}
