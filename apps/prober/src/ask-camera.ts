import type { Credentials, Frame, KnownService } from '#catalog';
import { type AskedService, type Condition, mayAuthenticate, primaryOf, whomToAsk } from '#health';
import { DEFAULT_LIMITS, type NonceCache, probe, type ProbeResult, type ServiceTarget } from '#probe';
import type { ClaimedCamera } from '#storage';
import type { Devices } from './devices.js';
import { gapWithinMs } from './gap.js';
import type { Lease } from './lease.js';
import { type Memory, pinOf, withPin } from './memory.js';
import type { ProberParts, ProberSettings } from './parts.js';
import { isProbed, type Recalled } from './recall.js';

/** What asking needs besides the camera. */
export interface AskTools {
  readonly parts: Pick<ProberParts, 'openSecret' | 'userAgent' | 'now'>;
  readonly settings: Pick<ProberSettings, 'loopbackCameras' | 'ownEndpoints'>;
  readonly nonces: NonceCache;
  readonly devices: Devices;
}

/** What was asked of a camera under one lease, and what came of it. */
export interface Answer {
  readonly result: ProbeResult;
  readonly service: AskedService;
  readonly slot: number;
  readonly conditions: readonly Condition[];
  /** With the keys that were seen for the first time. */
  readonly memory: Memory;
}

const NO_PHASES = { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null, firstFrameMs: null } as const;

/** A fault of ours in the form of a probe's result. */
const ourFault = (reason: string): Answer['result'] => ({
  outcome: 'prober_internal',
  phases: NO_PHASES,
  frame: null,
  evidence: { reason, auth: 'none' },
});

/** Judges a whole frame: null, or what is damaged in it. */
export type IsDamaged = (frame: Frame) => Promise<string | null>;

/**
 * Asks the services whose turn it is, one after the other, until one gives a picture; the answer is that one's, else the
 * first one's.
 */
export async function askCamera(lease: Lease, known: Recalled, isDamaged: IsDamaged, tools: AskTools): Promise<Answer> {
  const { services, cameraId } = lease.camera;
  let memory = known.memory;
  let first: Answer | null = null;
  for (const service of whomToAsk(known.state, services, isProbed)) {
    const answer = await askService(lease, service, { ...known, memory }, isDamaged, tools);
    memory = answer.memory;
    if (answer.result.outcome === 'ok') {
      const isStandIn = service.index !== primaryOf(services, isProbed);
      return isStandIn ? { ...answer, conditions: [...answer.conditions, 'primary_failing'] } : answer;
    }
    first ??= answer;
    if (lease.signal.aborted) break;
  }
  if (first === null) throw new Error(`bug: camera ${cameraId} is leased and has no service`);
  return { ...first, memory };
}

async function askService(
  { camera, clock, signal }: Lease,
  service: AskedService,
  known: Recalled,
  isDamaged: IsDamaged,
  { parts, settings, nonces, devices }: AskTools,
): Promise<Answer> {
  const stated = camera.services[service.index];
  const slot = camera.slots[service.index];
  if (stated?.url === undefined || slot === undefined) throw new Error('bug: a kept service has a URL and a slot');
  const nothing = { service, slot, conditions: [], memory: known.memory };
  const secret = openSecret(camera, slot, parts.openSecret);
  if (secret === 'unreadable') {
    return { ...nothing, result: ourFault('none of our keys opens it'), conditions: ['credential_unreadable'] };
  }
  const free = devices.take(stated.url, camera.host);
  if (free === null) return { ...nothing, result: ourFault('the device is being asked for another camera') };
  const credentials = mayAuthenticate(known.state.auth, camera.asked, clock()) ? secret : null;
  const { userAgent, now = monotonic } = parts;
  const limits = limitsFor(known.rhythm.intervalS);
  try {
    const target = targetOf(camera, { ...stated, url: stated.url }, slot, known, { settings, credentials });
    const result = await probe(target, { limits, nonces, userAgent, now, isDamaged }, signal);
    const { pin, certificateChanged } = result.evidence;
    return {
      ...nothing,
      result,
      conditions: certificateChanged === true ? ['certificate_changed'] : [],
      memory:
        pin === undefined || certificateChanged === true ? known.memory : withPin(known.memory, slot, stated, pin),
    };
  } finally {
    free();
  }
}

const monotonic = (): number => performance.now();

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
  slot: number,
  { memory, state }: Recalled,
  { settings, credentials }: { readonly settings: AskTools['settings']; readonly credentials: Credentials | null },
): ServiceTarget {
  const { network, allowBasicPlaintext = false } = camera.authority;
  const pin = pinOf(memory, slot, service);
  const cached = camera.asked ? null : knownPicture(camera, slot, memory, state.picture.scanHash);
  const isSuspected = (state.picture.flags.low_fps?.bad ?? 0) > 0;
  const gapMs = gapWithinMs(service, camera.epoch, isSuspected);
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
  };
}

/** Validators of the picture that is stored, came last, and came from this service: of that one we need not be sent more. */
function knownPicture(
  { frameKey, configVersion }: ClaimedCamera,
  slot: number,
  { stored, validators }: Memory,
  lastHash: string | null,
): ServiceTarget['cached'] | null {
  const isKept = frameKey !== null && stored !== null && stored.scanHash === lastHash;
  if (!isKept || validators?.slot !== slot || validators.configVersion !== configVersion) return null;
  const { etag, lastModified } = validators;
  return { ...(etag === undefined ? {} : { etag }), ...(lastModified === undefined ? {} : { lastModified }) };
}

/** Share of the interval that a probe may take. */
const SHARE_OF_INTERVAL = 0.8;

/** Short intervals shorten the whole probe. */
const limitsFor = (intervalS: number): typeof DEFAULT_LIMITS => ({
  ...DEFAULT_LIMITS,
  wholeMs: Math.min(DEFAULT_LIMITS.wholeMs, SHARE_OF_INTERVAL * intervalS * 1000),
});
