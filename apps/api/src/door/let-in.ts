import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Principal, requireScope } from '#access';
import { Unauthenticated } from '#catalog';
import type { Callers } from '../keys/callers.js';
import type { ApiParts } from '../parts.js';
import type { Budget } from './budgets.js';
import { Limits } from './limits.js';
import { type DoorConfig, type Permission, statedBudget } from './route-config.js';
import type { SignInAttempts } from './sign-in-attempts.js';
import { TokenBuckets } from './token-buckets.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; set at the door of every operation, before its body is read. */
    principal: Principal;
  }
}

/**
 * Tells who asks, counts the request and asks whether he may, all before a byte of the body is read: a caller without rights or
 * beyond his budget costs us nothing but his head (security.md RATE-1, AUTHZ-6).
 */
export function letIn(
  server: FastifyInstance,
  { callers, attempts }: { readonly callers: Callers; readonly attempts: SignInAttempts },
  { settings, log }: ApiParts,
): void {
  const limits = new Limits(new TokenBuckets(() => performance.now()));
  if (!settings.rateLimits) log.warn('SIGHTLINE_RATE_LIMITS is off: one caller may take all that this process has');

  const identify = (request: FastifyRequest, reply: FastifyReply): Promise<Principal> => {
    const find = async (): Promise<Principal> => {
      request.caller = await callers.identify(request, reply);
      return request.caller.principal;
    };
    const credentials = request.headers.authorization ?? '';
    return credentials === '' ? find() : attempts.of(request, reply, credentials, find);
  };

  server.addHook('onRequest', async (request, reply) => {
    const { door } = request.routeOptions.config;
    if (door === undefined) return;
    // A wrong key is refused on public addresses too: the caller believes he is somebody.
    request.principal = await identify(request, reply);
    const budget = budgetOf(door, request);
    if (budget !== null && settings.rateLimits) limits.charge(budget, request, reply);
    requirePermission(request.principal, door.permission);
  });

  server.addHook('onSend', async (request, reply) => {
    const { door } = request.routeOptions.config;
    if (reply.statusCode !== 304 || door === undefined || !settings.rateLimits) return;
    const budget = budgetOf(door, request);
    if (budget !== null) limits.refund(budget, request, reply);
  });
}

function budgetOf(door: DoorConfig, { method, query }: FastifyRequest): Budget | null {
  const isSpatial = door.spatialSelectors.some((name) => Object.hasOwn(query as object, name));
  return isSpatial ? 'spatial' : statedBudget(door, method);
}

/** @throws Unauthenticated for a caller without credentials, Forbidden for one without the scope */
export function requirePermission(principal: Principal, permission: Permission): void {
  if (permission === 'public') return;
  if (principal.isAnonymous) {
    throw new Unauthenticated(
      `this needs credentials with the scope ${permission}, such as Authorization: Bearer slk_…`,
    );
  }
  requireScope(principal, permission);
}
