import { describe, expect, test } from '@jest/globals';
import { type CellSums, type Flag, FLAGS, type FlagState, type PictureSignals, type Reference } from '#catalog';
import type { Rhythm } from './due.js';
import { periodS } from './flag-rule.js';
import { faultsOf, hasFault, withoutPicture, withPicture } from './picture-flags.js';
import {
  FIRST_PICTURE,
  type PictureLook,
  type PictureState,
  type Sample,
  type Scene,
  type Seen,
  type Told,
} from './picture-state.js';
import { proposedFor } from './reference.js';

const T0 = Date.UTC(2026, 0, 1);
const RHYTHM: Rhythm = { id: 'a', intervalS: 60, minIntervalS: 10 };
const DAY: Scene = { sunElevationDeg: 40, isFixed: true, reference: null };

/** A good picture by day. */
const GOOD: PictureSignals = {
  mean: 110,
  sd: 45,
  darkShare: 0.05,
  brightShare: 0.02,
  plainShare: 0.03,
  litPlainShare: 0.03,
  laplacianVariance: 2_000,
  bitsPerPixel: 1.2,
};
const REFERENCE: Reference = {
  revision: 1,
  of: 'this view',
  source: 'automatic',
  acceptedAt: '2026-01-01T00:00:00.000Z',
  views: { day: { capturedAt: '2026-01-01T00:00:00.000Z', sd: 45, laplacianVariance: 2_000, outlines: '' } },
};
const COMPARED: Scene = { ...DAY, reference: REFERENCE };
const TWILIGHT: Scene = {
  ...DAY,
  sunElevationDeg: -1,
  reference: { ...REFERENCE, views: { twilight: REFERENCE.views.day! } },
};

/** Cells of a scene; a seed is what moves in it. */
const cells = (seed: number, change: (cell: number) => number = () => 0): CellSums => ({
  plain: Array.from({ length: 144 }, (_, cell) => 11_000 + ((cell * 37 + seed * 1_009) % 600) + change(cell)),
  signed: Array.from({ length: 144 }, (_, cell) => ((cell * 53 + seed * 733) % 500) - 250),
  isClipped: Array.from({ length: 144 }, () => false),
});

let shots = 0;
/** A new picture that shows something else than those before. */
const picture = (signals: Partial<PictureSignals> = {}, more: Partial<PictureLook> = {}): Sample => {
  shots += 1;
  const look = { signals: { ...GOOD, ...signals }, cells: cells(shots), likeness: 0.8, ...more };
  return { scanHash: `shot ${shots}`, look };
};

interface Watch {
  readonly everyS?: number;
  readonly rhythm?: Rhythm;
  readonly scene?: Scene;
  readonly told?: Told;
  readonly from?: PictureState;
  readonly startS?: number;
}

/** Every state after each sample. */
function watch(
  samples: readonly Sample[],
  { everyS = 60, rhythm = RHYTHM, scene, told, from, startS = 0 }: Watch = {},
) {
  let state = from ?? FIRST_PICTURE;
  return samples.map((sample, i) => {
    const seen: Seen = { sample, ...(scene === undefined ? {} : { scene }), ...(told === undefined ? {} : { told }) };
    state = withPicture(state, seen, rhythm, T0 + (startS + i * everyS) * 1000);
    return state;
  });
}

const last = (states: readonly PictureState[]): PictureState => {
  const state = states.at(-1);
  if (state === undefined) throw new Error('bug: nothing was watched');
  return state;
};
const statesOf = (flag: Flag, states: readonly PictureState[]): (FlagState | undefined)[] =>
  states.map(({ flags }) => flags[flag]?.state);
const faults = (state: PictureState): Flag[] => FLAGS.filter((flag) => state.flags[flag]?.state === 'fault');
const times = (n: number, make: () => Sample): Sample[] => Array.from({ length: n }, make);

