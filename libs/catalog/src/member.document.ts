import { PLATFORM_ROLES, type Role, ROLES, SLUG } from './codes.js';
import { Shown } from './member-schema.js';
import { judgeIssuer } from './issuer.js';
import { type Fault, shown } from './problems.js';
import { Form, OneOf, Optional, rule, Text } from './rules.js';

/** What OpenID Connect Core 1.0 (section 2) lets an issuer call a person; blanks only inside. */
export const SUBJECT = /^[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?$/;

/** A role of one person in one authority, or beyond authorities. */
export class MemberDocument {
  /** Issuer by which the person signs in: `iss` of its tokens, to the letter. @example "https://login.example.org/realms/water" */
  @rule('issuer', { type: 'string', format: 'uri', maxLength: 2_048 }, judgeIssuer) issuer!: string;
  /** What the issuer calls the person: `sub` of its tokens, to the letter. @example "8f14e45f-ceea-4e4b-9b5a-2f1c0c7a1d3e" */
  @Form(SUBJECT, '1 to 255 visible ASCII characters') subject!: string;
  /** The person's name, for others who see to members. @example "Lin Mei-hua" */
  @Optional() @Text(1, 200) name?: string;
  /** Slug of the authority; absent for `auditor` and `administrator`, who have none. @example "tainan-wrb" */
  @Optional() @Form(SLUG, 'the slug of an authority') authority?: string;
  /** `viewer` reads all of the authority's cameras, `operator` changes them too, `admin` sees to access, keys and members; beyond authorities `auditor` reads the audit, `administrator` is admin of all. @example "operator" */
  @OneOf(ROLES) role!: Role;
}

const moment = { type: 'string', format: 'date-time' } as const;

/** A member as the registry answers it. */
export class Member extends MemberDocument {
  /** UUIDv7. */
  @Shown({ type: 'string', format: 'uuid' }) id!: string;
  /** Grows by one with each change. */
  @Shown({ type: 'integer', minimum: 1 }) version!: number;
  /** How logs and `createdBy` name the person; the same in every authority. */
  @Shown({ type: 'string' }) principal!: string;
  /** Whether tokens of this issuer are taken here; else the person cannot sign in. */
  @Shown({ type: 'boolean' }) issuerIsKnown!: boolean;
  /** Who made it: the id of a principal. */
  @Shown({ type: 'string' }) createdBy!: string;
  /** When it was made, RFC 3339 UTC. */
  @Shown(moment) createdAt!: string;
  /** When it last changed, RFC 3339 UTC. */
  @Shown(moment) updatedAt!: string;
}

const isPlatformRole = (role: Role): boolean => (PLATFORM_ROLES as readonly Role[]).includes(role);

/** Faults between members. */
export function memberFaults({ authority, role }: MemberDocument): readonly Fault[] {
  if (isPlatformRole(role) && authority !== undefined) {
    const detail = `the role ${role} holds beyond authorities: leave authority out`;
    return [{ pointer: '/authority', code: 'conflict', detail }];
  }
  if (!isPlatformRole(role) && authority === undefined) {
    return [{ pointer: '/authority', code: 'required', detail: `the role ${role} is one in an authority: name it` }];
  }
  return [];
}

/** Members that never change: whose role it is, and where. */
export const MEMBER_FIXED = ['issuer', 'subject', 'authority'] as const satisfies readonly (keyof MemberDocument)[];

/** Faults of a change: another person, or another authority, is another member. */
export function movedFaults(kept: MemberDocument, stated: MemberDocument): readonly Fault[] {
  return MEMBER_FIXED.filter((member) => (stated[member] ?? null) !== (kept[member] ?? null)).map((member) => ({
    pointer: `/${member}`,
    code: 'read_only' as const,
    detail: `this is ${shown(kept[member] ?? null)} for good: add another member instead`,
  }));
}
