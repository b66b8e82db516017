import { type Credentials, deviceOf, type Frame, type KnownService, type ServiceKind } from '#catalog';
import type { AskedService, Condition } from '#health';
import {
  DEFAULT_LIMITS,
  type KeptConnections,
  type NonceCache,
  probe,
  type ProbeResult,
  type Reuse,
  type ServiceTarget,
} from '#probe';
import type { ClaimedCamera } from '#storage';
import type { Devices } from './devices.js';
import type { Lease } from './lease.js';
import { type Memory, pinOf, type Validators, withPin } from './memory.js';
import type { ProberParts, ProberSettings } from './parts.js';

/** What asking needs besides the camera. */
export interface AskTools {
  readonly parts: Pick<ProberParts, 'openSecret' | 'userAgent' | 'now'>;
  readonly settings: Pick<ProberSettings, 'loopbackCameras' | 'ownEndpoints'>;
  readonly nonces: NonceCache;
  readonly kept: KeptConnections;
  readonly devices: Devices;
}

/** Of which service a picture is wanted, and what is known of it already. */
export interface Question {
  readonly service: AskedService;
  /** Whether the credentials may be sent. */
  readonly mayAuthenticate: boolean;
  /** Validators of the picture of which we need not be sent more; null: whatever comes is wanted. */
  readonly cached: ServiceTarget['cached'] | null;
  /** How long the second picture of a stream is waited for, milliseconds; absent: not at all. */
  readonly gapWithinMs?: number;
  /** The whole probe, milliseconds. */
  readonly withinMs: number;
  /** When the service is asked next if all goes well, seconds; absent: not known. */
  readonly againInS?: number;
  readonly memory: Memory;
}

/** Which service was asked under a lease, and what came of it. */
export interface Answer {
  readonly result: ProbeResult;
  readonly service: AskedService;
  readonly slot: number;
  readonly conditions: readonly Condition[];
  /** With the keys that were seen for the first time. */
  readonly memory: Memory;
}

/** Judges a whole frame: null, or what is damaged in it. */
export type IsDamaged = (frame: Frame) => Promise<string | null>;

/** Asks one service, where its secret and its device can be had. */
export async function askService(
  { camera, signal }: Lease,
  question: Question,
  isDamaged: IsDamaged,
  { parts, settings, nonces, kept, devices }: AskTools,
): Promise<Answer> {
  const { service, memory } = question;
  const { stated, slot } = serviceAt(camera, service);
  const nothing = { service, slot, conditions: [], memory };
  const secret = openSecret(camera, slot, parts.openSecret);
  if (secret === 'unreadable') {
    return { ...nothing, result: ourFault('none of our keys opens it'), conditions: ['credential_unreadable'] };
  }
  const free = devices.take(stated.url, camera.host);
  if (free === null) return { ...nothing, result: ourFault('the device is being asked for another camera') };
  const reuse = reuseOf(camera, stated, slot, question);
  if (reuse === undefined) kept.endAt(deviceOf(stated.url));
  const credentials = question.mayAuthenticate ? secret : null;
  const { userAgent, now = monotonic } = parts;
  const limits = { ...DEFAULT_LIMITS, wholeMs: question.withinMs };
  try {
    const asked = { ...question, pin: pinOf(memory, slot, stated), credentials, reuse };
    const target = targetOf(camera, stated, asked, settings);
    const result = await probe(target, { limits, nonces, kept, userAgent, now, isDamaged }, signal);
    const { pin, certificateChanged } = result.evidence;
    return {
      ...nothing,
      result,
      conditions: certificateChanged === true ? ['certificate_changed'] : [],
      memory: pin === undefined || certificateChanged === true ? memory : withPin(memory, slot, stated, pin),
    };
  } finally {
    free();
  }
}

const monotonic = (): number => performance.now();

const NO_PHASES = { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null, firstFrameMs: null } as const;

/** A fault of ours in the form of a probe's result. */
const ourFault = (reason: string): Answer['result'] => ({
  outcome: 'prober_internal',
  phases: NO_PHASES,
  frame: null,
  evidence: { reason, auth: 'none' },
});

