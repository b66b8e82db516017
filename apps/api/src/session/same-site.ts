import type { FastifyRequest } from 'fastify';
import { CsrfRejected } from '#catalog';
import { IMPORTS_PATH, UPLOAD_PATHS } from '../door/bodies.js';
import { baseUrlOf } from '../links.js';
import type { Reached } from './session-cookie.js';

/** Methods that change nothing. */
const SAFE: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];
/** Types of bodies that a form, or a script without leave, sends to any site. */
const OF_FORMS = ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain'];
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json$/;

export const SESSION_PATH = '/v1/session';

/** Addresses whose answer is of use to a browser whose session is over, and tells it so; all others turn it away. */
const FORGIVING: ReadonlySet<string> = new Set([
  '/',
  '/wall',
  SESSION_PATH,
  `${SESSION_PATH}/sign-in`,
  `${SESSION_PATH}/callback`,
  '/problems/:code',
  '/livez',
  '/readyz',
  '/metrics',
]);

export const forgivesLapsedSession = ({ routeOptions }: FastifyRequest): boolean =>
  FORGIVING.has(routeOptions.url ?? '');

/**
 * Browsers send the cookie of a session with whatever another site makes them send. So a request that changes something has to come from a page
 * of ours: `Sec-Fetch-Site` says so, or, from browsers that lack it, `Origin`; and its body is of a type that no form sends (security.md AUTHN-5).
 * @throws CsrfRejected
 */
export function requireSameSite(request: FastifyRequest, reached: Reached): void {
  // Signing in asks nothing of the cookie; what it demands is `requireOwnPage`.
  if (SAFE.includes(request.method) || isSigningIn(request)) return;
  const site = request.headers['sec-fetch-site'];
  const isOurs = site === undefined ? request.headers.origin === originOf(request, reached) : site === 'same-origin';
  if (!isOurs)
    throw new CsrfRejected('a session changes things from our own pages only; a program sends Authorization');
  if (!isTypeOfOurs(request)) {
    throw new CsrfRejected(
      'with a session a body is JSON, or a file where one is asked for, and says so in Content-Type',
    );
  }
}

/** For a sign-in: no page of another site signs its visitor in as somebody else. @throws CsrfRejected */
export function requireOwnPage(request: FastifyRequest, reached: Reached): void {
  const { 'sec-fetch-site': site, origin } = request.headers;
  const isForeign =
    site === undefined ? origin !== undefined && origin !== originOf(request, reached) : site !== 'same-origin';
  if (isForeign) throw new CsrfRejected('sign in from our own pages, or from a program');
}

const isSigningIn = ({ method, routeOptions }: FastifyRequest): boolean =>
  method === 'POST' && routeOptions.url === SESSION_PATH;

const originOf = (request: FastifyRequest, reached: Reached): string => new URL(baseUrlOf(request, reached)).origin;

function isTypeOfOurs({ headers, routeOptions }: FastifyRequest): boolean {
  const type = (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (type === '') return !hasBody;
  const takesFiles = [IMPORTS_PATH, ...UPLOAD_PATHS].includes(routeOptions.url ?? '');
  return takesFiles ? !OF_FORMS.includes(type) : JSON_TYPE.test(type);
}
