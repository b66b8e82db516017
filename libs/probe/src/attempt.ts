import type { Credentials, Frame, Outcome, ProbePhases, ServiceKind, TlsMode, VapixDocument } from '#catalog';
import type { DialPolicy } from './address-policy.js';
import type { Resolve } from './allowed-addresses.js';
import { FrameBudget } from './byte-buffer.js';
import type { Failure } from './dial-failure.js';
import type { NonceCache } from './digest.js';
import { EndSignal, onceAborted } from './end-signal.js';
import type { KeptConnections, Reuse } from './kept-connections.js';
import { LoopLag } from './loop-lag.js';
import { judgeRedirected } from './outcome.js';
import { scrubber } from './scrub.js';

/** The service that is asked, and what may be done to ask it. */
export interface ServiceTarget {
  readonly kind: ServiceKind;
  /** As registered, without user name and password. */
  readonly url: string;
  readonly vapix?: VapixDocument;
  readonly credentials?: Credentials | null;
  /** Absent: `strict` for names, `pinned` for addresses. */
  readonly tls?: TlsMode;
  /** SHA-256 of the public key seen at the first success, base64. */
  readonly pin?: string;
  /** Whether Basic may go over plain http. */
  readonly allowBasicPlaintext: boolean;
  readonly policy: DialPolicy;
  /** Validators of the picture that is had already, as `ProbeEvidence` gave them: a snapshot is then asked for only if it changed. */
  readonly cached?: { readonly etag?: string; readonly lastModified?: string };
  /** Of a stream: how long the second picture is waited for, milliseconds, to measure the gap between two; absent: not at all. */
  readonly gapWithinMs?: number;
  /** Of a snapshot that is asked again within seconds: its connection may wait for that. Absent: it is closed. */
  readonly reuse?: Reuse;
}

/** Longest steps in milliseconds, largest pictures (probing.md 2; ceilings of security.md SSRF-8). */
export interface ProbeLimits {
  /** The whole probe, redirects and second requests included. */
  readonly wholeMs: number;
  readonly dnsMs: number;
  readonly connectMs: number;
  readonly tlsMs: number;
  /** From each request to the first byte of its answer. */
  readonly firstByteMs: number;
  /** Silence once a picture has begun. */
  readonly stallMs: number;
  readonly frameBytes: number;
  readonly framePixels: number;
}

export const DEFAULT_LIMITS: ProbeLimits = {
  wholeMs: 10_000,
  dnsMs: 2_000,
  connectMs: 3_000,
  tlsMs: 5_000,
  firstByteMs: 5_000,
  stallMs: 4_000,
  frameBytes: 16 * 1024 * 1024,
  framePixels: 50_000_000,
};

/** What goes with an outcome. Every text is scrubbed of the secrets in use (security.md CRED-7). */
export interface ProbeEvidence {
  /** One short sentence for people. */
  reason: string;
  /** Status of the answer that decided. */
  status?: number;
  /** Realm of the challenge; often names the device. */
  realm?: string;
  /** Numeric address that was dialled last. */
  address?: string;
  /** Redirects that were followed. */
  redirects?: number;
  /** What is wrong with the picture. */
  damage?: string;
  /** SHA-256 of the public key that the device showed, base64. */
  pin?: string;
  certificateChanged?: boolean;
  etag?: string;
  lastModified?: string;
  /** The device's own time, as its `Date` header says. */
  serverDate?: string;
  /** What serves the picture says that it has lost its camera. */
  isSourceGone?: boolean;
  /** From the first picture of a stream to the second, milliseconds; or how long that was waited for in vain. */
  gapMs?: number;
  /** Media type of the answer, without parameters. */
  contentType?: string;
  /** How the answer that decided was asked for. */
  auth: 'none' | 'basic' | 'digest';
}

/** What one probe established. */
export interface ProbeResult {
  readonly outcome: Outcome;
  /** Of the exchange that decided, in tenths of a millisecond; null for steps that were not reached. */
  readonly phases: ProbePhases;
  /** With `ok` alone; null there too where the device said that the picture had not changed (304). */
  readonly frame: Frame | null;
  readonly evidence: ProbeEvidence;
}

