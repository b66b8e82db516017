import { v7 as uuidv7 } from 'uuid';
import { mayIn, type Principal, reachOf, requireScopeIn } from '#access';
import {
  AccessDecisionDocument,
  type AccessRequest,
  AccessRequestDocument,
  Forbidden,
  granteeFaults,
  NotFound,
  targetFaults,
  untilFaults,
  ValidationFailed,
} from '#catalog';
import { AccessRequests, Grants, type RequestsWithin } from '#storage';
import { checked } from '../checked.js';
import { ownerOf, requireGrantee } from '../grants/access-target.js';
import { type GrantWrite, requireMayGive } from '../grants/write-grant.js';
import { refuseMade } from '../refuse-made.js';

/** Members of a request that the server makes. */
const MADE = ['id', 'owner', 'state', 'createdBy', 'createdAt', 'decidedAt', 'decidedBy', 'answer', 'grant'] as const;

/** Requests of whoever reads cameras in the authority that asks, and of whoever decides in the one that is asked. */
export const requestsWithin = (by: Principal): RequestsWithin => ({
  asked: reachOf(by, 'keys:write'),
  asking: reachOf(by, 'cameras:read'),
});

/** Asks for access. @throws AlreadyRegistered while the same is asked for */
export async function requestAccess(body: unknown, { tx, by, now }: GrantWrite): Promise<AccessRequest> {
  refuseMade(body, MADE);
  const stated = checked(AccessRequestDocument, body);
  const grantee = stated.grantee ?? onlyReach(by);
  const faults = [...targetFaults(stated), ...untilFaults(stated.until, now)];
  if (grantee === null) {
    const detail = 'you read cameras in several authorities: name the one for which you ask';
    faults.push({ pointer: '/grantee', code: 'required', detail });
  }
  if (grantee === null || faults.length > 0) throw new ValidationFailed(faults);
  const owner = await ownerOf(stated, by, tx);
  requireScopeIn(by, 'cameras:read', grantee);
  await requireGrantee(grantee, granteeFaults(grantee, owner), tx);
  const { camera = null, purpose, until, reason } = stated;
  const id = uuidv7({ msecs: now });
  return new AccessRequests(tx).add({ id, owner, camera, grantee, purpose, until, reason, createdBy: by.id });
}

/** The one authority in which the caller reads cameras; null where it is not one. */
function onlyReach(by: Principal): string | null {
  const reads = reachOf(by, 'cameras:read');
  return reads !== 'all' && reads.length === 1 ? (reads[0] ?? null) : null;
}

/** Grants or refuses. Of two who decide at once one does, and nothing of the other stays. @throws AlreadyDecided */
export async function decideRequest(id: string, body: unknown, { tx, by, now }: GrantWrite): Promise<AccessRequest> {
  const { decision, until: other, reason = null } = checked(AccessDecisionDocument, body);
  const requests = new AccessRequests(tx);
  const { owner, camera = null, grantee = '', ...asked } = await requestOf(id, by, requests);
  requireScopeIn(by, 'keys:write', owner);
  if (decision === 'refused') {
    if (other !== undefined) {
      const detail = 'what is refused has no end: leave until out';
      throw new ValidationFailed([{ pointer: '/until', code: 'conflict', detail }]);
    }
    return requests.settle(id, { state: 'refused', by: by.id, answer: reason, grant: null });
  }
  requireMayGive(by, owner);
  const until = other ?? asked.until;
  const faults = asked.state === 'pending' ? untilFaults(until, now) : [];
  if (faults.length > 0) throw new ValidationFailed(faults);
  const grant = {
    id: uuidv7({ msecs: now }),
    owner,
    camera,
    grantee,
    until,
    reason: reason ?? asked.reason,
    createdBy: by.id,
  };
  await new Grants(tx).add(grant);
  return requests.settle(id, { state: 'granted', by: by.id, answer: reason, grant: grant.id });
}

/** Takes a request back: who made it may, and who administers the authority for which it was made. @throws AlreadyDecided */
export async function withdrawRequest(id: string, { tx, by }: Omit<GrantWrite, 'now'>): Promise<void> {
  const requests = new AccessRequests(tx);
  const { createdBy, grantee = '', state } = await requestOf(id, by, requests);
  if (createdBy !== by.id && !mayIn(by, 'keys:write', grantee)) {
    throw new Forbidden(`only who asked, or an administrator of ${grantee}, withdraws this request`, grantee);
  }
  if (state === 'withdrawn') return;
  await requests.settle(id, { state: 'withdrawn', by: by.id, answer: null, grant: null });
}

async function requestOf(id: string, by: Principal, requests: AccessRequests): Promise<AccessRequest> {
  const request = await requests.find(id, requestsWithin(by));
  if (request === null) throw new NotFound(`no request for access has the id ${id}`);
  return request;
}
