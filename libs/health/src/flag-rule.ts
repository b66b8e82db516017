import type { Flag, ReferenceView } from '#catalog';
import { expectedPeriodS, type Rhythm } from './due.js';
import type { Unknowable } from './unknowable.js';
import { lightOf } from './light.js';
import type { Measured, PictureState, Seen } from './picture-state.js';

/** What one rule makes of one probe; null: nothing, and what was found before stays. */
export type Finding =
  | {
      readonly state: 'fault' | 'fine';
      readonly measured: Measured;
      /** Of a rule that looks back: how many samples looked like that, and since when. */
      readonly run?: { readonly samples: number; readonly since: number };
    }
  | { readonly state: 'not_checkable'; readonly why: Unknowable }
  | null;

/** One probe as rules see it. */
export interface Look extends Seen {
  /** What was remembered before, and with this picture. */
  readonly before: PictureState;
  readonly picture: PictureState;
  readonly rhythm: Rhythm;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Judges one flag; `raw` is what was found of the flags before it. */
export type Rule = (look: Look, raw: Readonly<Partial<Record<Flag, Finding>>>) => Finding;

export const fault = (measured: Measured, run?: { readonly samples: number; readonly since: number }): Finding => ({
  state: 'fault',
  measured: rounded(measured),
  ...(run === undefined ? {} : { run }),
});
export const fine = (measured: Measured = {}): Finding => ({ state: 'fine', measured: rounded(measured) });
export const unknowable = (why: Unknowable): Finding => ({ state: 'not_checkable', why });

/** Four significant figures: this is shown and kept. */
const rounded = (measured: Measured): Measured =>
  Object.fromEntries(Object.entries(measured).map(([name, value]) => [name, Number(value.toPrecision(4))]));

/** The reference view for the light of now, or why there is none. */
export function referenceView({ scene }: Pick<Look, 'scene'>): ReferenceView | Unknowable {
  if (scene === undefined) return 'no_reference';
  if (!scene.isFixed) return 'turns';
  if (scene.reference === null) return 'no_reference';
  return scene.reference.views[lightOf(scene.sunElevationDeg)] ?? 'no_reference_in_light';
}

/** Gaps that teach how often pictures change. */
const ENOUGH_GAPS = 5;

/**
 * Seconds that pass between two new pictures: declared, else learnt, the median of the last gaps; while few are known, the longest of
 * them, lest a camera that sends a picture every ten minutes be called frozen.
 */
export function periodS(rhythm: Rhythm, gapsS: readonly number[]): number {
  if (rhythm.refreshS !== undefined) return expectedPeriodS(rhythm);
  const sorted = [...gapsS].sort((a, b) => a - b);
  const learnt = sorted[sorted.length < ENOUGH_GAPS ? sorted.length - 1 : Math.floor(sorted.length / 2)] ?? 0;
  return Math.max(expectedPeriodS(rhythm), learnt);
}

/**
 * The rhythm in which a camera is asked, once it is learnt that its picture changes more seldom (probing.md section 9): its interval, twice, four
 * times … as long, up to half the period. What is learnt wavers, and rounds of another length lie anywhere; steps hold them still.
 */
export function paced(rhythm: Rhythm, gapsS: readonly number[]): Rhythm {
  if (rhythm.refreshS !== undefined || gapsS.length < ENOUGH_GAPS) return rhythm;
  const steps = Math.floor(Math.log2(periodS(rhythm, gapsS) / 2 / rhythm.intervalS));
  return steps < 1 ? rhythm : { ...rhythm, refreshS: 2 * rhythm.intervalS * 2 ** steps };
}
