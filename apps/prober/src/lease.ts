import type { ClaimedCamera } from '#storage';

/** A camera that this process may ask, and for how long. */
export interface Lease {
  readonly camera: ClaimedCamera;
  /**
   * Milliseconds since 1970 by the database's clock: what it said when the camera was read, and what a monotonic clock
   * counted since. A worker's own clock may be wrong, and workers' clocks differ (reliability.md REL-3, FT-11).
   */
  readonly clock: () => number;
  /** Fires when the probe must be given up: others may take the camera soon, or the process ends. */
  readonly signal: AbortSignal;
}

/** Part of a lease that may be used: what is left is for keeping the result (REL-3). */
export const USABLE_SHARE = 5 / 6;

/** Reason of a signal that fires since the process ends, and not since time is up. */
export const CLOSING = 'closing';
