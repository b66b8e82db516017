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

/** Judges by its own results whether a prober sees at all (probing.md S11). */
export class Blindness {
  private glimpses: Glimpse[] = [];
  private blindSinceMs: number | null = null;
  private isMachineCut = false;

  /** Takes a result in, and answers how it looks now. */
  note(glimpse: Glimpse): Outlook {
    const { atMs } = glimpse;
    this.glimpses.push(glimpse);
    // Moved once in a while, not for each.
    if (this.glimpses.length > 2 * MOST_KEPT) this.glimpses = this.glimpses.slice(-MOST_KEPT);
    if (this.blindSinceMs !== null) this.lookAgain();
    else if (this.isLost(atMs - WINDOW_MS, LEAST_PROBES, LEAST_NETWORKS)) this.blindSinceMs = atMs;
    return this.outlook(atMs);
  }

  /** A look at our own machine: whether any camera can be reached from it. */
  machine({ isCut, atMs }: { readonly isCut: boolean; readonly atMs: number }): Outlook {
    this.isMachineCut = isCut;
    return this.outlook(atMs);
  }

  outlook(atMs: number): Outlook {
    if (this.blindSinceMs !== null || this.isMachineCut) return 'blind';
    return this.isLost(atMs - DOUBT_WINDOW_MS, DOUBT_PROBES, DOUBT_NETWORKS) ? 'doubtful' : 'clear';
  }

  /**
   * Whether most of the results since then failed, or all of the latest, however many went well before: a line that is cut at this moment must not have
   * to fail for most of a minute until that shows.
   */
  private isLost(sinceMs: number, leastProbes: number, leastNetworks: number): boolean {
    return this.isCut(sinceMs, leastProbes, leastNetworks) || this.reachesNobody(sinceMs, leastProbes, leastNetworks);
  }

  /** Whether all of the latest results failed, enough of them and in enough networks. */
  private reachesNobody(sinceMs: number, leastProbes: number, leastNetworks: number): boolean {
    const lastReached = this.glimpses.findLastIndex(({ atMs, failed }) => !failed || atMs < sinceMs);
    const latest = this.glimpses.slice(lastReached + 1);
    return latest.length >= leastProbes && new Set(latest.map(({ network }) => network)).size >= leastNetworks;
  }

  /** Whether most of the results since then failed, enough of them and in enough networks. */
  private isCut(sinceMs: number, leastProbes: number, leastNetworks: number): boolean {
    const { glimpses } = this;
    const oldest = Math.max(0, glimpses.length - MOST_KEPT);
    let from = glimpses.length;
    let failed = 0;
    for (; from > oldest; from -= 1) {
      const one = glimpses[from - 1];
      if (one === undefined || one.atMs < sinceMs) break;
      if (one.failed) failed += 1;
    }
    const probes = glimpses.length - from;
    if (probes < leastProbes || failed < FAILING_SHARE * probes) return false;
    return new Set(glimpses.slice(from).map(({ network }) => network)).size >= leastNetworks;
  }

  /** Cameras that answer again end it: three of ten, since some may have died meanwhile. */
  private lookAgain(): void {
    const since = this.blindSinceMs ?? 0;
    const latest = this.glimpses.filter(({ atMs }) => atMs > since).slice(-RETURN_PROBES);
    const reached = latest.filter(({ failed }) => !failed).length;
    if (reached < RETURN_REACHED) return;
    this.blindSinceMs = null;
    this.glimpses = latest;
  }
}
