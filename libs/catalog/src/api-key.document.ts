import { SCOPES, type Scope, SLUG } from './codes.js';
import { Shown } from './member-schema.js';
import { judgeList, Optional, rule, SomeOf, Text, Whole } from './rules.js';
import { shown } from './problems.js';

const REACH_SCHEMA = {
  oneOf: [
    { type: 'string', const: 'all' },
    { type: 'array', items: { type: 'string', pattern: SLUG.source }, minItems: 1, maxItems: 256, uniqueItems: true },
  ],
} as const;

/** A key as it is asked for. */
export class ApiKeyRequest {
  /** What the key is for, in words. @example "nightly import of the bureau's file" */
  @Text(1, 200) name!: string;
  /** What it may do; never more than the key that asks may. @example ["cameras:read", "cameras:write"] */
  @SomeOf(SCOPES) scopes!: Scope[];
  /** Slugs of the authorities for which it may, or `all`. @example ["tainan-wrb"] */
  @rule('reach', REACH_SCHEMA, (value) => {
    if (value === 'all') return null;
    if (!Array.isArray(value) || value.length === 0) {
      return ['type', `expected "all" or a list of slugs, got ${shown(value)}`];
    }
    return judgeList(value, 256, (item) =>
      typeof item === 'string' && SLUG.test(item) ? null : ['format', `expected a slug, got ${shown(item)}`],
    );
  })
  authorities!: 'all' | string[];
  /** Days until it ends. Default 90. @example 90 */
  @Optional() @Whole({ min: 1, max: 400 }) expiresInDays?: number;
}

const moment = { type: 'string', format: 'date-time' } as const;
const nullableMoment = { type: ['string', 'null'], format: 'date-time' } as const;

/** A key as lists show it: never its secret. */
export class ApiKey {
  /** UUIDv7. */
  @Shown({ type: 'string', format: 'uuid' }) id!: string;
  /** The part of the key that names it, after `slk_`. */
  @Shown({ type: 'string' }) keyId!: string;
  /** What the key is for, in words. */
  @Shown({ type: 'string' }) name!: string;
  /** What it may do. */
  @Shown({ type: 'array', items: { type: 'string', enum: SCOPES } }) scopes!: readonly Scope[];
  /** For which authorities it may, or `all`. */
  @Shown(REACH_SCHEMA) authorities!: 'all' | readonly string[];
  /** Who made it: `key:` and a key id, `person:` and what names a person, `command`, or `settings`. */
  @Shown({ type: 'string' }) createdBy!: string;
  /** When it was made, RFC 3339 UTC. */
  @Shown(moment) createdAt!: string;
  /** When it ends, RFC 3339 UTC; null while it is set as SIGHTLINE_ADMIN_KEY. */
  @Shown(nullableMoment) expiresAt!: string | null;
  /** When it was last used, to the minute; null: never. */
  @Shown(nullableMoment) lastUsedAt!: string | null;
  /** When it was revoked; null: it was not. */
  @Shown(nullableMoment) revokedAt!: string | null;
}

/** A key just made, with the secret that is shown this once. */
export class MintedKey extends ApiKey {
  /** The whole key, shown once and kept nowhere. @example "slk_…" */
  @Shown({ type: 'string' }) key!: string;
}
