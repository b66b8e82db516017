/** Levels of IEC 62676-4:2025, least pixels per metre, ascending; by JVSG and Axis (the standard's text was not seen). */
export const LEVELS_IEC_2025 = {
  overview: 20,
  outline: 40,
  discern: 80,
  perceive: 125,
  characterise: 250,
  validate: 500,
  scrutinise: 1500,
} as const;
export type LevelIec2025 = keyof typeof LEVELS_IEC_2025 | 'none';

/** Levels of IEC 62676-4:2014 (DORI; withdrawn in October 2025, still on datasheets), least pixels per metre, ascending. */
export const LEVELS_DORI_2014 = {
  monitor: 12.5,
  detect: 25,
  observe: 62.5,
  recognise: 125,
  identify: 250,
  inspect: 1000,
} as const;
export type LevelDori2014 = keyof typeof LEVELS_DORI_2014 | 'none';

/** What one can tell at a place, by both editions. */
export interface Level {
  readonly iec2025: LevelIec2025;
  readonly dori2014: LevelDori2014;
}

/** Whether a density reaches a threshold; both px/m, inclusive. */
export function reaches(pxPerM: number, threshold: number): boolean {
  return pxPerM >= threshold * (1 - 1e-9);
}

/** Levels of a density, px/m. Of a thermal camera the words mean nothing: use px/m only. */
export function levelOf(pxPerM: number): Level {
  return { iec2025: highest(LEVELS_IEC_2025, pxPerM), dori2014: highest(LEVELS_DORI_2014, pxPerM) };
}

function highest<Name extends string>(levels: Readonly<Record<Name, number>>, pxPerM: number): Name | 'none' {
  let reached: Name | 'none' = 'none';
  for (const name of Object.keys(levels) as Name[]) if (reaches(pxPerM, levels[name])) reached = name;
  return reached;
}
