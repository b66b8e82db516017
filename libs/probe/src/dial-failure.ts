import type { Outcome } from '#catalog';

/** Why there is no connection, or none any more. */
export interface Failure {
  readonly outcome: Outcome;
  readonly reason: string;
}

/** Codes of our own beside the system's. */
export const ABORTED = 'ABORTED';
export const TIMEOUT = 'TIMEOUT';
/** The number at the other end is not the one that was dialled. */
export const REBOUND = 'REBOUND';

const TOO_SLOW = 'the device does not accept connections in time';
const BROKEN_OFF = 'the device broke the connection off';
const FORBIDDEN_HERE = 'this machine itself forbids the connection (a firewall or route)';

const CONNECT_ERRORS: ReadonlyMap<string, readonly [Outcome, string]> = new Map<string, readonly [Outcome, string]>([
  [ABORTED, ['prober_internal', 'the probe was given up']],
  [TIMEOUT, ['connect_timeout', TOO_SLOW]],
  ['ETIMEDOUT', ['connect_timeout', TOO_SLOW]],
  ['ECONNREFUSED', ['refused', 'the device refuses connections on this port']],
  ['ECONNRESET', ['reset', BROKEN_OFF]],
  ['EPIPE', ['reset', BROKEN_OFF]],
  ['EHOSTUNREACH', ['unreachable', 'no way leads to the device']],
  ['ENETUNREACH', ['unreachable', 'no way leads to the network of the device']],
  ['EHOSTDOWN', ['unreachable', 'the device is not on its network']],
  ['EACCES', ['prober_internal', FORBIDDEN_HERE]],
  ['EPERM', ['prober_internal', FORBIDDEN_HERE]],
  ['EADDRNOTAVAIL', ['prober_internal', 'this machine has no address or port left to dial from']],
  ['EMFILE', ['prober_internal', 'this process has no file descriptor left']],
  ['ENFILE', ['prober_internal', 'this machine has no file descriptor left']],
  ['ENOBUFS', ['prober_internal', 'this machine has no socket buffers left']],
  [REBOUND, ['target_not_allowed', 'another address answered than the one that was allowed']],
]);

/** The code of an error, or ''. */
export const codeOf = (error: unknown): string =>
  String((error as { readonly code?: unknown } | null | undefined)?.code ?? '');

/** Of a connection that never stood, by its code. */
export function connectFailure(code: string): Failure {
  const [outcome, reason] = CONNECT_ERRORS.get(code) ?? (['unreachable', `the connection failed (${code})`] as const);
  return { outcome, reason };
}

/** Of a connection that stood already, by the socket's error. */
export function socketFailure(error: unknown): Failure {
  const code = codeOf(error);
  // In TLS 1.3 a server judges our side after the handshake stands: a device that wants a client's certificate says so only then.
  if (/^ERR_(?:SSL|TLS)_|^EPROTO$/.test(code)) return { outcome: 'tls_error', reason: `TLS failed (${code})` };
  const [outcome, reason] = CONNECT_ERRORS.get(code) ?? (['reset', BROKEN_OFF] as const);
  return { outcome, reason };
}

/** Of a name that has no address, by the resolver's code. */
export function dnsFailure(code: string): Failure {
  if (code === ABORTED) return connectFailure(code);
  if (code === TIMEOUT) return { outcome: 'dns_error', reason: 'the name server does not answer in time' };
  if (code === 'ENOTFOUND' || code === 'ENODATA') return { outcome: 'dns_error', reason: 'no such name' };
  const isOurs = CONNECT_ERRORS.get(code)?.[0] === 'prober_internal';
  const reason = `the name cannot be resolved${code === '' ? '' : ` (${code})`}`;
  return { outcome: isOurs ? 'prober_internal' : 'dns_error', reason };
}

/** What is wrong with a TLS handshake, in words. */
export function tlsProblem(error: unknown): string {
  const code = codeOf(error);
  if (/WRONG_VERSION_NUMBER|HTTP_REQUEST|UNKNOWN_PROTOCOL|PACKET_LENGTH_TOO_LONG/.test(code)) {
    return 'the device speaks no TLS on this port';
  }
  // OpenSSL's verdicts on a chain have no prefix; ERR_SSL_... is the handshake itself, even where it names a certificate.
  if (/CERT|ISSUER|ALTNAME/.test(code) && !code.startsWith('ERR_SSL_'))
    return `the certificate cannot be verified (${code})`;
  return `the TLS handshake failed${code === '' ? '' : ` (${code})`}`;
}

/** What tells more about a device stands first; our own faults tell nothing. */
const TELLING: readonly Outcome[] = ['refused', 'reset', 'connect_timeout', 'unreachable'];

/**
 * Of failures at several addresses of one name, the one that tells most about the device: that IPv6 leads nowhere from here says
 * nothing about a camera that refused on IPv4.
 */
export function mostTelling<Told extends Failure>(failures: readonly Told[]): Told | undefined {
  const told = TELLING.map((outcome) => failures.find((failure) => failure.outcome === outcome));
  return told.find((failure) => failure !== undefined) ?? failures[0];
}
