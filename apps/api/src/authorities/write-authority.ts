import { isPlatformAdministrator, type Principal } from '#access';
import {
  type Authority,
  AuthorityDocument,
  authorityFaults,
  canonicalJson,
  type Fault,
  Forbidden,
  isPlainObject,
  MalformedBody,
  mergePatch,
  PLATFORM_MEMBERS,
  ValidationFailed,
} from '#catalog';
import { Authorities, WriteOrder } from '#storage';
import type { EntityManager } from 'typeorm';
import { isAdministratorOf } from '../cameras/camera-rules.js';
import { checked } from '../checked.js';
import { requireMatch } from '../conditional.js';

/** Members of an authority that the server makes. */
const MADE: readonly string[] = ['version', 'createdAt', 'updatedAt', 'contactable'];
/** An authority may stand at most this far below the topmost one. */
const MAX_DEPTH = 4;

/** Registers an authority. @throws AlreadyRegistered when the slug is taken or was once */
export async function registerAuthority(body: unknown, tx: EntityManager): Promise<Authority> {
  refuseMade(body);
  const stated = checked(AuthorityDocument, body);
  await judge(stated, tx);
  return new Authorities(tx).add(stated);
}

export async function replaceAuthority(
  slug: string,
  body: unknown,
  { ifMatch, by, tx }: AuthorityChange,
): Promise<Authority> {
  const kept = await lockForWriting(slug, ifMatch, { by, tx });
  const given = isPlainObject(body) ? body : {};
  if (given.version !== undefined && given.version !== null && given.version !== kept.version) {
    throw new ValidationFailed([readOnly('version', `this document has ${kept.version}`)]);
  }
  return change(kept, checked(AuthorityDocument, isPlainObject(body) ? withoutMade(body) : body), { by, tx });
}

export async function patchAuthority(
  slug: string,
  patch: unknown,
  { ifMatch, by, tx }: AuthorityChange,
): Promise<Authority> {
  if (!isPlainObject(patch)) throw new MalformedBody('a merge patch of an authority is a JSON object');
  refuseMade(patch);
  const kept = await lockForWriting(slug, ifMatch, { by, tx });
  const merged = mergePatch(withoutMade({ ...kept }), patch);
  return change(kept, checked(AuthorityDocument, merged), { by, tx });
}

/** @throws InUse while it has cameras that are not retired */
export async function withdrawAuthority(slug: string, { ifMatch, by, tx }: AuthorityChange): Promise<void> {
  await lockForWriting(slug, ifMatch, { by, tx });
  await new Authorities(tx).withdraw(slug);
}

export interface AuthorityChange {
  readonly ifMatch: string | undefined;
  readonly by: Principal;
  readonly tx: EntityManager;
}

type Writer = Omit<AuthorityChange, 'ifMatch'>;

async function lockForWriting(slug: string, ifMatch: string | undefined, { by, tx }: Writer): Promise<Authority> {
  await new WriteOrder(tx).alone(slug);
  const kept = await new Authorities(tx).lock(slug);
  if (!isAdministratorOf(by, slug)) throw new Forbidden(`only an administrator of ${slug} changes it`, slug);
  requireMatch(ifMatch, kept.version);
  return kept;
}

async function change(kept: Authority, stated: AuthorityDocument, { by, tx }: Writer): Promise<Authority> {
  if (stated.slug !== kept.slug) throw new ValidationFailed([readOnly('slug', 'a slug never changes')]);
  const reserved = PLATFORM_MEMBERS.filter(
    (member) => canonicalJson(stated[member] ?? null) !== canonicalJson(kept[member] ?? null),
  );
  if (reserved.length > 0 && !isPlatformAdministrator(by)) {
    throw new Forbidden(`only a platform administrator changes ${reserved.join(' and ')}`, kept.slug);
  }
  await judge(stated, tx);
  if (canonicalJson(stated) === canonicalJson(withoutMade({ ...kept }))) return kept;
  return new Authorities(tx).replace(stated, kept.version, { dialsAnew: dialled(stated) !== dialled(kept) });
}

/** What probers go by. */
const dialled = ({ network, probing, allowBasicPlaintext }: AuthorityDocument): string =>
  canonicalJson([network ?? null, probing ?? null, allowBasicPlaintext ?? false]);

async function judge(stated: AuthorityDocument, tx: EntityManager): Promise<void> {
  const faults = [...authorityFaults(stated), ...(await parentFaults(stated, tx))];
  if (faults.length > 0) throw new ValidationFailed(faults);
}

/** The authority above exists, is not below this one, and the tree stays flat. */
async function parentFaults({ slug, parent }: AuthorityDocument, tx: EntityManager): Promise<readonly Fault[]> {
  const fault = (detail: string): readonly Fault[] => [{ pointer: '/parent', code: 'reference', detail }];
  let above = parent;
  for (let depth = 1; above !== undefined; depth += 1) {
    if (above === slug) return fault('the authorities above would go round in a circle');
    if (depth > MAX_DEPTH) return fault(`an authority stands at most ${MAX_DEPTH} below the topmost`);
    const found: Authority | null = await new Authorities(tx).find(above);
    if (found === null) return fault(`no authority has the slug ${above}`);
    above = found.parent;
  }
  return [];
}

const readOnly = (member: string, detail: string): Fault => ({ pointer: `/${member}`, code: 'read_only', detail });

function refuseMade(body: unknown): void {
  const made = isPlainObject(body) ? MADE.filter((member) => Object.hasOwn(body, member)) : [];
  if (made.length > 0)
    throw new ValidationFailed(made.map((member) => readOnly(member, 'the server makes this member')));
}

const withoutMade = (body: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(body).filter(([member]) => !MADE.includes(member)));
