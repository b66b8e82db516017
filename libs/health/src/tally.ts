import { COUNTED_AS, type CountedAs } from '#catalog';

/** A probe as the history remembers it. */
export interface CountedProbe {
  readonly countedAs: CountedAs;
  /** From the beginning of the probe to the first whole picture, milliseconds; null without one. */
  readonly firstFrameMs: number | null;
}

/** How long first pictures took, milliseconds. */
export interface Latency {
  readonly count: number;
  readonly sumMs: number;
  readonly minMs: number | null;
  readonly maxMs: number | null;
  /** Number of the first bin, then how many fell into it and into those after it; empty without any. */
  readonly bins: readonly number[];
}

/** Probes of a length of time, counted. Tallies of parts of it add up to its own. */
export interface Tally {
  readonly counts: Readonly<Record<CountedAs, number>>;
  readonly latency: Latency;
}

const NO_LATENCY: Latency = { count: 0, sumMs: 0, minMs: null, maxMs: null, bins: [] };

export const EMPTY_TALLY: Tally = {
  counts: Object.fromEntries(COUNTED_AS.map((kind) => [kind, 0])) as Record<CountedAs, number>,
  latency: NO_LATENCY,
};

/** Bins for each doubling of the latency: a quantile is off by at most 2^(1/16), 4.4 %. */
const BINS_A_DOUBLING = 8;

const binOf = (ms: number): number => Math.floor(BINS_A_DOUBLING * Math.log2(Math.max(ms, 1)));
/** The middle of a bin, as ratios go. */
const middleOf = (bin: number): number => 2 ** ((bin + 0.5) / BINS_A_DOUBLING);

export function tallyOf(probes: readonly CountedProbe[]): Tally {
  const counts: Record<CountedAs, number> = { ...EMPTY_TALLY.counts };
  const taken: number[] = [];
  for (const { countedAs, firstFrameMs } of probes) {
    counts[countedAs] += 1;
    if (firstFrameMs !== null) taken.push(firstFrameMs);
  }
  return { counts, latency: latencyOf(taken) };
}

function latencyOf(taken: readonly number[]): Latency {
  if (taken.length === 0) return NO_LATENCY;
  const found = taken.map(binOf);
  const first = Math.min(...found);
  const bins = new Array<number>(Math.max(...found) - first + 1).fill(0);
  for (const bin of found) bins[bin - first] = (bins[bin - first] ?? 0) + 1;
  return {
    count: taken.length,
    sumMs: taken.reduce((sum, ms) => sum + ms, 0),
    minMs: Math.min(...taken),
    maxMs: Math.max(...taken),
    bins: [first, ...bins],
  };
}

/** Both together. */
export function merged(one: Tally, other: Tally): Tally {
  const counts = COUNTED_AS.map((kind) => [kind, one.counts[kind] + other.counts[kind]] as const);
  return {
    counts: Object.fromEntries(counts) as Record<CountedAs, number>,
    latency: mergedLatency(one.latency, other.latency),
  };
}

function mergedLatency(one: Latency, other: Latency): Latency {
  if (one.count === 0) return other;
  if (other.count === 0) return one;
  return {
    count: one.count + other.count,
    sumMs: one.sumMs + other.sumMs,
    minMs: Math.min(one.minMs ?? Infinity, other.minMs ?? Infinity),
    maxMs: Math.max(one.maxMs ?? 0, other.maxMs ?? 0),
    bins: mergedBins(one.bins, other.bins),
  };
}

function mergedBins(
  [oneFirst = 0, ...one]: readonly number[],
  [otherFirst = 0, ...other]: readonly number[],
): number[] {
  const first = Math.min(oneFirst, otherFirst);
  const end = Math.max(oneFirst + one.length, otherFirst + other.length);
  const bins = Array.from(
    { length: end - first },
    (_, i) => (one[first + i - oneFirst] ?? 0) + (other[first + i - otherFirst] ?? 0),
  );
  return [first, ...bins];
}

/**
 * The latency that a share of the pictures did not exceed, whole milliseconds, off by at most 4.4 %; null without any.
 * @param share (0, 1]
 */
export function quantileMs({ count, minMs, maxMs, bins }: Latency, share: number): number | null {
  if (minMs === null || maxMs === null) return null;
  const [first = 0, ...counts] = bins;
  let left = Math.ceil(share * count);
  const place = counts.findIndex((inBin) => (left -= inBin) <= 0);
  return Math.round(Math.min(Math.max(middleOf(first + place), minMs), maxMs));
}