describe('what one picture after the other shows, by flag', () => {
  const covered = { mean: 60, sd: 3.5, laplacianVariance: 2, plainShare: 0.9, litPlainShare: 0.9 };
  test.each<[string, Flag | null, Partial<PictureSignals>, Partial<PictureLook>, Scene]>([
    ['a good picture', null, {}, {}, COMPARED],
    [
      'black',
      'black',
      { mean: 6, sd: 2, darkShare: 1, plainShare: 1, laplacianVariance: 1 },
      { likeness: null },
      COMPARED,
    ],
    ['nearly black', null, { mean: 15, sd: 9, darkShare: 0.97 }, {}, { ...COMPARED, sunElevationDeg: -20 }],
    [
      'one colour',
      'flat',
      { mean: 128, sd: 0.5, bitsPerPixel: 0.049, plainShare: 1, laplacianVariance: 0 },
      { likeness: null },
      COMPARED,
    ],
    ['covered', 'covered', covered, { likeness: 0.02 }, COMPARED],
    [
      'covered by fog that lets the outlines through',
      null,
      { ...covered, plainShare: 0.2 },
      { likeness: 0.4 },
      COMPARED,
    ],
    ['too bright', 'overexposed', { mean: 214, sd: 23, laplacianVariance: 600 }, {}, COMPARED],
    ['burnt out', 'overexposed', { mean: 190, sd: 60, brightShare: 0.61, laplacianVariance: 3_000 }, {}, COMPARED],
    ['elsewhere', 'moved', {}, { likeness: 0.1 }, COMPARED],
    ['shifted by a twentieth', null, {}, { likeness: 0.3 }, COMPARED],
    ['much the same in twilight', null, {}, { likeness: 0.11 }, TWILIGHT],
    ['elsewhere in twilight', 'moved', {}, { likeness: 0.09 }, TWILIGHT],
    ['fog', null, { mean: 150, sd: 26, laplacianVariance: 250 }, { likeness: 0.4 }, COMPARED],
  ])('%s: %s', (_what, flag, signals, more, scene) => {
    const states = watch(
      times(4, () => picture(signals, more)),
      { scene },
    );
    expect(faults(last(states))).toEqual(flag === null ? [] : [flag]);
    // Three samples and two minutes: the first two raise nothing.
    expect(states.slice(0, 2).flatMap(faults)).toEqual([]);
    if (flag === null) return;
    expect(statesOf(flag, states)).toEqual(['not_checkable', 'not_checkable', 'fault', 'fault']);
    const mended = watch(
      times(2, () => picture()),
      { scene, from: last(states), startS: 240 },
    );
    expect(mended.map(faults)).toEqual([[flag], []]);
  });

  test('three samples within a minute are too short, two in an hour too few', () => {
    const black = () => picture({ mean: 6, sd: 4, darkShare: 1 });
    expect(faults(last(watch(times(3, black), { everyS: 20 })))).toEqual([]);
    expect(faults(last(watch(times(2, black), { everyS: 3_600 })))).toEqual([]);
    expect(faults(last(watch(times(7, black), { everyS: 20 })))).toEqual(['black']);
  });

  test('two good pictures among bad ones begin the count anew, one does not', () => {
    const black = () => picture({ mean: 6, sd: 4, darkShare: 1 });
    const anew = watch([black(), black(), picture(), picture(), black(), black(), black()]);
    expect(statesOf('black', anew)).toEqual([
      'not_checkable',
      'not_checkable',
      'fine',
      'fine',
      'fine',
      'fine',
      'fault',
    ]);
    const turning = watch([black(), picture(), black(), picture(), black()]);
    expect(statesOf('black', turning)).toEqual(['not_checkable', 'fine', 'fine', 'fine', 'fault']);
  });

  test('a dark picture is a fault by day alone, and after ten minutes', () => {
    const dark = () => picture({ mean: 30, sd: 12 }, { likeness: 0.6 });
    const day = watch(times(12, dark), { scene: COMPARED });
    expect(statesOf('dark', day).indexOf('fault')).toBe(10);
    expect(faults(last(day))).toEqual(['dark']);
    for (const sunElevationDeg of [6, 0, -30]) {
      expect(last(watch(times(12, dark), { scene: { ...COMPARED, sunElevationDeg } })).flags.dark).toMatchObject({
        state: 'not_checkable',
        why: 'low_sun',
      });
    }
    // Night falls on a dark camera.
    const night = watch([dark()], { scene: { ...COMPARED, sunElevationDeg: 2 }, from: last(day), startS: 900 });
    expect(faults(last(night))).toEqual([]);
  });

  test('blurred for six hours is a fault, for five it may be fog', () => {
    const blurred = () => picture({ laplacianVariance: 40 }, { likeness: 0.5 });
    const states = watch(times(40, blurred), { everyS: 600, scene: COMPARED });
    expect(statesOf('blurred', states).indexOf('fault')).toBe(36);
    // Night passes: nothing is said of the view without a reference in that light, and nothing is forgotten.
    const night = watch([blurred()], {
      scene: { ...COMPARED, sunElevationDeg: -20 },
      from: last(states),
      startS: 24_600,
    });
    expect(faults(last(night))).toEqual(['blurred']);
  });

  test('the first that explains the picture is told, the rest is not checkable', () => {
    const moved = watch(
      times(3, () => picture({}, { likeness: 0.05 })),
      { scene: COMPARED },
    );
    expect(faults(last(moved))).toEqual(['moved']);
    const black = watch(
      times(3, () => picture({ mean: 5, sd: 3, darkShare: 1 }, { likeness: 0 })),
      {
        scene: COMPARED,
        from: last(moved),
        startS: 200,
      },
    );
    // Until it is sure that the picture is black, it is still known to have moved.
    expect(black.map(faults)).toEqual([['moved'], ['moved'], ['black']]);
    for (const flag of ['covered', 'overexposed', 'dark', 'blurred', 'moved'] as const) {
      expect(last(black).flags[flag]).toMatchObject({ state: 'not_checkable', why: 'outranked' });
    }
  });

  test('what another flag explains is not counted either', () => {
    const black = () => picture({ mean: 5, darkShare: 1 }, { likeness: 0 });
    const states = watch([black(), black(), picture({}, { likeness: 0 })], { scene: COMPARED });
    expect(last(states).flags.moved).toMatchObject({ state: 'not_checkable', why: 'pending', bad: 1 });
  });
});

