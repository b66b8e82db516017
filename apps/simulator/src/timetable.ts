/** What happens when: one step after the other, and perhaps all of them over and over. */
export interface Timetable<Of> {
  readonly steps: readonly { readonly of: Of; /** How long it lasts; Infinity: for good. */ readonly forMs: number }[];
  readonly repeats: boolean;
}

/** The step of a moment, and from when to when it lasts. */
export interface Step<Of> {
  readonly of: Of;
  readonly sinceMs: number;
  /** Infinity where nothing comes after it. */
  readonly untilMs: number;
}

/** A timetable that holds one thing for good. */
export const always = <Of>(of: Of): Timetable<Of> => ({ steps: [{ of, forMs: Infinity }], repeats: false });

/** The step at a moment of a timetable that began at `startMs`; null once it is over. Clocks that were set back show the first step. */
export function stepAt<Of>({ steps, repeats }: Timetable<Of>, startMs: number, nowMs: number): Step<Of> | null {
  const roundMs = steps.reduce((sum, { forMs }) => sum + forMs, 0);
  const rounds = repeats && roundMs > 0 && roundMs < Infinity ? Math.floor(Math.max(0, nowMs - startMs) / roundMs) : 0;
  let sinceMs = startMs + rounds * (rounds > 0 ? roundMs : 0);
  for (const { of, forMs } of steps) {
    if (nowMs < sinceMs + forMs) return { of, sinceMs, untilMs: sinceMs + forMs };
    sinceMs += forMs;
  }
  return null;
}
