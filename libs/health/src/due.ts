/** How often a camera is asked: its authority's wish, and what its service says of itself. */
export interface Rhythm {
  /** Of the camera; its hash spreads cameras over the interval. */
  readonly id: string;
  readonly intervalS: number;
  readonly minIntervalS: number;
  /** Declared seconds between two new pictures, where known. */
  readonly refreshS?: number;
}

/** Longest interval that a slow service brings about, seconds. */
const SLOWEST_ROUND_S = 600;
/** Half width of the jitter of one round; between two rounds it adds up to ± 10 %. */
const JITTER = 0.05;

/** Seconds between two rounds: a service whose picture changes seldom is asked at half its period, at most every 10 min. */
export function roundS({ intervalS, refreshS = 0 }: Rhythm): number {
  return Math.max(intervalS, refreshS > intervalS ? Math.min(refreshS / 2, SLOWEST_ROUND_S) : 0);
}

/** Seconds that pass between two new pictures: declared, else taken to be the interval. */
export const expectedPeriodS = ({ intervalS, refreshS }: Rhythm): number => refreshS ?? intervalS;

/** After how many seconds a picture is no longer current (contract.md, `Sightline-Stale`). */
export const staleAfterS = (rhythm: Rhythm): number => Math.max(3 * roundS(rhythm), 120);

/** FNV-1a, 32 bits: spreads ids evenly, and the same in every process. */
function hash(id: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < id.length; i += 1) value = Math.imul(value ^ id.charCodeAt(i), 0x01000193) >>> 0;
  return value;
}

/**
 * Seconds until the camera's next round: phase + k × interval, the phase being the hash of its id, so that after a
 * restart there is no herd; rounds that passed meanwhile are skipped.
 * @param now milliseconds since 1970
 * @param random [0, 1)
 * @param skip rounds to leave out besides
 */
export function nextRoundS(rhythm: Rhythm, now: number, random: number, skip = 0): number {
  const everyS = roundS(rhythm);
  const phaseS = (hash(rhythm.id) / 2 ** 32) * everyS;
  // A probe that ran early by its jitter belongs to the round that is just about to begin.
  const earliestS = now / 1000 + 2 * JITTER * everyS;
  const round = Math.ceil((earliestS - phaseS) / everyS) + skip;
  return phaseS + round * everyS - now / 1000 + (2 * random - 1) * JITTER * everyS;
}

const RETRIES_S = [10, 15, 45] as const;

/** Seconds until a suspect camera is asked again after its nth failure; null where the next round comes soon enough. */
export function retryS({ intervalS }: Rhythm, attempt: number, random: number): number | null {
  const delayS = RETRIES_S[attempt - 1];
  return delayS === undefined || delayS >= intervalS ? null : delayS * (1 + 0.2 * random);
}

const DAY_MS = 86_400_000;

/**
 * Seconds until an offline camera is asked again: the interval doubling up to 10 min, up to 30 min after a day; half of
 * it random, lest a whole street that went down together come back together.
 */
export function backOffS(rhythm: Rhythm, failures: number, offlineForMs: number, random: number): number {
  const everyS = roundS(rhythm);
  const atMostS = Math.max(offlineForMs > DAY_MS ? 1_800 : 600, everyS);
  return Math.min(everyS * 2 ** failures, atMostS) * (0.5 + 0.5 * random);
}
