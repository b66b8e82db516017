import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import { type DialPolicy, judgeAddress, judgeBeforeLookup, type Target } from './address-policy.js';
import { codeOf, dnsFailure, type Failure } from './dial-failure.js';
import type { Ending } from './end-signal.js';
import { waitFor } from './wait-for.js';

/** Numeric addresses of a name; every one of them must be allowed. */
export type Resolve = (host: string, signal: Ending) => Promise<readonly string[]>;

export interface LookUp {
  /** Absent: the system's own resolver, hosts file included. */
  readonly resolve?: Resolve;
  /** Longest wait for an answer, milliseconds. */
  readonly dnsMs: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly signal: Ending;
}

export interface Allowed {
  readonly addresses: readonly string[];
  /** null for a literal address, and where no answer came. */
  readonly dnsMs: number | null;
}

/** Why nothing is dialled. */
export type NotAllowed = Failure & Pick<Allowed, 'dnsMs'>;

/**
 * The numbers that may be dialled for a target: those of its name, looked up once, if the policy allows every one of them (security.md SSRF-4). Where
 * the port or the lack of a network decides, no name server is asked.
 */
export async function allowedAddresses(
  target: Target,
  policy: DialPolicy,
  options: LookUp,
): Promise<Allowed | NotAllowed> {
  const found = target.isLiteral ? { addresses: [target.host], dnsMs: null } : await lookedUp(target, policy, options);
  if ('outcome' in found) return found;
  const ours: DialPolicy = { ...policy, ownEndpoints: [...(policy.ownEndpoints ?? []), ...ownInterfaces()] };
  for (const address of found.addresses) {
    const refusal = judgeAddress(address, target.port, ours);
    if (refusal !== null) return { outcome: 'target_not_allowed', reason: refusal.reason, dnsMs: found.dnsMs };
  }
  return found;
}

/** The addresses of a name. `getaddrinfo` cannot be stopped: a late answer is dropped. */
async function lookedUp(
  { host, port }: Target,
  policy: DialPolicy,
  { resolve = bySystem, dnsMs, now, signal }: LookUp,
): Promise<Allowed | NotAllowed> {
  const refusal = judgeBeforeLookup(port, policy);
  if (refusal !== null) return { outcome: 'target_not_allowed', reason: refusal.reason, dnsMs: null };
  const began = now();
  const answer = await waitFor<readonly string[] | { readonly code: string }>(
    (settle) => {
      resolve(host, signal).then(settle, (error: unknown) => settle({ code: codeOf(error) }));
    },
    dnsMs,
    signal,
  );
  if (typeof answer === 'string') return { ...dnsFailure(answer), dnsMs: null };
  if ('code' in answer) return { ...dnsFailure(answer.code), dnsMs: null };
  if (answer.length === 0) return { outcome: 'dns_error', reason: 'the name has no address', dnsMs: null };
  return { addresses: [...new Set(answer)], dnsMs: now() - began };
}

const bySystem: Resolve = async (host) =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address);

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