/** What a probe works with, the same for all of them. */
export interface ProbeTools {
  readonly limits: ProbeLimits;
  readonly nonces: NonceCache;
  readonly userAgent: string;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Client nonces of Digest; absent: random. */
  readonly cnonce?: () => string;
  /** What is wrong with a frame, as a decoder sees it; null where nothing is. */
  readonly isDamaged?: (frame: Frame) => Promise<string | null>;
  /** Absent: the system's resolver. */
  readonly resolve?: Resolve;
  /** Absent: no connection outlives its probe. */
  readonly kept?: KeptConnections;
}

/** Frames being read in this process, together (security.md SSRF-8). */
export const FRAMES_IN_FLIGHT = new FrameBudget(128 * 1024 * 1024);
/** One event loop, one watch. */
const LOOP_LAG = new LoopLag(() => performance.now());

/** Why a probe ended before it knew. */
export type Stop = 'deadline' | 'shutdown';

/**
 * One probe as it goes: its deadline, the phases and the evidence gathered so far. `finish` must be called, it stops the clock.
 */
export class Attempt {
  readonly phases: ProbePhases = { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null, firstFrameMs: null };
  readonly evidence: ProbeEvidence = { reason: '', auth: 'none' };
  /** A byte of an answer came at some time. */
  heard = false;
  #scrub: ((text: string) => string) | null = null;
  /** Ends everything that the attempt waits for. */
  readonly signal = new EndSignal<Stop>();
  readonly #timer: NodeJS.Timeout;
  #isClosed = false;
  readonly #startLoopMs = performance.now();
  readonly #letGo: () => void;

  constructor(
    readonly target: ServiceTarget,
    readonly tools: ProbeTools,
    external: AbortSignal,
  ) {
    LOOP_LAG.enter();
    this.#timer = setTimeout(() => this.signal.end('deadline'), tools.limits.wholeMs);
    this.#letGo = onceAborted(external, () => this.signal.end('shutdown'));
    if (external.aborted) this.signal.end('shutdown');
  }

  /** Takes the secrets in use out of text that leaves the probe. */
  get scrub(): (text: string) => string {
    return (this.#scrub ??= scrubber(this.target.credentials ?? null, this.target.url));
  }

  /** Why everything stops; null while it goes on. */
  get stop(): Stop | null {
    return this.signal.reason;
  }

  /** The failure that the end of the whole probe is, from outside or by its deadline. */
  stopped(): Failure {
    if (this.stop === 'shutdown') return { outcome: 'prober_internal', reason: 'the prober is shutting down' };
    return this.timedOut(
      this.heard
        ? { outcome: 'first_frame_timeout', reason: 'no whole picture came in time' }
        : { outcome: 'first_byte_timeout', reason: 'the device did not answer in time' },
    );
  }

  /** A timeout as it stands, unless it was we who were late. */
  timedOut(timeout: Failure): Failure {
    return LOOP_LAG.laggedSince(this.#startLoopMs)
      ? { outcome: 'prober_internal', reason: 'this process stood still and cannot tell how long the device took' }
      : timeout;
  }

  /** Ends the probe. @param failure the outcome, `ok` too, in words */
  finish(failure: Failure, frame: Frame | null): ProbeResult {
    this.close();
    const { outcome, reason } = judgeRedirected(failure, this.evidence.redirects ?? 0);
    const { phases } = this;
    return {
      outcome,
      phases: {
        dnsMs: rounded(phases.dnsMs),
        connectMs: rounded(phases.connectMs),
        tlsMs: rounded(phases.tlsMs),
        firstByteMs: rounded(phases.firstByteMs),
        firstFrameMs: rounded(phases.firstFrameMs),
      },
      frame,
      // Only of what went wrong do the words come from the device.
      evidence: { ...this.evidence, reason: outcome === 'ok' ? reason : this.scrub(reason) },
    };
  }

  /** Stops clock and watch; nothing of the attempt lives on. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#letGo();
    LOOP_LAG.leave();
  }
}

const rounded = (ms: number | null): number | null => (ms === null ? null : Math.round(ms * 10) / 10);
