import { clamp, RAD, wrap180, wrap360 } from './angle.js';

/**
 * Where a camera looks, degrees: azimuth clockwise from true north, then tilt above the horizon, then roll clockwise
 * seen from behind, applied in this order about the moving camera axes. At tilt -90 the top of the image points to the
 * azimuth, at +90 its bottom. A camera hung upside down has roll 180, unless its encoder turns the picture.
 */
export interface Pose {
  readonly azimuthDeg: number;
  readonly tiltDeg: number;
  readonly rollDeg: number;
}

/** The camera's axes as unit vectors in east, north, up: image right `r`, image down `d`, forward `f`. */
export interface Axes {
  readonly rE: number;
  readonly rN: number;
  readonly rU: number;
  readonly dE: number;
  readonly dN: number;
  readonly dU: number;
  readonly fE: number;
  readonly fN: number;
  readonly fU: number;
}

/** Axes of a pose; any angles, also beyond their usual ranges. */
export function axesOf({
  azimuthDeg,
  tiltDeg,
  rollDeg = 0,
}: Omit<Pose, 'rollDeg'> & { readonly rollDeg?: number }): Axes {
  const sinA = Math.sin(azimuthDeg * RAD);
  const cosA = Math.cos(azimuthDeg * RAD);
  const sinT = Math.sin(tiltDeg * RAD);
  const cosT = Math.cos(tiltDeg * RAD);
  const sinR = rollDeg === 0 ? 0 : Math.sin(rollDeg * RAD);
  const cosR = rollDeg === 0 ? 1 : Math.cos(rollDeg * RAD);
  // Without roll: right is level, down = forward x right.
  const downE = sinT * sinA;
  const downN = sinT * cosA;
  const downU = -cosT;
  return {
    rE: cosA * cosR + downE * sinR,
    rN: -sinA * cosR + downN * sinR,
    rU: downU * sinR,
    dE: -cosA * sinR + downE * cosR,
    dN: sinA * sinR + downN * cosR,
    dU: downU * cosR,
    fE: sinA * cosT,
    fN: cosA * cosT,
    fU: sinT,
  };
}

/** Below this horizontal length of the axis the azimuth is read from the image's top or bottom. */
const VERTICAL = 1e-9;

/**
 * Pose of orthonormal axes: azimuth in [0, 360), tilt in [-90, 90], roll in (-180, 180]. Straight down the azimuth is
 * where the image top points, straight up where its bottom does; roll is 0 there.
 */
export function poseOf(axes: Axes): Pose {
  const { fE, fN, fU } = axes;
  if (Math.hypot(fE, fN) < VERTICAL) {
    const sign = fU < 0 ? -1 : 1;
    return {
      azimuthDeg: wrap360(Math.atan2(sign * axes.dE, sign * axes.dN) / RAD),
      tiltDeg: sign * 90,
      rollDeg: 0,
    };
  }
  const azimuth = Math.atan2(fE, fN);
  const tilt = Math.asin(clamp(fU, -1, 1));
  const sinA = Math.sin(azimuth);
  const cosA = Math.cos(azimuth);
  const alongRight = axes.rE * cosA - axes.rN * sinA;
  const alongDown = axes.rE * fU * sinA + axes.rN * fU * cosA - axes.rU * Math.cos(tilt);
  return {
    azimuthDeg: wrap360(azimuth / RAD),
    tiltDeg: tilt / RAD,
    rollDeg: wrap180(Math.atan2(alongDown, alongRight) / RAD),
  };
}
