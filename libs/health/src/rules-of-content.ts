import type { PictureSignals, ReferenceView } from '#catalog';
import { fault, type Finding, fine, type Look, referenceView, type Rule, unknowable } from './flag-rule.js';
import { lightOf } from './light.js';
import { THRESHOLDS } from './thresholds.js';

/** A rule that only needs what the picture shows. */
const ofSignals =
  (judge: (signals: PictureSignals, look: Look) => Finding): Rule =>
  (look) =>
    look.picture.signals === null ? unknowable('no_picture') : judge(look.picture.signals, look);

const isBlack = ({ mean, darkShare }: PictureSignals): boolean =>
  mean < THRESHOLDS.black.mean && darkShare >= THRESHOLDS.black.darkShare;

const isFlat = ({ sd, bitsPerPixel }: PictureSignals): boolean =>
  sd < THRESHOLDS.flat.sd && bitsPerPixel < THRESHOLDS.flat.bitsPerPixel;

const isOverexposed = ({ mean, sd, brightShare }: PictureSignals): boolean =>
  (mean > THRESHOLDS.overexposed.mean && sd < THRESHOLDS.overexposed.sd) ||
  brightShare > THRESHOLDS.overexposed.brightShare;

/**
 * A card that somebody drew: known as one by its bytes, said to be one, or of plain colours and still. What is black, of one colour or
 * covered is plain and still as well, and has flags of its own; by night a black sky is plain. Writing on black of which not a byte changes is a
 * card all the same, since before a lens a sensor has its noise, and a clock would go on.
 */
export const placeholder: Rule = ({ picture, before, told = {}, scene }) => {
  const { signals, still } = picture;
  if (told.isSourceGone === true) return fault({ isSourceGone: 1 });
  if (signals === null) return unknowable('no_picture');
  const { sd } = signals;
  const isWritten = sd >= THRESHOLDS.covered.sd;
  if (isFlat(signals) || (isBlack(signals) && !isWritten)) return fine({ plainShare: signals.plainShare });
  const same = { samples: picture.samples, since: picture.sameSince ?? 0 };
  const isAsBefore = (run: { readonly samples: number }): boolean => before.still === null || run.samples > 1;
  if (isBlack(signals)) {
    const measured = { plainShare: signals.plainShare, sd };
    return isAsBefore(same) ? fault(measured, same) : fine(measured);
  }
  if ((told.cameras ?? 0) >= THRESHOLDS.placeholder.cameras) return fault({ cameras: told.cameras ?? 0 }, same);
  const isNight = scene !== undefined && scene.sunElevationDeg <= THRESHOLDS.dark.sunAboveDeg;
  const plainShare = isNight ? signals.litPlainShare : signals.plainShare;
  if (plainShare < THRESHOLDS.placeholder.plainShare || !isWritten || still === null) return fine({ plainShare });
  // In what is burnt out, a few grey levels are all that moves: only the very same bytes are still.
  const run = isOverexposed(signals) ? same : { samples: still.samples, since: still.since };
  const measured = { plainShare, changingCells: still.changing.length };
  return isAsBefore(run) ? fault(measured, run) : fine(measured);
};

export const black = ofSignals((signals) => {
  const measured = { mean: signals.mean, darkShare: signals.darkShare };
  return isBlack(signals) ? fault(measured) : fine(measured);
});

export const flat = ofSignals((signals) => {
  const measured = { sd: signals.sd, bitsPerPixel: signals.bitsPerPixel };
  return isFlat(signals) ? fault(measured) : fine(measured);
});

/** Hardly any contrast, and nothing of the reference view in it; a dark or foggy picture still shows its outlines. */
export const covered: Rule = (look) => {
  const { signals, likeness } = look.picture;
  if (signals === null) return unknowable('no_picture');
  if (signals.sd >= THRESHOLDS.covered.sd) return fine({ sd: signals.sd });
  const view = referenceView(look);
  if (typeof view === 'string') return unknowable(view);
  const laplacianShare = signals.laplacianVariance / view.laplacianVariance;
  const like = likeness?.to === view.capturedAt ? likeness.value : 0;
  const measured = { sd: signals.sd, laplacianShare, likeness: like };
  const isCovered = laplacianShare < THRESHOLDS.covered.laplacianShare && like < THRESHOLDS.covered.likeness;
  return isCovered ? fault(measured) : fine(measured);
};

export const overexposed = ofSignals((signals) => {
  const measured = { mean: signals.mean, sd: signals.sd, brightShare: signals.brightShare };
  return isOverexposed(signals) ? fault(measured) : fine(measured);
});

export const dark = ofSignals(({ mean }, { scene }) => {
  if (scene === undefined || scene.sunElevationDeg <= THRESHOLDS.dark.sunAboveDeg) return unknowable('low_sun');
  const measured = { mean, sunElevationDeg: scene.sunElevationDeg };
  return mean < THRESHOLDS.dark.mean ? fault(measured) : fine(measured);
});

/** A rule that compares the picture with the reference in its light. */
const compared =
  (judge: (signals: PictureSignals, view: ReferenceView, look: Look) => Finding): Rule =>
  (look) => {
    const { signals } = look.picture;
    if (signals === null) return unknowable('no_picture');
    const view = referenceView(look);
    return typeof view === 'string' ? unknowable(view) : judge(signals, view, look);
  };

/** Sharpness that does not depend on contrast: Laplacian variance by variance. */
const sharpnessOf = ({ laplacianVariance, sd }: { readonly laplacianVariance: number; readonly sd: number }): number =>
  sd === 0 ? 0 : laplacianVariance / (sd * sd);

export const blurred = compared((signals, view) => {
  const sharpnessShare = sharpnessOf(signals) / sharpnessOf(view);
  return sharpnessShare < THRESHOLDS.blurred.sharpnessShare ? fault({ sharpnessShare }) : fine({ sharpnessShare });
});

export const moved = compared((signals, view, { picture: { likeness }, scene }) => {
  const contrastShare = signals.sd / view.sd;
  const sharpnessShare = sharpnessOf(signals) / sharpnessOf(view);
  const { contrastShare: leastContrast, sharpnessShare: leastSharpness } = THRESHOLDS.moved;
  if (contrastShare < leastContrast || sharpnessShare < leastSharpness) return unknowable('low_contrast');
  if (contrastShare > 1 / leastContrast) return unknowable('faint_reference');
  if (likeness?.to !== view.capturedAt) return unknowable('same_picture');
  const measured = { likeness: likeness.value };
  const isTwilight = scene !== undefined && lightOf(scene.sunElevationDeg) === 'twilight';
  const leastLikeness = isTwilight ? THRESHOLDS.moved.twilightLikeness : THRESHOLDS.moved.likeness;
  return likeness.value < leastLikeness ? fault(measured) : fine(measured);
});
