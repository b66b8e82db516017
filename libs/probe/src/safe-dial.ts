import { constants, createHash } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { connect as connectTcp, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { Outcome, TlsMode } from '#catalog';
import { type DialPolicy, isSameAddress, judgeAddress, judgeBeforeLookup, type Target } from './address-policy.js';
import {
  ABORTED,
  codeOf,
  connectFailure,
  dnsFailure,
  type Failure,
  mostTelling,
  REBOUND,
  TIMEOUT,
  tlsProblem,
} from './dial-failure.js';
import type { Ending } from './end-signal.js';

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

/** Numeric addresses of a name; every one of them must be allowed. */
export type Resolve = (host: string, signal: Ending) => Promise<readonly string[]>;

export interface DialOptions {
  readonly limits: DialLimits;
  /** Absent: `strict` for names, `pinned` for addresses. */
  readonly tls?: DialTls;
  /** Absent: the system's own resolver, hosts file included. */
  readonly resolve?: Resolve;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly signal: Ending;
}

interface Steps {
  /** null for a literal address, and where no answer came. */
  readonly dnsMs: number | null;
  readonly connectMs: number | null;
}

/** A connection, paused: nothing is lost before somebody reads. */
export interface Dialled extends Steps {
  readonly socket: Socket;
  /** Numeric address at the other end. */
  readonly address: string;
  readonly connectMs: number;
  /** null without TLS. */
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
  const found = await addressesOf(target, policy, options);
  if ('outcome' in found) return found;
  const { addresses, dnsMs } = found;
  const ours: DialPolicy = { ...policy, ownEndpoints: [...(policy.ownEndpoints ?? []), ...ownInterfaces()] };
  for (const address of addresses) {
    const refusal = judgeAddress(address, target.port, ours);
    if (refusal !== null) return { outcome: 'target_not_allowed', reason: refusal.reason, dnsMs, connectMs: null };
  }
  const connected = await connectFirst(addresses.slice(0, MAX_TRIED), target.port, options);
  if ('outcome' in connected) return { ...connected, dnsMs, connectMs: null };
  const { socket, ...rest } = connected;
  return secure(socket, target, { ...rest, dnsMs }, options);
}

/** Interfaces change rarely, and asking for them costs a quarter of a millisecond. */
const INTERFACES_LAST_MS = 10_000;
let interfaces: { readonly askedAtMs: number; readonly addresses: readonly { readonly address: string }[] } | null =
  null;

/** Addresses of this machine, meant with every port (SSRF-5); loopback is the policy's matter. */
function ownInterfaces(): readonly { readonly address: string }[] {
  const nowMs = performance.now();
  if (interfaces === null || nowMs - interfaces.askedAtMs > INTERFACES_LAST_MS) {
    const known = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses);
    const addresses = known.filter(({ internal }) => !internal).map(({ address }) => ({ address }));
    interfaces = { askedAtMs: nowMs, addresses };
  }
  return interfaces.addresses;
}

/** Waits for one event, at most so long and no longer than the signal allows; then listeners and timer are gone. */
function waitFor<Value>(
  begin: (settle: (value: Value) => void) => void,
  limitMs: number,
  signal: Ending,
): Promise<Value | typeof ABORTED | typeof TIMEOUT> {
  return new Promise((resolve) => {
    const settle = (value: Value | typeof ABORTED | typeof TIMEOUT): void => {
      clearTimeout(timeout);
      signal.removeEventListener('abort', stop);
      resolve(value);
    };
    const timeout = setTimeout(() => settle(TIMEOUT), limitMs);
    const stop = (): void => settle(ABORTED);
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    begin(settle);
  });
}

type Found = { readonly addresses: readonly string[]; readonly dnsMs: number | null };

/** The numbers to dial. `getaddrinfo` cannot be stopped: a late answer is dropped. */
async function addressesOf(target: Target, policy: DialPolicy, options: DialOptions): Promise<Found | DialFailure> {
  if (target.isLiteral) return { addresses: [target.host], dnsMs: null };
  const { resolve = lookUp, now, signal, limits } = options;
  const failed = ({ outcome, reason }: Failure): DialFailure => ({ outcome, reason, dnsMs: null, connectMs: null });
  const refusal = judgeBeforeLookup(target.port, policy);
  if (refusal !== null) return failed({ outcome: 'target_not_allowed', reason: refusal.reason });
  const began = now();
  const answer = await waitFor<readonly string[] | { readonly code: string }>(
    (settle) => {
      resolve(target.host, signal).then(settle, (error: unknown) => settle({ code: codeOf(error) }));
    },
    limits.dnsMs,
    signal,
  );
  if (typeof answer === 'string') return failed(dnsFailure(answer));
  if ('code' in answer) return failed(dnsFailure(answer.code));
  if (answer.length === 0) return failed({ outcome: 'dns_error', reason: 'the name has no address' });
  return { addresses: [...new Set(answer)], dnsMs: now() - began };
}

const lookUp: Resolve = async (host) =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address);

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
