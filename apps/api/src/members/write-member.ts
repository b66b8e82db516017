import type { EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { idOfPerson, isPlatformAdministrator, mayIn, type Principal, reachOf, SCOPES_OF_ROLE } from '#access';
import {
  type AuditAction,
  Forbidden,
  isPlainObject,
  MalformedBody,
  MemberDocument,
  memberFaults,
  mergePatch,
  movedFaults,
  NotFound,
  PLATFORM_ROLES,
  type Role,
  ValidationFailed,
} from '#catalog';
import { Audit, type AuditNote, Authorities, type KeptMember, Members, type MembersWithin } from '#storage';
import { checked } from '../checked.js';
import { requireMatch } from '../conditional.js';
import { refuseMade } from '../refuse-made.js';

/** One write of one caller, inside the transaction that it belongs to. */
export interface MemberWrite {
  readonly tx: EntityManager;
  readonly by: Principal;
}

/** Members of a member that the server makes. */
const MADE: readonly string[] = ['id', 'version', 'principal', 'issuerIsKnown', 'createdBy', 'createdAt', 'updatedAt'];

/** Which members the caller sees to: those of authorities where he may, and roles beyond authorities as their administrator. */
export const membersWithin = (by: Principal): MembersWithin => ({
  authorities: reachOf(by, 'members:write'),
  platform: isPlatformAdministrator(by),
});

/** Gives a person a role. @throws AlreadyRegistered when the person has one there */
export async function addMember(body: unknown, { tx, by }: MemberWrite): Promise<KeptMember> {
  refuseMade(body, MADE);
  const document = checked(MemberDocument, body);
  judge(document);
  requireMayGive(by, document);
  await requireAuthority(document, tx);
  const member = await new Members(tx).add({
    id: uuidv7(),
    principal: idOfPerson(document),
    document,
    createdBy: by.id,
  });
  await new Audit(tx).note({ ...aboutMember('member.added', member), after: shownInAudit(member) });
  return member;
}

/** Changes name or role by a merge patch (RFC 7396). */
export async function patchMember(
  id: string,
  patch: unknown,
  ifMatch: string | undefined,
  write: MemberWrite,
): Promise<KeptMember> {
  if (!isPlainObject(patch)) throw new MalformedBody('a merge patch of a member is a JSON object');
  refuseMade(patch, MADE);
  const kept = await lockForWriting(id, ifMatch, write);
  const document = checked(MemberDocument, mergePatch(statedOf(kept), patch));
  const faults = movedFaults(kept, document);
  if (faults.length > 0) throw new ValidationFailed(faults);
  judge(document);
  requireMayGive(write.by, document);
  if (document.role === kept.role && document.name === kept.name) return kept;
  const member = await new Members(write.tx).replace(id, document);
  await new Audit(write.tx).note({
    ...aboutMember('member.changed', member),
    before: shownInAudit(kept),
    after: shownInAudit(member),
  });
  return member;
}

/** Takes a role away; within five seconds it counts nowhere any more. */
export async function removeMember(id: string, ifMatch: string | undefined, write: MemberWrite): Promise<void> {
  const kept = await lockForWriting(id, ifMatch, write);
  await new Members(write.tx).remove(kept);
  await new Audit(write.tx).note({ ...aboutMember('member.removed', kept), before: shownInAudit(kept) });
}

const aboutMember = (action: Extract<AuditAction, `member.${string}`>, { id, authority }: KeptMember): AuditNote => ({
  action,
  authority: authority ?? null,
  subject: { kind: 'member', id },
});

const shownInAudit = ({ principal, role }: KeptMember): object => ({ principal, role });

async function lockForWriting(id: string, ifMatch: string | undefined, { tx, by }: MemberWrite): Promise<KeptMember> {
  const kept = await new Members(tx).lock(id, membersWithin(by));
  if (kept === null) throw new NotFound(`no member has the id ${id}`);
  requireMayGive(by, kept);
  requireMatch(ifMatch, kept.version);
  return kept;
}

function judge(document: MemberDocument): void {
  const faults = memberFaults(document);
  if (faults.length > 0) throw new ValidationFailed(faults);
}

const isPlatformRole = (role: Role): boolean => (PLATFORM_ROLES as readonly Role[]).includes(role);

/**
 * Nobody gives or takes a role that may do more than he himself: else a key that may see to members would make itself an admin.
 * @throws Forbidden
 */
function requireMayGive(by: Principal, { role, authority = '' }: Pick<MemberDocument, 'role' | 'authority'>): void {
  if (isPlatformAdministrator(by)) return;
  if (isPlatformRole(role)) throw new Forbidden(`only a platform administrator makes somebody ${role}`);
  if (!mayIn(by, 'members:write', authority)) {
    throw new Forbidden(`this needs the scope members:write in ${authority}`, authority);
  }
  const lacking = SCOPES_OF_ROLE[role].filter((one) => !mayIn(by, one, authority));
  if (lacking.length > 0)
    throw new Forbidden(`a role gives only what its giver may do; you lack ${lacking.join(', ')}`, authority);
}

/** @throws ValidationFailed for an authority that does not exist */
async function requireAuthority({ authority }: MemberDocument, tx: EntityManager): Promise<void> {
  if (authority === undefined || (await new Authorities(tx).find(authority)) !== null) return;
  const detail = `no authority has the slug ${authority}`;
  throw new ValidationFailed([{ pointer: '/authority', code: 'reference', detail }]);
}

const statedOf = (member: KeptMember): Record<string, unknown> =>
  Object.fromEntries(Object.entries(member).filter(([name]) => !MADE.includes(name)));
