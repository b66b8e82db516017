import { request } from 'node:http';
import type { Socket } from 'node:net';
import { type DialPolicy, isRefusal, parseTarget } from './address-policy.js';
import type { Resolve } from './allowed-addresses.js';
import { type DialLimits, isDialFailure, safeDial } from './safe-dial.js';

/** A message to somebody else's server. */
export interface Post {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface PostOptions {
  readonly policy: DialPolicy;
  /** Longest wait for the head of the answer, dialling included, milliseconds. */
  readonly wholeMs: number;
  readonly resolve?: Resolve;
  readonly signal: AbortSignal;
}

/** What came of it. Nothing of the answer but its status is kept: a door to other networks must not become a window. */
export type Posted =
  | { readonly status: number }
  /** `given_up`: the signal fired, which says nothing of the receiver. */
  | { readonly problem: 'timeout' | 'unreachable' | 'target_not_allowed' | 'given_up' };

const LIMITS: DialLimits = { dnsMs: 2_000, connectMs: 3_000, tlsMs: 5_000 };
/** Of an answer's body so much is read, and no longer, before the connection is broken off: milliseconds. */
const MAX_BODY_BYTES = 65_536;
const BODY_MS = 1_000;

/**
 * Posts a message by way of `safeDial` (security.md SSRF-1, SSRF-12): certificates are verified, redirects are not followed, nothing of the
 * environment counts. Never throws for what the other side does.
 */
export async function post(message: Post, { policy, wholeMs, resolve, signal }: PostOptions): Promise<Posted> {
  const target = parseTarget(message.url);
  if (isRefusal(target) || !['http', 'https'].includes(target.scheme)) return { problem: 'target_not_allowed' };
  const deadline = AbortSignal.timeout(wholeMs);
  const ended = AbortSignal.any([signal, deadline]);
  const late = (): Posted => ({ problem: signal.aborted ? 'given_up' : 'timeout' });
  const dialled = await safeDial(target, policy, {
    limits: LIMITS,
    tls: { mode: 'strict' },
    ...(resolve === undefined ? {} : { resolve }),
    now: () => performance.now(),
    signal: ended,
  });
  if (isDialFailure(dialled)) {
    if (ended.aborted) return late();
    return { problem: dialled.outcome === 'target_not_allowed' ? 'target_not_allowed' : 'unreachable' };
  }
  const status = await exchange(dialled.socket, target, message, ended);
  if (status !== null) return { status };
  return ended.aborted ? late() : { problem: 'unreachable' };
}

/** The status of the answer; null where none came. */
function exchange(
  socket: Socket,
  {
    host,
    port,
    path,
    scheme,
  }: { readonly host: string; readonly port: number; readonly path: string; readonly scheme: string },
  { headers, body }: Post,
  signal: AbortSignal,
): Promise<number | null> {
  return new Promise((resolve) => {
    const name = host.includes(':') ? `[${host}]` : host;
    const isUsual = port === (scheme === 'https' ? 443 : 80);
    const sent = request({
      // The connection is there already: nothing is dialled by these.
      createConnection: () => socket,
      method: 'POST',
      path,
      headers: {
        host: isUsual ? name : `${name}:${port}`,
        ...headers,
        'content-length': Buffer.byteLength(body),
        connection: 'close',
      },
      signal,
    });
    sent.once('response', (answer) => {
      resolve(answer.statusCode ?? null);
      const leave = setTimeout(() => socket.destroy(), BODY_MS).unref();
      let bytes = 0;
      answer
        .on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > MAX_BODY_BYTES) socket.destroy();
        })
        .on('error', () => undefined)
        .once('close', () => {
          clearTimeout(leave);
          socket.destroy();
        });
    });
    // After the answer's head this says no more than that the connection ended.
    sent.on('error', () => {
      socket.destroy();
      resolve(null);
    });
    sent.once('close', () => resolve(null));
    sent.end(body);
    socket.resume();
  });
}