describe('a reference', () => {
  const bad = () => picture({ laplacianVariance: 40, sd: 3, mean: 60 }, { likeness: 0.05 });

  test.each<[string, Scene, string]>([
    ['none', DAY, 'no_reference'],
    ['none in this light', { ...COMPARED, sunElevationDeg: -20 }, 'no_reference_in_light'],
    ['that of a camera that turns', { ...COMPARED, isFixed: false }, 'turns'],
  ])('%s: nothing is compared', (_what, scene, why) => {
    const { flags } = last(watch(times(5, bad), { scene }));
    for (const flag of ['covered', 'blurred', 'moved'] as const) {
      expect(flags[flag]).toMatchObject({ state: 'not_checkable', why });
    }
  });

  test('too little contrast, or a faint reference: whether it moved is not said', () => {
    const scene = COMPARED;
    expect(
      last(
        watch(
          times(4, () => picture({ sd: 20 }, { likeness: 0 })),
          { scene },
        ),
      ).flags.moved,
    ).toMatchObject({
      state: 'not_checkable',
      why: 'low_contrast',
    });
    const faint = { ...REFERENCE, source: 'operator' as const, views: { day: { ...REFERENCE.views.day!, sd: 20 } } };
    const states = watch(
      times(4, () => picture({}, { likeness: 0 })),
      { scene: { ...DAY, reference: faint } },
    );
    expect(last(states).flags.moved).toMatchObject({ state: 'not_checkable', why: 'faint_reference' });
  });

  test('accepting the present view is a new beginning', () => {
    const moved = watch(
      times(3, () => picture({}, { likeness: 0.05 })),
      { scene: COMPARED },
    );
    expect(faults(last(moved))).toEqual(['moved']);
    const accepted: Reference = {
      ...REFERENCE,
      revision: 2,
      source: 'operator',
      acceptedAt: '2026-01-01T00:03:00.000Z',
      views: { day: { ...REFERENCE.views.day!, capturedAt: '2026-01-01T00:02:00.000Z' } },
    };
    const after = watch([picture({}, { likeness: 0.9 })], {
      scene: { ...DAY, reference: accepted },
      from: last(moved),
      startS: 200,
    });
    expect(last(after).flags.moved?.state).toBe('fine');
  });

  test('the first good picture of a light is proposed, and no bad one', () => {
    const proposed = (samples: readonly Sample[], scene: Scene) =>
      proposedFor(last(watch(samples, { scene })), scene, T0);
    expect(proposed([picture()], DAY)).toBe('day');
    expect(proposed([picture({ mean: 40 })], { ...COMPARED, sunElevationDeg: -20 })).toBe('night');
    expect(proposed([picture()], { ...DAY, sunElevationDeg: 0 })).toBe('twilight');
    expect(proposed([picture()], COMPARED)).toBeNull();
    expect(proposed([picture()], { ...DAY, isFixed: false })).toBeNull();
    expect(proposed([picture({ mean: 6, sd: 12, darkShare: 1 })], DAY)).toBeNull();
    expect(proposed([picture({ sd: 9 })], DAY)).toBeNull();
    expect(proposed([picture({ sd: 30, laplacianVariance: 15_000 })], DAY)).toBeNull();
    expect(proposed([picture({ plainShare: 0.5 })], DAY)).toBeNull();
    // The same bytes again are not looked at: there is nothing to take.
    const once = picture();
    expect(proposed([once, once], DAY)).toBeNull();
  });

  test('fog that became a reference gives way to a clear picture; seasons are followed after 30 faultless days', () => {
    const foggy = { ...REFERENCE, views: { day: { ...REFERENCE.views.day!, sd: 20 } } };
    const scene = { ...DAY, reference: foggy };
    expect(proposedFor(last(watch([picture()], { scene })), scene, T0)).toBe('day');
    const accepted = { ...scene, reference: { ...foggy, source: 'operator' as const } };
    expect(proposedFor(last(watch([picture()], { scene: accepted })), accepted, T0)).toBeNull();
    const faultless = watch(
      times(32, () => picture()),
      { everyS: 86_400, scene: COMPARED },
    );
    const proposals = faultless.map((state, day) => proposedFor(state, COMPARED, T0 + day * 86_400_000));
    expect(proposals.indexOf('day')).toBe(31);
  });
});

