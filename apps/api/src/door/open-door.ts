import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  LogController,
} from 'fastify';
import { baseUrlOf } from '../links.js';
import type { ApiParts } from '../parts.js';
import { PROBLEM_TYPE, problemOf, requestIdOf } from '../problems/problem.js';
import { noteRoutes } from '../routes.js';
import { IMPORTS_PATH, MAX_BODY_BYTES, MAX_IMPORT_BYTES } from './bodies.js';
import { limitBodies } from './body-time.js';
import { limitConnections } from './connections.js';
import { answerPreflights } from './cors.js';
import { limitAnswers } from './deadlines.js';
import { dressAnswers } from './dress-answers.js';
import { readBodies } from './read-bodies.js';
import { refuseRaw } from './refuse-raw.js';
import { refuseOverload } from './refuse-overload.js';
import { watchRequests } from './watch-requests.js';

/** Milliseconds in which all headers must have arrived (security.md DOS-1). */
const HEADERS_TIMEOUT_MS = 10_000;
/** Milliseconds that a connection may wait for its next request. */
const KEEP_ALIVE_MS = 72_000;
const MAX_HEADER_BYTES = 16_384;

/** The HTTP server with its limits, its body readers, and the headers that every answer carries. */
export function openDoor(parts: ApiParts): FastifyInstance {
  const { log, settings } = parts;
  const options: FastifyServerOptions = {
    loggerInstance: log,
    // One line a request is written by `watchRequests`, with what matters.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: (request: IncomingMessage) => requestIdOf(request.headers, randomUUID),
    trustProxy: settings.trustProxy.length > 0 ? [...settings.trustProxy] : false,
    bodyLimit: MAX_BODY_BYTES,
    // One for the whole server would end long uploads; `limitBodies` does it request by request.
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      connectionsCheckingInterval: 2_000,
    },
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
  limitConnections(server, settings);
  dressAnswers(server, settings);
  answerPreflights(server, settings);
  refuseOverload(server, parts);
  limitBodies(server);
  readBodies(server);
  limitAnswers(server);
  watchRequests(server, parts);
  return server;
}