/** What is registered of a service, and the slot of its secret. */
export function serviceAt(
  { services, slots }: ClaimedCamera,
  { index }: AskedService,
): { readonly stated: KnownService & { readonly url: string }; readonly slot: number } {
  const stated = services[index];
  const slot = slots[index];
  if (stated?.url === undefined || slot === undefined) throw new Error('bug: a kept service has a URL and a slot');
  return { stated: { ...stated, url: stated.url }, slot };
}

function openSecret(
  { cameraId, authority, secrets }: ClaimedCamera,
  slot: number,
  open: ProberParts['openSecret'],
): Credentials | null | 'unreadable' {
  const kept = secrets.find((secret) => secret.slot === slot);
  if (kept === undefined) return null;
  try {
    return open({ ...kept, cameraId, authority: authority.slug });
  } catch {
    // Whatever the reason (a kid that is not ours, a changed row), the cure is the same and `keys` tells it.
    return 'unreadable';
  }
}

function targetOf(
  camera: ClaimedCamera,
  service: KnownService & { readonly url: string },
  {
    cached,
    gapWithinMs: gapMs,
    pin,
    credentials,
    reuse,
  }: Pick<Question, 'cached' | 'gapWithinMs'> & {
    readonly reuse: Reuse | undefined;
    readonly pin: string | undefined;
    readonly credentials: Credentials | null;
  },
  settings: AskTools['settings'],
): ServiceTarget {
  const { network, allowBasicPlaintext = false } = camera.authority;
  return {
    kind: service.kind,
    url: service.url,
    ...(service.vapix === undefined ? {} : { vapix: service.vapix }),
    ...(credentials === null ? {} : { credentials }),
    ...(service.tls === undefined ? {} : { tls: service.tls }),
    ...(pin === undefined ? {} : { pin }),
    allowBasicPlaintext,
    policy: {
      cidrs: network?.cidrs ?? [],
      ...(network?.ports === undefined ? {} : { ports: network.ports }),
      loopback: settings.loopbackCameras,
      ...(settings.ownEndpoints === undefined ? {} : { ownEndpoints: settings.ownEndpoints }),
    },
    ...(cached === null ? {} : { cached }),
    ...(gapMs === undefined ? {} : { gapWithinMs: gapMs }),
    ...(reuse === undefined ? {} : { reuse }),
  };
}

/** A connection that would wait longer takes a viewer's place in the device and is closed (probing.md 1), seconds. */
const MOST_IDLE_S = 5;
/** Rounds come earlier and later by a tenth, and claims by a second. */
const LATE_S = 1.5;

/** How the connection may serve the next round; undefined where it is closed. */
function reuseOf(
  { cameraId, configVersion }: ClaimedCamera,
  { kind, url }: { readonly kind: ServiceKind; readonly url: string },
  slot: number,
  { againInS, mayAuthenticate }: Question,
): Reuse | undefined {
  if (kind !== 'snapshot' || againInS === undefined || againInS > MOST_IDLE_S) return undefined;
  const key = [cameraId, configVersion, slot, mayAuthenticate].join(' ');
  return { device: deviceOf(url), key, forMs: (againInS + LATE_S) * 1000 };
}

/** Validators as a condition, where they are of this service as it is configured now. */
export function conditionOf(
  validators: Validators | null,
  slot: number,
  { configVersion }: ClaimedCamera,
): ServiceTarget['cached'] | null {
  if (validators?.slot !== slot || validators.configVersion !== configVersion) return null;
  const { etag, lastModified } = validators;
  return { ...(etag === undefined ? {} : { etag }), ...(lastModified === undefined ? {} : { lastModified }) };
}

/** Share of the interval that all that is asked in a round may take. */
const SHARE_OF_INTERVAL = 0.8;

/** How long a probe may take, milliseconds: short intervals shorten it. @param spentMs of the round, already */
export const withinMs = (intervalS: number, spentMs = 0): number =>
  Math.min(DEFAULT_LIMITS.wholeMs, SHARE_OF_INTERVAL * intervalS * 1000 - spentMs);
