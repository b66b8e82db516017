import type { FastifyRequest } from 'fastify';

/** Largest document, and largest file of an import, bytes. */
export const MAX_BODY_BYTES = 1_048_576;
export const MAX_IMPORT_BYTES = 32 * 1_048_576;
export const IMPORTS_PATH = '/v1/imports';

/** Addresses whose POST takes a file too large for memory: its body is a stream, for receive-upload.ts, which watches size and pace. */
export const UPLOAD_PATHS: readonly string[] = ['/v1/terrain', '/v1/buildings'];

/** Slowest pace at which a file may come, bytes a second (security.md DOS-1). */
export const LEAST_BYTES_PER_S = 32 * 1_024;

type Routed = Pick<FastifyRequest, 'method' | 'routeOptions'>;

export const isUpload = ({ method, routeOptions }: Routed): boolean =>
  method === 'POST' && UPLOAD_PATHS.includes(routeOptions.url ?? '');

export const isImport = ({ method, routeOptions }: Routed): boolean =>
  method === 'POST' && routeOptions.url === IMPORTS_PATH;
