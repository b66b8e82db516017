import type { FastifyReply, FastifyRequest } from 'fastify';
import { ANONYMOUS, type Principal } from '#access';
import { bodyTagOf, isCurrent } from './conditional.js';
import { contentTypeOf, type Form } from './negotiate.js';

/** What shared caches may do: five seconds for what everybody may read, nothing for anything under a key, a token or a cookie (PRIV-5). */
export const cacheControlOf = (principal: Principal): string =>
  principal === ANONYMOUS ? 'public, max-age=5' : 'no-store';

interface Representation {
  readonly body: string | Buffer;
  readonly contentType: string;
  readonly etag: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Where it differs from that of the caller's other answers. */
  readonly cacheControl?: string;
}

/** Answers a GET or HEAD with one document that has no version of its own, as JSON or GeoJSON. */
export function sendDocument(
  request: FastifyRequest,
  reply: FastifyReply,
  document: object,
  { form = 'json', headers = {} }: { readonly form?: Form; readonly headers?: Readonly<Record<string, string>> } = {},
): FastifyReply {
  const body = JSON.stringify(document);
  return sendRepresentation(request, reply, { body, contentType: contentTypeOf(form), etag: bodyTagOf(body), headers });
}

/** Answers a request that did something, with what came of it: never kept by anybody. */
export function sendResult(reply: FastifyReply, status: number, result: object): FastifyReply {
  return reply
    .code(status)
    .headers({ 'content-type': contentTypeOf('json'), 'cache-control': 'no-store' })
    .send(JSON.stringify(result));
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
