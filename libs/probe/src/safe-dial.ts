import { constants, createHash } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { Outcome, TlsMode } from '#catalog';
import { type DialPolicy, isSameAddress, type Target } from './address-policy.js';
import { allowedAddresses, type Resolve } from './allowed-addresses.js';
import {
  ABORTED,
  codeOf,
  connectFailure,
  type Failure,
  mostTelling,
  REBOUND,
  TIMEOUT,
  tlsProblem,
} from './dial-failure.js';
import type { Ending } from './end-signal.js';
import type { Kept } from './kept-connections.js';
import { waitFor } from './wait-for.js';

/** Longest steps of a dialling, milliseconds. */
export interface DialLimits {
  readonly dnsMs: number;
  /** All addresses of a name together. */
  readonly connectMs: number;
  readonly tlsMs: number;
}

/** How the device's certificate is judged. */
export interface DialTls {
  readonly mode: TlsMode;
  /** SHA-256 of the public key (SPKI), base64, seen at the first success; `pinned` and `legacy` accept no other. */
  readonly pin?: string;
}

export interface DialOptions {
  readonly limits: DialLimits;
  /** Absent: `strict` for names, `pinned` for addresses. */
  readonly tls?: DialTls;
  /** Absent: the system's own resolver, hosts file included. */
  readonly resolve?: Resolve;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly signal: Ending;
  /** A connection from before, which is taken where it leads to an address that is allowed now, and else closed. */
  readonly kept?: Kept;
}

interface Steps {
  /** null for a literal address, and where no answer came. */
  readonly dnsMs: number | null;
  /** null where no connection was made. */
  readonly connectMs: number | null;
}

/** A connection, paused: nothing is lost before somebody reads. */
export interface Dialled extends Steps {
  readonly socket: Socket;
  /** Numeric address at the other end. */
  readonly address: string;
  /** null without TLS, and where it stood already. */
  readonly tlsMs: number | null;
  /** SHA-256 of the public key seen, base64. */
  readonly pin?: string;
}

/** No connection, as an outcome and in words. */
export interface DialFailure extends Steps, Failure {
  readonly address?: string;
  /** The key is another than the one pinned. */
  readonly certificateChanged?: boolean;
}

/** Tells a failure from a connection. */
export const isDialFailure = (dialled: Dialled | DialFailure): dialled is DialFailure => 'outcome' in dialled;

/** Addresses of one name that are tried: a longer answer would let its author have us dial hundreds of hosts in one probe. */
const MAX_TRIED = 4;

/**
 * The one door to cameras (security.md SSRF-1, SSRF-4): resolves once, judges every address, connects to the number that was judged
 * and looks again who answers. No packet leaves for a target that is refused, for a literal no DNS query either. Never throws for what
 * a device, a name server or the signal does; an ended signal is `prober_internal`, and then no socket is left.
 */
export async function safeDial(
  target: Target,
  policy: DialPolicy,
  options: DialOptions,
): Promise<Dialled | DialFailure> {
  const { limits, resolve, now, signal, kept } = options;
  const allowed = await allowedAddresses(target, policy, {
    ...(resolve === undefined ? {} : { resolve }),
    dnsMs: limits.dnsMs,
    now,
    signal,
  });
  if (kept !== undefined) {
    if (!('outcome' in allowed) && isUsable(kept, allowed.addresses, options.tls)) return used(kept, allowed.dnsMs);
    kept.socket.destroy();
  }
  if ('outcome' in allowed) return { ...allowed, connectMs: null };
  const { addresses, dnsMs } = allowed;
  const connected = await connectFirst(addresses.slice(0, MAX_TRIED), target.port, options);
  if ('outcome' in connected) return { ...connected, dnsMs, connectMs: null };
  const { socket, ...rest } = connected;
  return secure(socket, target, { ...rest, dnsMs }, options);
}

/** Whether a connection from before leads where a new one would, and its certificate was judged as it would be now. */
function isUsable({ socket, address, tls }: Kept, addresses: readonly string[], wanted: DialTls | undefined): boolean {
  if (socket.destroyed || !addresses.some((one) => isSameAddress(one, address))) return false;
  return tls === undefined || (wanted?.mode === tls.mode && (wanted.pin === undefined || wanted.pin === tls.pin));
}

const used = ({ socket, address, tls }: Kept, dnsMs: number | null): Dialled => ({
  socket,
  address,
  dnsMs,
  connectMs: null,
  tlsMs: null,
  ...(tls === undefined ? {} : { pin: tls.pin }),
});

interface Connected {
  readonly socket: Socket;
  readonly address: string;
  readonly connectMs: number;
}
type Unconnected = Failure & { readonly address: string };

