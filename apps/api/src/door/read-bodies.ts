import type { FastifyInstance } from 'fastify';
import { readJson } from '#catalog';
import { IMPORTS_PATH, isUpload } from './bodies.js';

/** Types of bodies that are JSON documents. */
const JSON_TYPES = ['application/json', 'application/merge-patch+json', 'application/geo+json'];

/** Under this name a body is passed on unread, whatever type it was sent with: readers are chosen by type alone. */
const UNREAD = 'application/vnd.sightline.unread';

/** JSON is read strictly; a file for an import is taken as bytes, whatever its type says. */
export function readBodies(server: FastifyInstance): void {
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
