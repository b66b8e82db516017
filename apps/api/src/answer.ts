import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '#access';
import { isCurrent } from './conditional.js';

/** What shared caches may do: five seconds for what everybody may read, nothing for anything under a key (PRIV-5). */
export const cacheControlOf = (principal: Principal): string =>
  principal.isAnonymous ? 'public, max-age=5' : 'no-store';

interface Representation {
  readonly body: string | Buffer;
  readonly contentType: string;
  readonly etag: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Where it differs from that of the caller's other answers. */
  readonly cacheControl?: string;
}

/** Answers a GET or HEAD: 304 where the client's copy is current, else the representation. */
export function sendRepresentation(request: FastifyRequest, reply: FastifyReply, shown: Representation): FastifyReply {
  void reply.headers({
    ...shown.headers,
    etag: shown.etag,
    'cache-control': shown.cacheControl ?? cacheControlOf(request.principal),
  });
  if (isCurrent(request.headers['if-none-match'], shown.etag)) return reply.code(304).send();
  return reply.code(200).header('content-type', shown.contentType).send(shown.body);
}