/** The first address that answers; else the failure that tells most. */
async function connectFirst(
  addresses: readonly string[],
  port: number,
  { now, signal, limits }: DialOptions,
): Promise<Connected | Unconnected> {
  const began = now();
  const failures: Unconnected[] = [];
  for (const [i, address] of addresses.entries()) {
    // What is left is shared out, so that a dead first address does not take the time of the second.
    const limitMs = Math.max(1, (limits.connectMs - (now() - began)) / (addresses.length - i));
    const socket = await connectTo(address, port, limitMs, signal);
    if (typeof socket !== 'string') return { socket, address, connectMs: now() - began };
    const failure = { ...connectFailure(socket), address };
    if (socket === ABORTED || socket === REBOUND) return failure;
    failures.push(failure);
  }
  const most = mostTelling(failures);
  if (most === undefined) throw new Error('bug: a name without addresses was dialled');
  return most;
}

/** A connected socket, or the code of what stood in the way. */
async function connectTo(address: string, port: number, limitMs: number, signal: Ending): Promise<Socket | string> {
  if (signal.aborted) return ABORTED;
  const socket = connectTcp({ host: address, port, autoSelectFamily: false, allowHalfOpen: false, noDelay: true });
  socket.pause();
  // Errors that come when nobody waits any more end here, never the process.
  socket.on('error', () => undefined);
  const problem = await waitFor<string>(
    (settle) => {
      socket.once('connect', () => settle('')).once('error', (error) => settle(codeOf(error) || 'ECONNRESET'));
    },
    limitMs,
    signal,
  );
  if (problem === '') {
    const { remoteAddress } = socket;
    if (remoteAddress !== undefined && isSameAddress(remoteAddress, address)) return socket;
    socket.destroy();
    // Without a name of its peer the connection is gone already.
    return remoteAddress === undefined ? 'ECONNRESET' : REBOUND;
  }
  socket.destroy();
  return problem;
}

/** Puts TLS on the connection where the scheme asks for it. */
async function secure(
  socket: Socket,
  target: Target,
  connected: Omit<Connected, 'socket'> & Pick<Steps, 'dnsMs'>,
  options: DialOptions,
): Promise<Dialled | DialFailure> {
  if (target.scheme === 'http' || target.scheme === 'rtsp') return { socket, ...connected, tlsMs: null };
  const { now, signal, limits, tls: wanted = { mode: target.isLiteral ? 'pinned' : 'strict' } } = options;
  const failed = (outcome: Outcome, reason: string, more: Partial<DialFailure> = {}): DialFailure => {
    secured.destroy();
    socket.destroy();
    return { outcome, reason, ...connected, ...more };
  };
  const began = now();
  const secured = connectTls({ socket, ...tlsOptions(target, wanted.mode) });
  secured.pause();
  secured.on('error', () => undefined);
  const problem = await handshake(secured, limits.tlsMs, signal);
  if (problem === ABORTED) return failed('prober_internal', 'the probe was given up');
  if (problem !== null) return failed('tls_error', problem);
  const pin = pinOf(secured);
  if (pin === null) return failed('tls_error', 'the device shows no certificate with a key that can be read');
  if (wanted.mode !== 'strict' && wanted.pin !== undefined && wanted.pin !== pin) {
    return failed('tls_error', 'the device shows another certificate than before', { certificateChanged: true });
  }
  return { socket: secured, ...connected, tlsMs: now() - began, pin };
}

/**
 * `strict` verifies the chain; `pinned` and `legacy` judge the key themselves, since cameras sign their own certificates;
 * `legacy` takes what devices of the 2000s offer (probing.md 5).
 */
function tlsOptions({ scheme, host, isLiteral }: Target, mode: TlsMode): ConnectionOptions {
  return {
    // Names the certificate for the identity check; with a given socket nothing is dialled by it.
    host,
    ...(isLiteral ? {} : { servername: host }),
    rejectUnauthorized: mode === 'strict',
    // Old devices break off at extensions that they do not know.
    ...(scheme === 'https' && mode !== 'legacy' ? { ALPNProtocols: ['http/1.1'] } : {}),
    ...(mode === 'legacy'
      ? { minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0', secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT }
      : {}),
  };
}

/** null when TLS is agreed; else what is wrong, in words, or `ABORTED`. */
async function handshake(socket: TLSSocket, limitMs: number, signal: Ending): Promise<string | null> {
  const problem = await waitFor<string | null>(
    (settle) => {
      socket
        .once('secureConnect', () => settle(null))
        .once('error', (error) => settle(tlsProblem(error)))
        .once('close', () => settle('the device closed the connection during the TLS handshake'));
    },
    limitMs,
    signal,
  );
  return problem === TIMEOUT ? 'the TLS handshake does not end in time' : problem;
}

/**
 * SHA-256 of the subject's public key as it stands in the certificate (SPKI), base64: it outlives a renewal with the same key. null
 * without a certificate, or where OpenSSL does not know the kind of key.
 */
function pinOf(socket: TLSSocket): string | null {
  try {
    const spki = socket.getPeerX509Certificate()?.publicKey.export({ type: 'spki', format: 'der' });
    return spki === undefined ? null : createHash('sha256').update(spki).digest('base64');
  } catch (error) {
    if (codeOf(error).startsWith('ERR_')) return null;
    throw error;
  }
}
