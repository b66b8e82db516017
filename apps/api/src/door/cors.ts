import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Settings } from '#settings';

/** What a page may read of an answer besides its body (security.md WEB-1). */
const EXPOSED = [
  'ETag, Link, Location, Retry-After, RateLimit, RateLimit-Policy, Deprecation, Sunset, Content-Crs',
  'Sightline-Status, Sightline-Captured-At, Sightline-Stale, Sightline-Height-Reference',
  'Idempotent-Replayed, X-Request-Id',
].join(', ');

/** What any page may ask for, and what those of the allow-list may. */
const OF_ANYBODY = {
  methods: 'GET, HEAD',
  headers: 'Accept, If-None-Match, If-Modified-Since, Last-Event-ID, X-Request-Id',
};
const OF_LISTED = {
  methods: 'GET, HEAD, POST, PUT, PATCH, DELETE',
  headers:
    'Accept, Authorization, Content-Type, If-Match, If-None-Match, If-Modified-Since, Idempotency-Key, Last-Event-ID, Prefer, X-Request-Id',
};

/** Seconds that a browser remembers what it was allowed. */
const REMEMBERED_S = 600;

type Asked = Pick<FastifyRequest, 'method' | 'headers'>;

/**
 * Which pages may read an answer. What everybody reads, every page may read, without credentials. With a key, and of what is no
 * reading, only pages of the allow-list (`SIGHTLINE_CORS_ORIGINS`): else any page could try keys or use one that it got hold of from
 * within somebody's browser. Credentials that a browser adds by itself are never allowed across origins.
 */
export function corsHeaders(request: Asked, allowed: readonly string[]): Record<string, string> {
  const { origin } = request.headers;
  if (origin !== undefined && allowed.includes(origin)) return exposing(origin);
  return isReadOfAnybody(request) ? exposing('*') : {};
}

const exposing = (origin: string): Record<string, string> => ({
  'access-control-allow-origin': origin,
  'access-control-expose-headers': EXPOSED,
});

const isReadOfAnybody = ({ method, headers }: Asked): boolean =>
  ['GET', 'HEAD'].includes(method) && headers.authorization === undefined && headers.cookie === undefined;

/** Answers what browsers ask before they send more than a plain read from another origin. */
export function answerPreflights(server: FastifyInstance, { corsOrigins }: Pick<Settings, 'corsOrigins'>): void {
  server.addHook('onRequest', async (request, reply) => {
    const { origin, 'access-control-request-method': wanted } = request.headers;
    if (request.method !== 'OPTIONS' || wanted === undefined) return;
    const isListed = origin !== undefined && corsOrigins.includes(origin);
    const { methods, headers } = isListed ? OF_LISTED : OF_ANYBODY;
    await reply
      .code(204)
      .headers({
        'access-control-allow-origin': isListed ? origin : '*',
        'access-control-allow-methods': methods,
        'access-control-allow-headers': headers,
        'access-control-max-age': String(REMEMBERED_S),
      })
      .send();
  });
}
