import type { SightDocument } from '#catalog';
import type { Command, Sight } from '#geo';

/** Decimals that mean something: a tenth of a millimetre, a hundredth of a millimetre at a kilometre, a ten-thousandth of a pixel. */
const METRES = 1e4;
const DEGREES = 1e7;
const PIXELS = 1e4;
const PX_PER_M = 1e6;

/** A sight as clients read it: the same members, without decimals that mean nothing. */
export function sightAnswer(sight: Sight): SightDocument {
  const { command, preset, pixel } = sight;
  return {
    sees: sight.sees,
    certainty: sight.certainty,
    reason: sight.reason,
    basis: sight.basis,
    ...(preset === undefined ? {} : { preset }),
    ...(command === undefined ? {} : { command: rounded(command) }),
    distanceM: to(METRES, sight.distanceM),
    slantM: to(METRES, sight.slantM),
    // What rounds up to a full turn is north.
    bearingDeg: to(DEGREES, sight.bearingDeg) % 360,
    elevationDeg: to(DEGREES, sight.elevationDeg),
    depthM: orNull(METRES, sight.depthM),
    offAxisDeg: orNull(DEGREES, sight.offAxisDeg),
    edgeMarginDeg: orNull(DEGREES, sight.edgeMarginDeg),
    pixel: pixel === null ? null : { u: to(PIXELS, pixel.u), v: to(PIXELS, pixel.v) },
    pxPerM: orNull(PX_PER_M, sight.pxPerM),
    level: sight.level,
    ground: sight.ground,
    farDerived: sight.farDerived,
    occlusion: sight.occlusion,
  };
}

const to = (scale: number, value: number): number => Math.round(value * scale) / scale + 0;

const orNull = (scale: number, value: number | null): number | null => (value === null ? null : to(scale, value));

const rounded = ({ azimuthDeg, tiltDeg, hfovDeg }: Command): Command => ({
  azimuthDeg: to(DEGREES, azimuthDeg) % 360,
  tiltDeg: to(DEGREES, tiltDeg),
  hfovDeg: orNull(DEGREES, hfovDeg),
});