describe('frozen', () => {
  const same = { scanHash: 'same' };
  const others = (n: number): Sample[] => times(n, () => ({ scanHash: `other ${(shots += 1)}` }));

  test('the same picture three periods long, in three samples', () => {
    expect(statesOf('frozen', watch([same, same, same, same, same]))).toEqual([
      'not_checkable',
      'not_checkable',
      'not_checkable',
      'fault',
      'fault',
    ]);
  });

  test('three samples within a minute are too few seconds, two in an hour too few samples', () => {
    expect(last(watch([...others(2), same, same, same, same], { everyS: 10 })).flags.frozen?.state).toBe('fine');
    expect(last(watch([...others(2), same, same], { everyS: 3_600 })).flags.frozen?.state).toBe('fine');
  });

  test('not modified is the same picture', () => {
    expect(faults(last(watch([same, 'unchanged', 'unchanged', 'unchanged'])))).toEqual(['frozen']);
  });

  test('a camera that declares a new picture every 10 min is given half an hour', () => {
    const rhythm = { ...RHYTHM, refreshS: 600 };
    expect(faults(last(watch([...others(2), ...times(30, () => same)], { rhythm })))).toEqual([]);
    expect(faults(last(watch([...others(2), ...times(31, () => same)], { rhythm })))).toEqual(['frozen']);
  });

  test('how often pictures change is learnt: from the longest gap, then from the middle one', () => {
    const held = (n: number): Sample[] => {
      shots += 1;
      const one = { scanHash: `held ${shots}` };
      return times(n, () => one);
    };
    // A new picture every five minutes, undeclared: once it is taken for frozen, and never again.
    const states = watch(times(12, () => null).flatMap(() => held(5)));
    const faulty = statesOf('frozen', states).map((state) => state === 'fault');
    expect(faulty.lastIndexOf(true)).toBeLessThan(11);
    expect(last(states).gapsS).toEqual(times(8, () => null).map(() => 300));
    // A gap in which the camera was away teaches nothing.
    const away = withoutPicture(last(states), false, RHYTHM, T0 + 4e6);
    expect(last(watch(held(1), { from: away, startS: 90_000 })).gapsS).toEqual(last(states).gapsS);
  });

  test('while little is known the longest gap counts, then the middle one, and what is declared before both', () => {
    expect(periodS(RHYTHM, [])).toBe(60);
    expect(periodS(RHYTHM, [60, 600, 60, 61])).toBe(600);
    expect(periodS(RHYTHM, [60, 600, 60, 61, 90])).toBe(61);
    expect(periodS(RHYTHM, [5, 5, 5, 5, 5])).toBe(60);
    expect(periodS({ ...RHYTHM, refreshS: 7 }, [60, 600])).toBe(7);
  });

  test('lifted by the second new picture, also where each comes twice', () => {
    const frozen = [same, same, same, same];
    expect(statesOf('frozen', watch([...frozen, ...others(2)])).slice(-2)).toEqual(['fault', 'fine']);
    const twice = [{ scanHash: 'b' }, { scanHash: 'b' }, { scanHash: 'c' }, { scanHash: 'c' }];
    expect(statesOf('frozen', watch([...frozen, ...twice])).slice(-4)).toEqual(['fault', 'fault', 'fine', 'fine']);
  });

  test('a picture that is not seen cannot be judged', () => {
    expect(statesOf('frozen', watch([null, null, same]))).toEqual(['not_checkable', 'not_checkable', 'not_checkable']);
  });

  /** Pictures of one scene that differ in some cells, by some sum. */
  const still = (n: number, changing: number, by: (cell: number, shot: number) => number): Sample[] =>
    Array.from({ length: n }, (_, shot) =>
      picture({}, { cells: cells(7, (cell) => (cell < changing ? shot * 700 : by(cell, shot))) }),
    );
  // A pixel's noise of a mean of 0.60 moves the sum of a hundred by 7.5 (deviation); a still picture is below 0.255.
  const noise = (deviation: number) => (cell: number, shot: number) =>
    Math.round(deviation * Math.SQRT2 * Math.sin(cell * 12.9898 + shot * 78.233));

  test.each<[string, Sample[], boolean]>([
    ['a running clock', still(6, 4, () => 0), true],
    ['a clock, encoded anew each time', still(6, 6, noise(1.5)), true],
    ['more than a clock', still(6, 7, () => 0), false],
    ['the noise of a sensor', still(6, 0, noise(7.5)), false],
    ['noise, and light that rises by a grey level a minute', still(6, 0, (_cell, shot) => shot * 100), false],
  ])('%s: %#', (_what, samples, isFrozen) => {
    expect(faults(last(watch(samples, { scene: COMPARED })))).toEqual(isFrozen ? ['frozen'] : []);
  });

  test('where noise cannot show, stillness says nothing', () => {
    const clipped = Array.from({ length: 144 }, (_, cell) => cell > 20);
    const night = Array.from({ length: 8 }, () =>
      picture({ mean: 30 }, { cells: { ...cells(3), isClipped: clipped } }),
    );
    expect(faults(last(watch(night, { scene: { ...COMPARED, sunElevationDeg: -20 } })))).toEqual([]);
  });

  test('cells under masks are left out', () => {
    const masked = (sums: CellSums): CellSums => ({ ...sums, plain: sums.plain.map((sum, i) => (i < 100 ? -1 : sum)) });
    const samples = Array.from({ length: 6 }, (_, shot) =>
      picture({}, { cells: masked(cells(7, (c) => (c < 100 ? shot * 500 : 0))) }),
    );
    expect(faults(last(watch(samples, { scene: COMPARED })))).toEqual(['frozen']);
  });
});

