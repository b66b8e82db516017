import type { Rhythm } from './due.js';
import { fault, fine, periodS, type Rule, unknowable } from './flag-rule.js';
import type { PictureState } from './picture-state.js';
import { THRESHOLDS } from './thresholds.js';

/** Seconds for which a picture may stay as it is. */
const lastsS = ({ gapsS }: PictureState, rhythm: Rhythm): number =>
  Math.max(THRESHOLDS.frozen.periods * periodS(rhythm, gapsS), THRESHOLDS.frozen.leastS);

/** Samples that must be alike. */
const ALIKE = 3;

/** Whether the very same picture came for longer than a picture lasts. @param now milliseconds since 1970 */
export const isHeld = (picture: PictureState, rhythm: Rhythm, now: number): boolean =>
  picture.samples >= ALIKE && picture.sameSince !== null && (now - picture.sameSince) / 1000 >= lastsS(picture, rhythm);

/**
 * The same picture in three samples over three of its periods, at least two minutes; or one that differs in a few cells alone. Fewer
 * equal ones say nothing. What has no detail always looks the same.
 */
export const frozen: Rule = ({ picture, before, rhythm, now }, raw) => {
  if (picture.scanHash === null || picture.sameSince === null) return unknowable('no_picture');
  if ((['black', 'flat', 'covered'] as const).some((flag) => raw[flag]?.state === 'fault')) {
    return unknowable('no_detail');
  }
  if (before.scanHash === null) return before.flags.frozen ? null : unknowable('one_picture');
  const limitS = lastsS(picture, rhythm);
  const { samples, sameSince, still } = picture;
  if (isHeld(picture, rhythm, now)) return fault({ samples, sameS: (now - sameSince) / 1000, limitS });
  if (still?.difference != null && still.samples >= ALIKE) {
    const stillS = (now - still.since) / 1000;
    const { difference, changing } = still;
    const measured = { samples: still.samples, sameS: stillS, limitS, difference, changingCells: changing.length };
    if (stillS >= limitS) return fault(measured);
  }
  const hasChanged = picture.scanHash !== before.scanHash && (still === null || still.samples === 1);
  return hasChanged ? fine() : null;
};

/** The source's own time, where it moves with the pictures: many devices send the time of their start with each. */
export const stale: Rule = ({ picture, rhythm, told = {} }) => {
  const { source } = told;
  if (source === undefined || source.ageS < -THRESHOLDS.stale.leastS) return unknowable('no_source_time');
  if (picture.source?.moves === false) return unknowable('fixed_source_time');
  const limitS = Math.max(THRESHOLDS.stale.periods * periodS(rhythm, picture.gapsS), THRESHOLDS.stale.leastS);
  const measured = { sourceAgeS: source.ageS, limitS };
  return source.ageS > limitS ? fault(measured) : fine(measured);
};

/** Pictures seldom enough to be noticed, where a rate is declared and was measured in this probe. */
export const lowFps: Rule = ({ before, told: { declaredGapS, gapS } = {} }) => {
  if (declaredGapS === undefined) return unknowable('no_declared_rate');
  if (gapS === undefined) return before.flags.low_fps?.why === undefined ? null : unknowable('no_measured_rate');
  const measured = { gapS, declaredGapS };
  return gapS > THRESHOLDS.low_fps.declaredGaps * declaredGapS ? fault(measured) : fine(measured);
};

export const clockSkew: Rule = ({ told: { clockOffS } = {} }) => {
  if (clockOffS === undefined) return unknowable('no_device_time');
  return Math.abs(clockOffS) > THRESHOLDS.clock_skew.offS ? fault({ offS: clockOffS }) : fine({ offS: clockOffS });
};

/** A picture came. */
export const pictureCame: Rule = () => fine();

/** How long a device that answers may go without a picture, seconds. */
export const frameLimitS = (everyS: number): number =>
  Math.max(THRESHOLDS.no_frame.leastS, THRESHOLDS.no_frame.rounds * everyS);
