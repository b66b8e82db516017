import { parseCookie, stringifySetCookie } from 'cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isPrivateTransport } from '#catalog';
import type { Settings } from '#settings';
import { baseUrlOf } from '../links.js';

/** What browsers reach us by. */
export type Reached = Pick<Settings, 'publicUrl' | 'host' | 'port'>;

/** A cookie of ours; how its name is written depends on how browsers reach us. */
interface Cookie {
  readonly name: string;
  readonly lastsS: number;
}

const SESSION: Cookie = { name: 'sightline', lastsS: 43_200 };
/** What a sign-in that is under way has to remember, in the browser in which it began. */
const SIGN_IN: Cookie = { name: 'sightline-sign-in', lastsS: 600 };

/**
 * Over https a cookie is `__Host-` and Secure, so that no neighbour under the same domain plants one; over http there is none but on loopback,
 * where nothing listens in between (security.md AUTHN-5).
 */
function modeOf(request: FastifyRequest, reached: Reached): 'https' | 'loopback' | null {
  if (new URL(baseUrlOf(request, reached)).protocol === 'https:') return 'https';
  // By the name that the browser used: what comes in over loopback may come from a proxy that nobody told us of.
  const used = `http://${request.host ?? ''}`;
  return URL.canParse(used) && isPrivateTransport(new URL(used)) ? 'loopback' : null;
}

/** Whether a browser that reaches us like this keeps a session at all. */
export const keepsSessions = (request: FastifyRequest, reached: Reached): boolean => modeOf(request, reached) !== null;

/** The token of a session that a request shows; null for none. */
export const sessionIn = (request: FastifyRequest, reached: Reached): string | null => read(SESSION, request, reached);

export const giveSession = (token: string, request: FastifyRequest, reply: FastifyReply, reached: Reached): void =>
  write(SESSION, token, { request, reply, reached });

export const clearSession = (request: FastifyRequest, reply: FastifyReply, reached: Reached): void =>
  write(SESSION, null, { request, reply, reached });

export const signInOf = (request: FastifyRequest, reached: Reached): string | null => read(SIGN_IN, request, reached);

export const giveSignIn = (text: string, request: FastifyRequest, reply: FastifyReply, reached: Reached): void =>
  write(SIGN_IN, text, { request, reply, reached });

export const clearSignIn = (request: FastifyRequest, reply: FastifyReply, reached: Reached): void =>
  write(SIGN_IN, null, { request, reply, reached });

const nameOf = ({ name }: Cookie, mode: 'https' | 'loopback'): string => (mode === 'https' ? `__Host-${name}` : name);

function read(cookie: Cookie, request: FastifyRequest, reached: Reached): string | null {
  const { cookie: header } = request.headers;
  const mode = header === undefined ? null : modeOf(request, reached);
  if (header === undefined || mode === null) return null;
  return parseCookie(header)[nameOf(cookie, mode)] ?? null;
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly reached: Reached;
}

/** @param value null takes the cookie back */
function write(cookie: Cookie, value: string | null, { request, reply, reached }: Exchange): void {
  const mode = modeOf(request, reached);
  if (mode === null) return;
  const text = stringifySetCookie({
    name: nameOf(cookie, mode),
    value: value ?? '',
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure: mode === 'https',
    maxAge: value === null ? 0 : cookie.lastsS,
  });
  // Several are several headers: Fastify adds them up.
  void reply.header('set-cookie', text);
}
