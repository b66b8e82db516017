import {
  AUDIT_ACTIONS,
  AUDIT_RESULTS,
  AUDIT_SUBJECTS,
  type AuditAction,
  type AuditResult,
  type AuditSubjectKind,
} from './audit-codes.js';
import { Shown } from './member-schema.js';

const members = { type: ['object', 'null'], additionalProperties: true } as const;
const nullableText = { type: ['string', 'null'] } as const;

/** What something was done to. */
export class AuditSubject {
  /** What it is. */
  @Shown({ type: 'string', enum: AUDIT_SUBJECTS }) kind!: AuditSubjectKind;
  /** Its id; of an authority its slug, of an operation its method and address. */
  @Shown({ type: 'string' }) id!: string;
}

/** What ties an entry to those before it. */
export class AuditSeal {
  /** The chain: the slug of an authority, or `*` beyond authorities. */
  @Shown({ type: 'string' }) chain!: string;
  /** Place in the chain; the first is 1. */
  @Shown({ type: 'integer', minimum: 1 }) seq!: number;
  /** Hash of the seal before; 64 zeros before the first. */
  @Shown({ type: 'string', pattern: '^[0-9a-f]{64}$' }) prev!: string;
  /** SHA-256 over the RFC 8785 JSON of `{chain, seq, prev, entry}`, where `entry` is the entry without `seal`. */
  @Shown({ type: 'string', pattern: '^[0-9a-f]{64}$' }) hash!: string;
}

/** Something that was done, or refused: who, for whom, what. Written together with what was done, and never changed. */
export class AuditEntry {
  /** Unique, and its place in the order in which entries are sealed. @example "1.74213.118" */
  @Shown({ type: 'string' }) id!: string;
  /** When, by the clock of the database, RFC 3339 UTC to the microsecond. */
  @Shown({ type: 'string', format: 'date-time' }) at!: string;
  /** For whom: the authority in whose chain it stands; null beyond authorities. */
  @Shown(nullableText) authority!: string | null;
  /** Who: `key:` and a key’s id, `anonymous`, `command` for a person at the server’s terminal, `server` for this program itself. */
  @Shown({ type: 'string' }) principal!: string;
  /** Id of the request, as `X-Request-Id` named it; null outside of one. */
  @Shown(nullableText) requestId!: string | null;
  /** Network address that the request came from. */
  @Shown(nullableText) address!: string | null;
  /** What was done. */
  @Shown({ type: 'string', enum: AUDIT_ACTIONS }) action!: AuditAction;
  subject!: AuditSubject;
  /** The members that changed, as they were. URLs end at their host, and secrets are `***`. */
  @Shown(members) before!: Readonly<Record<string, unknown>> | null;
  /** The same as they are since. */
  @Shown(members) after!: Readonly<Record<string, unknown>> | null;
  /** Whether it was done. */
  @Shown({ type: 'string', enum: AUDIT_RESULTS }) result!: AuditResult;
  /** Why it was refused. */
  @Shown(nullableText) reason!: string | null;
}

/** An entry as lists show it. */
export class ListedAuditEntry extends AuditEntry {
  /** Null for the few seconds until it is sealed. */
  @Shown({ oneOf: [{ $ref: '#/components/schemas/AuditSeal' }, { type: 'null' }] }) seal!: AuditSeal | null;
}

/** The last seal of a chain. */
export type ChainHead = Pick<AuditSeal, 'chain' | 'seq' | 'hash'>;

/** Name of the chain of entries beyond authorities; no slug. */
export const PLATFORM_CHAIN = '*';

/** Chain of an entry. */
export const chainOf = ({ authority }: Pick<AuditEntry, 'authority'>): string => authority ?? PLATFORM_CHAIN;