describe('a card', () => {
  const plain = { plainShare: 0.51, litPlainShare: 0.51, sd: 30, mean: 90 };
  const card = (clock: number): Sample =>
    picture(plain, { cells: cells(5, (cell) => (cell === 3 ? clock * 900 : 0)), likeness: 0 });

  test('plain and still is found in the third sample, a clock on it or not, and nothing else is', () => {
    const drawn = picture(plain);
    expect(watch([drawn, drawn, drawn, drawn], { scene: COMPARED }).map(faults)).toEqual([
      [],
      [],
      ['placeholder'],
      ['placeholder'],
    ]);
    const states = watch([card(0), card(1), card(2), card(3), card(4), card(5)], { scene: COMPARED });
    expect(statesOf('placeholder', states).indexOf('fault')).toBe(2);
    expect(faults(last(states))).toEqual(['placeholder']);
  });

  test('a plain scene in which something moves is none', () => {
    expect(
      faults(
        last(
          watch(
            times(9, () => picture(plain)),
            { scene: COMPARED },
          ),
        ),
      ),
    ).toEqual([]);
  });

  test('by night a black sky is plain too', () => {
    const night = { ...COMPARED, sunElevationDeg: -20 };
    const street = picture({ plainShare: 0.6, litPlainShare: 0.05, mean: 30 });
    expect(faults(last(watch([street, street, street], { scene: night })))).toEqual([]);
  });

  test('known from other cameras, or said to be one', () => {
    const photo = picture();
    const { flags } = last(watch([photo, photo, photo], { told: { cameras: 3 }, scene: COMPARED }));
    expect(flags.placeholder).toMatchObject({ state: 'fault', measured: { cameras: 3 } });
    expect(faults(last(watch([photo, photo, photo], { told: { cameras: 2 }, scene: COMPARED })))).toEqual([]);
    expect(
      faults(
        last(
          watch(
            times(3, () => picture()),
            { told: { isSourceGone: true } },
          ),
        ),
      ),
    ).toEqual(['placeholder']);
    const black = picture({ mean: 5, sd: 3, darkShare: 1 });
    expect(faults(last(watch([black, black, black], { told: { cameras: 9 } })))).toEqual(['black']);
  });

  test('letters on black are one where not a byte changes; with noise, or with a clock that goes on, the lens is covered', () => {
    const lettered = { mean: 2, sd: 14, darkShare: 0.985, plainShare: 0.95, litPlainShare: 0 };
    const drawn = picture(lettered);
    const states = watch([drawn, drawn, drawn], { scene: COMPARED });
    expect(states.map(faults)).toEqual([[], [], ['placeholder']]);
    expect(last(states).flags.black).toMatchObject({ state: 'not_checkable', why: 'outranked' });
    const noisy = watch(
      times(4, () => picture(lettered)),
      { scene: COMPARED },
    );
    expect(faults(last(noisy))).toEqual(['black']);
  });
});

