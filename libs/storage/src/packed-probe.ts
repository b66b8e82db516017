import { COUNTED_AS, type CountedAs } from '#catalog';

/** A probe as the history remembers it. */
export interface RememberedProbe {
  /** When it ended, milliseconds since 1970, to the second. */
  readonly at: number;
  readonly countedAs: CountedAs;
  /** Milliseconds to the first whole picture; null without one. */
  readonly firstFrameMs: number | null;
}

// An integer of `probe_hour.probes`: bits 19 to 30 the second in the hour, 16 to 18 the kind, 0 to 15 the latency plus one.
export const SECOND_SHIFT = 19;
const KIND_SHIFT = 16;
const KIND_MASK = 0b111;
const LATENCY_MASK = 0xffff;

/** All of a probe but its second, which the database's clock gives. Latencies above 65 s, which no probe reaches, are cut. */
export function packed(countedAs: CountedAs, firstFrameMs: number | null): number {
  const latency = firstFrameMs === null ? 0 : Math.min(Math.round(Math.max(firstFrameMs, 0)) + 1, LATENCY_MASK);
  return (COUNTED_AS.indexOf(countedAs) << KIND_SHIFT) | latency;
}

/** @param hour its beginning, milliseconds since 1970 */
export function unpacked(hour: number, probe: number): RememberedProbe {
  const countedAs = COUNTED_AS[(probe >> KIND_SHIFT) & KIND_MASK];
  if (countedAs === undefined) throw new Error(`bug: no kind of probe has the number of ${probe}`);
  const latency = probe & LATENCY_MASK;
  return {
    at: hour + (probe >> SECOND_SHIFT) * 1000,
    countedAs,
    firstFrameMs: latency === 0 ? null : latency - 1,
  };
}
