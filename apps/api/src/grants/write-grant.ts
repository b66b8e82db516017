import type { EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { mayIn, type Principal, reachOf, requireScopeIn } from '#access';
import {
  Forbidden,
  type Grant,
  GrantDocument,
  granteeFaults,
  NotFound,
  type Scope,
  targetFaults,
  untilFaults,
  ValidationFailed,
} from '#catalog';
import { Grants, type GrantsWithin } from '#storage';
import { checked } from '../checked.js';
import { refuseMade } from '../refuse-made.js';
import { ownerOf, requireGrantee } from './access-target.js';

/** One write of one caller, inside the transaction that it belongs to. */
export interface GrantWrite {
  readonly tx: EntityManager;
  readonly by: Principal;
  /** Unix time, milliseconds. */
  readonly now: number;
}

/** Members of a grant that the server makes. */
const MADE = ['id', 'owner', 'state', 'createdBy', 'createdAt', 'endedAt', 'endedBy'] as const;

/** What it takes to let others read: to be one who does (decision 0019), and nobody gives what he has not himself. */
const GIVES: readonly Scope[] = ['keys:write', 'cameras:read', 'frames:read'];

/** @throws Forbidden where the caller may not let others see the cameras of this authority */
export function requireMayGive(by: Principal, owner: string): void {
  for (const scope of GIVES) requireScopeIn(by, scope, owner);
}

/** Grants of both sides, to whoever reads cameras there. */
export const grantsWithin = (by: Principal): GrantsWithin => {
  const reads = reachOf(by, 'cameras:read');
  return { given: reads, received: reads };
};

/** Lets another authority see a camera, or all of an authority. */
export async function makeGrant(body: unknown, { tx, by, now }: GrantWrite): Promise<Grant> {
  refuseMade(body, MADE);
  const stated = checked(GrantDocument, body);
  const faults = [...targetFaults(stated), ...untilFaults(stated.until, now)];
  if (faults.length > 0) throw new ValidationFailed(faults);
  const owner = await ownerOf(stated, by, tx);
  requireMayGive(by, owner);
  const { camera = null, grantee, until, reason } = stated;
  await requireGrantee(grantee, granteeFaults(grantee, owner), tx);
  return new Grants(tx).add({ id: uuidv7({ msecs: now }), owner, camera, grantee, until, reason, createdBy: by.id });
}

/** Ends a grant at once. @throws NotFound, and Forbidden for those who may only read it */
export async function endGrant(id: string, { tx, by }: Omit<GrantWrite, 'now'>): Promise<void> {
  const grants = new Grants(tx);
  const grant = await grants.find(id, { given: reachOf(by, 'keys:write'), received: reachOf(by, 'cameras:read') });
  if (grant === null) throw new NotFound(`no grant has the id ${id}`);
  if (!mayIn(by, 'keys:write', grant.owner)) {
    throw new Forbidden(`only an administrator of ${grant.owner} ends this grant`, grant.owner);
  }
  await grants.end(id, by.id);
}
