import type { Outcome } from '#catalog';
import type { HealthState } from './state.js';
import { WEIGHINGS } from './weights.js';

/** One result, as it tells of the way to the cameras rather than of the camera. */
export interface Glimpse {
  /** Monotonic milliseconds. */
  readonly atMs: number;
  /** Where the camera is: the /24 or /64 of its address. */
  readonly network: string;
  /** Whether nobody answered there at all. */
  readonly failed: boolean;
}

/**
 * `doubtful`: so much fails at once that it may be our own fault: failures wait until it is known. `blind`: it is ours, and no
 * failure says anything of a camera.
 */
export type Outlook = 'clear' | 'doubtful' | 'blind';

/** Proposals of probing.md S11. */
const WINDOW_MS = 60_000;
const LEAST_PROBES = 20;
const LEAST_NETWORKS = 5;
const FAILING_SHARE = 0.8;
/** Much of it sooner than that: worth waiting for more, not yet a verdict. */
const DOUBT_WINDOW_MS = 10_000;
const DOUBT_PROBES = 5;
const DOUBT_NETWORKS = 3;
/** How many of the latest results tell whether cameras are reached again. */
const RETURN_PROBES = 10;
const RETURN_REACHED = 3;
/** Results that are kept: beyond, older ones say nothing new. */
const MOST_KEPT = 1_000;

/** Whether nobody answered: what a cut line of our own looks like, and a dead camera too. */
export const isUnreached = (outcome: Outcome): boolean => {
  const { effect, reached } = WEIGHINGS[outcome];
  return effect === 'failure' && !reached;
};

/**
 * Whether a camera's result tells anything of our own line: only one that was there before can be missed. A registry full of dead
 * cameras must not make a prober that sees well call itself blind.
 */
export const wasThere = ({ standing, before }: HealthState): boolean =>
  standing === 'online' || standing === 'recovering' || (standing === 'suspect' && before === 'online');

/** The results of a while, a thousand at most: one comes with each probe, so what is asked of them must not mean going through them. */
class Latest {
  private kept: Glimpse[] = [];
  private from = 0;
  private failed = 0;

  constructor(
    private readonly windowMs: number,
    private readonly leastProbes: number,
    private readonly leastNetworks: number,
  ) {}

  note(glimpse: Glimpse): void {
    this.kept.push(glimpse);
    if (glimpse.failed) this.failed += 1;
    if (this.kept.length - this.from > MOST_KEPT) this.forgetOldest();
    // Moved once in a while, not for each.
    if (this.from <= MOST_KEPT) return;
    this.kept = this.kept.slice(this.from);
    this.from = 0;
  }

  /** Those after a moment, at most so many. */
  after(sinceMs: number, most: number): readonly Glimpse[] {
    return this.kept.slice(Math.max(this.from, this.kept.length - most)).filter(({ atMs }) => atMs > sinceMs);
  }

  /**
   * Whether most of them failed, or all of the latest, however many went well before: a line that is cut at this moment must not have to
   * fail for most of a minute until that shows.
   */
  areLost(nowMs: number): boolean {
    while ((this.kept[this.from]?.atMs ?? Number.POSITIVE_INFINITY) < nowMs - this.windowMs) this.forgetOldest();
    if (this.failed < this.leastProbes * FAILING_SHARE) return false;
    const probes = this.kept.length - this.from;
    if (this.failed >= FAILING_SHARE * probes && this.isEnough(this.from)) return true;
    const lastReached = this.kept.findLastIndex(({ failed }) => !failed);
    return this.isEnough(Math.max(this.from, lastReached + 1));
  }

  /** Whether there are enough from here on, and in enough networks, to tell anything. */
  private isEnough(from: number): boolean {
    if (this.kept.length - from < this.leastProbes) return false;
    return new Set(this.kept.slice(from).map(({ network }) => network)).size >= this.leastNetworks;
  }

  private forgetOldest(): void {
    if (this.kept[this.from]?.failed) this.failed -= 1;
    this.from += 1;
  }
}

/** Judges by its own results whether a prober sees at all (probing.md S11). */
export class Blindness {
  private latest = Blindness.none();
  private blindSinceMs: number | null = null;
  private isMachineCut = false;

  private static none() {
    return {
      forBlind: new Latest(WINDOW_MS, LEAST_PROBES, LEAST_NETWORKS),
      forDoubt: new Latest(DOUBT_WINDOW_MS, DOUBT_PROBES, DOUBT_NETWORKS),
    };
  }

  /** Takes a result in, and answers how it looks now. */
  note(glimpse: Glimpse): Outlook {
    const { atMs } = glimpse;
    this.add(glimpse);
    if (this.blindSinceMs !== null) this.lookAgain(this.blindSinceMs);
    else if (this.latest.forBlind.areLost(atMs)) this.blindSinceMs = atMs;
    return this.outlook(atMs);
  }

  /** A look at our own machine: whether any camera can be reached from it. */
  machine({ isCut, atMs }: { readonly isCut: boolean; readonly atMs: number }): Outlook {
    this.isMachineCut = isCut;
    return this.outlook(atMs);
  }

  outlook(atMs: number): Outlook {
    if (this.blindSinceMs !== null || this.isMachineCut) return 'blind';
    return this.latest.forDoubt.areLost(atMs) ? 'doubtful' : 'clear';
  }

  private add(glimpse: Glimpse): void {
    this.latest.forBlind.note(glimpse);
    this.latest.forDoubt.note(glimpse);
  }

  /** Cameras that answer again end it: three of ten, since some may have died meanwhile. */
  private lookAgain(sinceMs: number): void {
    const latest = this.latest.forBlind.after(sinceMs, RETURN_PROBES);
    if (latest.filter(({ failed }) => !failed).length < RETURN_REACHED) return;
    this.blindSinceMs = null;
    this.latest = Blindness.none();
    for (const glimpse of latest) this.add(glimpse);
  }
}