describe('what the source says', () => {
  const at = (takenS: number, nowS: number): Told => ({ source: { at: T0 + takenS * 1000, ageS: nowS - takenS } });
  const tell = (told: (i: number) => Told, samples: readonly Sample[], scene: Scene = COMPARED): PictureState => {
    let state = FIRST_PICTURE;
    samples.forEach(
      (sample, i) => (state = withPicture(state, { sample, scene, told: told(i) }, RHYTHM, T0 + i * 60_000)),
    );
    return state;
  };

  test('a picture of three hours ago is stale, and nothing else is said of it', () => {
    const file = picture({}, { likeness: 0 });
    expect(
      faults(tell((i) => at(-10_800, i * 60), [file, 'unchanged', 'unchanged', 'unchanged', 'unchanged'])),
    ).toEqual(['stale']);
    // A mirror that is three hours late.
    expect(
      faults(
        tell(
          (i) => at(i * 60 - 10_800, i * 60),
          times(5, () => picture({}, { likeness: 0 })),
        ),
      ),
    ).toEqual(['stale']);
  });

  test('a time that stays while pictures change is that of something else', () => {
    const state = tell(
      (i) => at(-10_800, i * 60),
      times(5, () => picture()),
    );
    expect(state.flags.stale).toMatchObject({ state: 'not_checkable', why: 'fixed_source_time' });
    expect(faults(state)).toEqual([]);
  });

  test('a fresh one is fine, one from the future and none at all say nothing', () => {
    expect(
      tell(
        (i) => at(i * 60 - 3, i * 60),
        times(5, () => picture()),
      ).flags.stale?.state,
    ).toBe('fine');
    expect(
      tell(
        (i) => at(i * 60 + 3_600, i * 60),
        times(5, () => picture()),
      ).flags.stale?.state,
    ).toBe('not_checkable');
    expect(
      tell(
        () => ({}),
        times(5, () => picture()),
      ).flags.stale?.state,
    ).toBe('not_checkable');
  });

  test('a clock that is off and pictures that come seldom inform, and degrade nothing', () => {
    const state = tell(
      () => ({ clockOffS: -75, declaredGapS: 0.2, gapS: 0.9 }),
      times(4, () => picture()),
    );
    expect(faults(state)).toEqual(['low_fps', 'clock_skew']);
    expect([hasFault(state), faultsOf(state.flags)]).toEqual([false, []]);
    expect(state.faultlessSince).toBe(T0);
    const well = tell(
      () => ({ clockOffS: 59, declaredGapS: 0.2, gapS: 0.6 }),
      times(4, () => picture()),
    );
    expect([well.flags.low_fps?.state, well.flags.clock_skew?.state]).toEqual(['fine', 'fine']);
    // Measured in one probe of ten: between, what was found stays.
    const between = withPicture(well, { sample: picture(), told: { declaredGapS: 0.2 } }, RHYTHM, T0 + 300_000);
    expect(between.flags.low_fps?.state).toBe('fine');
  });
});

