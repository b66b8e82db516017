import type { FastifyInstance } from 'fastify';
import type { Settings } from '#settings';
import { corsHeaders } from './cors.js';

/** Nothing may be built of an answer that is no page (security.md WEB-3). */
const API_CSP = "default-src 'none'; frame-ancestors 'none'";

/** Headers of every answer (security.md WEB-1, WEB-3). What differs, such as the policy of a page, is set over them later. */
export function dressAnswers(server: FastifyInstance, settings: Settings): void {
  const isPublishedSecurely = settings.publicUrl?.startsWith('https:') === true;
  server.addHook('onRequest', async (request, reply) => {
    void reply.headers({
      'x-request-id': request.id,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'content-security-policy': API_CSP,
      vary: 'Accept, Authorization, Cookie, Origin',
      ...corsHeaders(request, settings.corsOrigins),
    });
    if (isPublishedSecurely || request.protocol === 'https') {
      void reply.header('strict-transport-security', 'max-age=31536000');
    }
  });
}
