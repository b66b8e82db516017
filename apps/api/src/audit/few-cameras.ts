/** Cameras of one authority that the refusals of one principal name in an hour. */
const MAX_NAMED = 10;
/** Pairs of principal and authority remembered at most. */
const MAX_PAIRS = 1_000;
const HOUR_MS = 3_600_000;

/** So that whoever goes through an authority's cameras one by one leaves a few entries in its audit, and not one for each. */
export class FewCameras {
  private readonly named = new Map<string, Set<string>>();
  private hour = -1;

  /** @param now milliseconds of a clock that only rises */
  constructor(private readonly now: () => number) {}

  /** Whether a camera is one of the first in this hour. */
  isNamed(principal: string, authority: string, cameraId: string): boolean {
    const hour = Math.floor(this.now() / HOUR_MS);
    if (hour !== this.hour) this.named.clear();
    this.hour = hour;
    const pair = JSON.stringify([principal, authority]);
    const cameras = this.named.get(pair) ?? new Set<string>();
    if (cameras.has(cameraId)) return true;
    if (cameras.size >= MAX_NAMED || (cameras.size === 0 && this.named.size >= MAX_PAIRS)) return false;
    this.named.set(pair, cameras.add(cameraId));
    return true;
  }
}
