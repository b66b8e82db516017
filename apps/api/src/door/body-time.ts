import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isImport, isUpload, LEAST_BYTES_PER_S } from './bodies.js';

/** Milliseconds in which a document must have arrived whole, and the file of an import. */
const DOCUMENT_MS = 15_000;
const IMPORT_MS = 600_000;
/** In each span of so many milliseconds the file of an import must come on by its least pace. */
const PACE_MS = 10_000;
/** How long the rest of a body is still taken after it was answered: a client reads our answer when it pauses in sending. */
const REST_MS = 5_000;

/** As the server itself would say it. */
class BodyTimeout extends Error {
  readonly code = 'ERR_HTTP_REQUEST_TIMEOUT';
}

/**
 * Bodies arrive in time, or their connection ends with a 408 (security.md DOS-1): a document in 15 seconds, a file as long as it keeps
 * its pace. Nothing goes on long after its answer.
 */
export function limitBodies(server: FastifyInstance): void {
  server.addHook('onRequest', async (request, reply) => {
    const { headers, raw } = request;
    if (headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0) return;
    const refuse = (): void => {
      if (!reply.raw.headersSent) server.server.emit('clientError', new BodyTimeout(), raw.socket);
    };
    const timers = new Set<NodeJS.Timeout>();
    const stop = (): void => timers.forEach((timer) => clearTimeout(timer));
    raw.once('end', stop).once('close', stop);
    reply.raw.once('finish', () => {
      stop();
      if (!raw.complete) timers.add(setTimeout(() => raw.socket.destroy(), REST_MS));
    });
    // The pace of these is watched by whoever takes them (receive-upload.ts).
    if (isUpload(request)) return;
    timers.add(setTimeout(refuse, isImport(request) ? IMPORT_MS : DOCUMENT_MS));
    if (isImport(request)) timers.add(watchPace(request, refuse));
  });
}

function watchPace({ raw }: FastifyRequest, refuse: () => void): NodeJS.Timeout {
  let before = raw.socket.bytesRead;
  return setInterval(() => {
    const now = raw.socket.bytesRead;
    if (now - before < (LEAST_BYTES_PER_S * PACE_MS) / 1_000) refuse();
    before = now;
  }, PACE_MS);
}