describe('no_frame', () => {
  test('reached without a picture for 15 min, or three intervals', () => {
    const slow = { ...RHYTHM, intervalS: 600 };
    for (const [rhythm, atS, state] of [
      [RHYTHM, 899, 'fine'],
      [RHYTHM, 900, 'fault'],
      [slow, 1_799, 'fine'],
      [slow, 1_800, 'fault'],
    ] as const) {
      const seen = withPicture(FIRST_PICTURE, { sample: { scanHash: 'a' } }, rhythm, T0);
      expect(withoutPicture(seen, true, rhythm, T0 + atS * 1000).flags.no_frame?.state).toBe(state);
      expect(withoutPicture(seen, false, rhythm, T0 + atS * 1000).flags.no_frame?.state).toBe('not_checkable');
    }
  });
});

test('whatever comes in whatever order: flags are never silent, never raised at once, and JSON', () => {
  let random = 7;
  const draw = (below: number): number => {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((random / 2 ** 32) * below);
  };
  const looks: (() => Sample)[] = [
    () => picture(),
    () => picture({ mean: 5, sd: 1, darkShare: 1, bitsPerPixel: 0.02 }, { likeness: null }),
    () => picture({ plainShare: 0.8, litPlainShare: 0.8 }),
    () => picture({ sd: 2, laplacianVariance: 1 }, { likeness: 0 }),
    () => picture({}, { likeness: -0.1 }),
    () => picture({ sd: 0, laplacianVariance: 0 }, { likeness: null }),
    () => ({ scanHash: 'known' }),
    () => 'unchanged',
    () => null,
  ];
  for (let run = 0; run < 60; run += 1) {
    let state = FIRST_PICTURE;
    let now = T0;
    for (let i = 0; i < 25; i += 1) {
      now += 1_000 * (1 + draw(90));
      const scene = {
        sunElevationDeg: draw(120) - 60,
        isFixed: draw(4) > 0,
        reference: draw(3) > 0 ? REFERENCE : null,
      };
      const before = state;
      state =
        draw(5) === 0
          ? withoutPicture(state, draw(2) === 0, RHYTHM, now)
          : withPicture(state, { sample: looks[draw(looks.length)]!(), scene, told: {} }, RHYTHM, now);
      for (const flag of FLAGS) {
        const found = state.flags[flag];
        const isSilent = found !== undefined && (found.state === 'not_checkable') !== (found.why !== undefined);
        const isNew = found?.state === 'fault' && before.flags[flag]?.state !== 'fault';
        const isHasty = isNew && flag !== 'no_frame' && now - T0 < 120_000;
        if (isSilent || isHasty) throw new Error(`${flag} in run ${run}: ${JSON.stringify(found)}`);
      }
    }
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
  }
});
