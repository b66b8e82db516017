import type { Flag } from '#catalog';

/**
 * Where a fault begins, by flag, as it is shown beside what was measured (probing.md section 7; calibrated on 13 drawn faults and 30
 * frames of real cameras). Members of the same name as a measured one are its bound.
 */
export const THRESHOLDS = {
  placeholder: { plainShare: 0.4, changingCells: 6, cameras: 3 },
  black: { mean: 16, darkShare: 0.98 },
  // A plain picture takes 0.05 bits a pixel with tables of its own, 0.22 with the standard ones; one in fog 0.42.
  flat: { sd: 2, bitsPerPixel: 0.3 },
  covered: { sd: 5, laplacianShare: 0.05, likeness: 0.16 },
  overexposed: { mean: 200, sd: 30, brightShare: 0.6 },
  dark: { mean: 40, sunAboveDeg: 6 },
  blurred: { sharpnessShare: 0.15 },
  // Of the directions of outlines, and not of the lengths of slopes, of which probing.md says 0.35 (docs/decisions/0014).
  // In twilight the light changes within minutes, and lamps come and go.
  moved: { likeness: 0.16, twilightLikeness: 0.1, contrastShare: 0.5, sharpnessShare: 0.15 },
  frozen: { difference: 0.255, changingCells: 6, periods: 3, leastS: 120 },
  stale: { periods: 3, leastS: 120 },
  no_frame: { rounds: 3, leastS: 900 },
  low_fps: { declaredGaps: 3 },
  clock_skew: { offS: 60 },
} as const satisfies Readonly<Record<Flag, Readonly<Record<string, number>>>>;

/** How long a picture has to look wrong before its flag is raised: so many samples over so many seconds. */
export interface Patience {
  readonly samples: number;
  readonly s: number;
}

const USUAL: Patience = { samples: 3, s: 120 };
/** Rules that look back themselves, over as many samples and more seconds. */
const AT_ONCE: Patience = { samples: 1, s: 0 };

export const PATIENCE: Readonly<Record<Flag, Patience>> = {
  placeholder: USUAL,
  black: USUAL,
  flat: USUAL,
  covered: USUAL,
  overexposed: USUAL,
  dark: { samples: 3, s: 600 },
  // Fog looks the same, and is no fault.
  blurred: { samples: 3, s: 6 * 3_600 },
  moved: USUAL,
  frozen: AT_ONCE,
  stale: USUAL,
  no_frame: AT_ONCE,
  low_fps: USUAL,
  clock_skew: USUAL,
};

/** Good samples in a row before a fault is lifted (S13). */
export const GOOD_TO_LIFT = 2;
