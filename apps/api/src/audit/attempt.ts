import type { FastifyRequest } from 'fastify';
import { actingAs, ANONYMOUS, type Principal } from '#access';
import { isPlainObject, SLUG, UUID } from '#catalog';
import type { AuditNote, NamedTarget } from '#storage';
import type { Refused } from './refusal-tally.js';

/** Somebody who tried what he may not do, by what his request says. */
export interface Attempt {
  readonly by: Principal;
  /** As it stands in the chain of his own authority; null where nothing was forbidden and something only was not found. */
  readonly own: Refused | null;
  readonly actor: Refused['actor'];
  readonly operation: string;
  readonly reason: string;
  readonly named: NamedTarget | null;
}

/** Operations that name a camera in their body. */
const NAMED_IN_BODIES: readonly string[] = ['POST /v1/grants', 'POST /v1/access-requests'];

/**
 * What a request that was answered 403 or 404 tried. Whether that which was not found is there at all, only the database knows.
 * @returns null for what is no attempt
 */
export function attemptIn(request: FastifyRequest): Attempt | null {
  const { problem, id: requestId, ip: address, method, routeOptions } = request;
  const principal = (request as { readonly principal?: Principal }).principal ?? ANONYMOUS;
  const operation = `${method} ${routeOptions.url ?? ''}`;
  const isForbidden = problem?.status === 403 && !principal.isAnonymous;
  const named = namedIn(request, operation);
  if (problem === undefined || !(isForbidden || (problem.code === 'not_found' && named !== null))) return null;
  const actor = actingAs(principal, { requestId, address });
  const reason = isForbidden ? `${problem.code}: ${problem.detail}` : 'not_found: the caller may not know it';
  const note: AuditNote = {
    action: 'access.refused',
    authority: homeOf(principal),
    subject: { kind: 'operation', id: operation },
    result: 'refused',
    reason,
  };
  return { by: principal, own: isForbidden ? { actor, note } : null, actor, operation, reason, named };
}

/** The authority whose admin is to know of it: the one in which the principal has all his rights. */
function homeOf({ everywhere, within }: Principal): string | null {
  const [slug, ...others] = within.keys();
  return everywhere.size === 0 && others.length === 0 ? (slug ?? null) : null;
}

function namedIn({ params, body, routeOptions, forbiddenIn }: FastifyRequest, operation: string): NamedTarget | null {
  const { id, slug, localId } = params as Readonly<Record<string, string | undefined>>;
  const inBody = NAMED_IN_BODIES.includes(operation) && isPlainObject(body) ? body.camera : undefined;
  const camera = (routeOptions.url ?? '').startsWith('/v1/cameras/') ? id : inBody;
  const named = {
    cameraId: typeof camera === 'string' && UUID.test(camera) ? camera : null,
    authority: slug !== undefined && SLUG.test(slug) ? slug : null,
    // PostgreSQL knows no text with a NUL.
    localId: localId === undefined || localId.includes('\0') ? null : localId,
    place: forbiddenIn !== undefined && forbiddenIn !== null && SLUG.test(forbiddenIn) ? forbiddenIn : null,
  };
  return named.cameraId === null && named.authority === null && named.place === null ? null : named;
}
