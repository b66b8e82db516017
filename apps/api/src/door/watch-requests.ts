import type { FastifyInstance } from 'fastify';
import { requestSeconds } from '../ops/request-seconds.js';
import type { ApiParts } from '../parts.js';

/** One line and one measurement a request. Neither names more than the route: addresses may carry search words. */
export function watchRequests(server: FastifyInstance, { metrics }: Pick<ApiParts, 'metrics'>): void {
  const seconds = requestSeconds(metrics);
  server.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    seconds.observe({ method: request.method, route, status: String(reply.statusCode) }, reply.elapsedTime / 1_000);
    const level = reply.statusCode >= 500 ? 'warn' : 'debug';
    request.log[level](
      {
        method: request.method,
        route,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        principal: (request as { principal?: { id: string } }).principal?.id,
      },
      'request',
    );
  });
}
