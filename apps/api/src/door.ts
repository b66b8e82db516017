import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  LogController,
} from 'fastify';
import { type ProblemCode, readJson } from '#catalog';
import { baseUrlOf } from './links.js';
import type { ApiParts } from './parts.js';
import { PROBLEM_TYPE, problemOf, requestIdOf } from './problems/problem.js';
import { requestSeconds } from './ops/request-seconds.js';
import { noteRoutes } from './routes.js';

/** Largest document, and largest file of an import, bytes. */
export const MAX_BODY_BYTES = 1_048_576;
export const MAX_IMPORT_BYTES = 32 * 1_048_576;
export const IMPORTS_PATH = '/v1/imports';

/** Addresses whose POST takes a file too large for memory: its body is a stream, for receive-upload.ts, which watches size and pace. */
export const UPLOAD_PATHS: readonly string[] = ['/v1/terrain', '/v1/buildings'];

/** Milliseconds in which all headers, and then the whole body, must have arrived (security.md DOS-1). */
const HEADERS_TIMEOUT_MS = 10_000;
const BODY_TIMEOUT_MS = 60_000;
/** How long the rest of a file is still taken after it was refused: a client reads our answer when it pauses in sending. */
const REST_TIMEOUT_MS = 5_000;

/** Types of bodies that are JSON documents. */
const JSON_TYPES = ['application/json', 'application/merge-patch+json', 'application/geo+json'];

/** The HTTP server with its limits, its body readers, and the headers that every answer carries. */
export function openDoor(parts: ApiParts): FastifyInstance {
  const { log, settings } = parts;
  const options: FastifyServerOptions = {
    loggerInstance: log,
    // One line a request is written below, with what matters.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: (request: IncomingMessage) => requestIdOf(request.headers, randomUUID),
    trustProxy: settings.trustProxy.length > 0 ? [...settings.trustProxy] : false,
    bodyLimit: MAX_BODY_BYTES,
    // One for the whole server would end long uploads; `limitBodies` does it request by request.
    requestTimeout: 0,
    keepAliveTimeout: 72_000,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, maxHeaderSize: 16_384, connectionsCheckingInterval: 2_000 },
    // A localId may be 128 characters of any script, each of up to twelve percent-encoded bytes.
    routerOptions: { maxParamLength: 1_600 },
    clientErrorHandler: refuseRaw,
    frameworkErrors: (_error, request: FastifyRequest, reply: FastifyReply) => {
      const { problem, headers } = problemOf('not_found', 'this address cannot be read', {
        requestId: request.id,
        baseUrl: baseUrlOf(request, settings),
      });
      void reply.code(404).headers(headers).header('content-type', PROBLEM_TYPE).send(JSON.stringify(problem));
    },
  } as FastifyServerOptions;
  const server = fastify(options) as unknown as FastifyInstance;
  noteRoutes(server);
  server.addHook('onRoute', (route) => {
    if (route.url === IMPORTS_PATH) route.bodyLimit = MAX_IMPORT_BYTES;
  });
  limitBodies(server);
  readBodies(server);
  dressAnswers(server);
  watchRequests(server, parts);
  return server;
}

const isUpload = ({ method, routeOptions }: FastifyRequest): boolean =>
  method === 'POST' && UPLOAD_PATHS.includes(routeOptions.url ?? '');

/** A body arrives within a minute. A file may take as long as it keeps its pace, but does not go on long after its answer. */
function limitBodies(server: FastifyInstance): void {
  server.addHook('onRequest', async (request, reply) => {
    const { headers, raw } = request;
    if (headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const endIn = (ms: number): void => {
      if (raw.complete) return;
      timer = setTimeout(() => server.server.emit('clientError', new BodyTimeout(), raw.socket), ms);
      raw.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
    };
    if (isUpload(request)) reply.raw.once('finish', () => endIn(REST_TIMEOUT_MS));
    else endIn(BODY_TIMEOUT_MS);
  });
}

/** As the server itself would say it. */
class BodyTimeout extends Error {
  readonly code = 'ERR_HTTP_REQUEST_TIMEOUT';
}

/** Under this name a body is passed on unread, whatever type it was sent with: readers are chosen by type alone. */
const UNREAD = 'application/vnd.sightline.unread';

/** JSON is read strictly; a file for an import is taken as bytes, whatever its type says. */
function readBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addHook('preParsing', async (request) => {
    if (isUpload(request)) request.raw.headers['content-type'] = UNREAD;
  });
  server.addContentTypeParser(UNREAD, (request, body, done) => done(null, isUpload(request) ? body : null));
  server.addContentTypeParser(JSON_TYPES, { parseAs: 'buffer' }, (request, body, done) => {
    try {
      // No bytes are no body, whatever the header says: many clients always send it.
      if (body.length === 0) done(null, undefined);
      else done(null, request.routeOptions.url === IMPORTS_PATH ? body : readJson(utf8(body as Buffer)));
    } catch (error) {
      done(error as Error);
    }
  });
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    if (request.routeOptions.url === IMPORTS_PATH) done(null, body);
    // Whoever wants a document refuses this by its media type (media-type.ts).
    else done(null, null);
  });
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function utf8(bytes: Buffer): string {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    // Reading it as JSON then says what is wrong.
    if (error instanceof TypeError) return '\uFFFD';
    throw error;
  }
}

/** Headers of every answer (security.md WEB-1, WEB-3). */
function dressAnswers(server: FastifyInstance): void {
  const exposed = [
    'ETag, Link, Location, Retry-After, Sightline-Status, Sightline-Captured-At, Sightline-Stale',
    'Idempotent-Replayed, X-Request-Id',
  ].join(', ');
  server.addHook('onRequest', async (request, reply) => {
    void reply.headers({
      'x-request-id': request.id,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      vary: 'Accept, Authorization, Cookie, Origin',
      'access-control-allow-origin': '*',
      'access-control-expose-headers': exposed,
    });
    if (request.protocol === 'https') void reply.header('strict-transport-security', 'max-age=31536000');
  });
  // Browsers ask before they send a key or a JSON body from another origin. No cookie is ever taken, so any may ask.
  server.addHook('onRequest', async (request, reply) => {
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return;
    await reply
      .code(204)
      .headers({
        'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
        'access-control-allow-headers':
          'Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, Last-Event-ID, Prefer, X-Request-Id',
        'access-control-max-age': '600',
      })
      .send();
  });
}

/** One line and one measurement a request. Neither names more than the route: addresses may carry search words. */
function watchRequests(server: FastifyInstance, { metrics }: ApiParts): void {
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

const OF_ERROR: Readonly<Record<string, ProblemCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

/** Answers what was no HTTP request: too long, too slow, or something else altogether. */
function refuseRaw(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const code = OF_ERROR[error.code ?? ''] ?? 'malformed_body';
  const { problem } = problemOf(code, 'this is no HTTP request that we take', { requestId: randomUUID(), baseUrl: '' });
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroySoon();
}
