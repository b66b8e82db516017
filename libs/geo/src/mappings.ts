import { RAD, wrap180, wrap360 } from './angle.js';
import type { GeoCamera, LonLat, View } from './camera.js';
import { knownOf } from './completeness.js';
import { type Axes, axesOf, type Pose, poseOf } from './pose.js';

/** OGC GeoPose 1.0, Basic-YPR. Degrees; intrinsic Z-Y-X in east, north, up; identity looks east. */
export interface GeoPose {
  readonly position: { readonly lat: number; readonly lon: number; readonly h: number };
  readonly angles: { readonly yaw: number; readonly pitch: number; readonly roll: number };
}

/**
 * GeoPose of a camera. The standard leaves open which body axis is the lens: here X is forward, Y left, Z up.
 * @param h ellipsoidal by the standard; of the optical centre
 */
export function toGeoPose([lon, lat]: LonLat, h: number, { azimuthDeg, tiltDeg, rollDeg }: Pose): GeoPose {
  return {
    position: { lat, lon, h },
    angles: { yaw: wrap180(90 - azimuthDeg), pitch: -tiltDeg + 0, roll: wrap180(rollDeg) },
  };
}

/** Pose of a GeoPose; inverse of {@link toGeoPose}. */
export function fromGeoPose({ angles: { yaw, pitch, roll } }: Pick<GeoPose, 'angles'>): Pose {
  return { azimuthDeg: wrap360(90 - yaw), tiltDeg: -pitch + 0, rollDeg: wrap180(roll) };
}

/** Unit quaternion. */
export interface Quaternion {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly w: number;
}

/** Quaternion of a GeoPose (Basic-Quaternion): Rz(yaw) Ry(pitch) Rx(roll), w ≥ 0. */
export function geoPoseQuaternion({ angles: { yaw, pitch, roll } }: Pick<GeoPose, 'angles'>): Quaternion {
  const [sz, cz] = [Math.sin((yaw * RAD) / 2), Math.cos((yaw * RAD) / 2)];
  const [sy, cy] = [Math.sin((pitch * RAD) / 2), Math.cos((pitch * RAD) / 2)];
  const [sx, cx] = [Math.sin((roll * RAD) / 2), Math.cos((roll * RAD) / 2)];
  const w = cz * cy * cx + sz * sy * sx;
  const sign = w < 0 ? -1 : 1;
  return {
    x: sign * (cz * cy * sx - sz * sy * cx),
    y: sign * (cz * sy * cx + sz * cy * sx),
    z: sign * (sz * cy * cx - cz * sy * sx),
    w: sign * w,
  };
}

/** A row of ArcGIS Oriented Imagery. Pitch 0 looks straight down, 90 at the horizon; distances are horizontal. */
export interface OrientedImagery {
  /** -999 = unknown. */
  readonly CameraHeading?: number | undefined;
  readonly CameraPitch?: number | undefined;
  readonly CameraRoll?: number | undefined;
  readonly HFOV?: number | undefined;
  readonly VFOV?: number | undefined;
  readonly CameraHeight?: number | undefined;
  readonly NearDistance?: number | undefined;
  readonly FarDistance?: number | undefined;
}

const UNKNOWN_HEADING = -999;

/** A camera's view as ArcGIS has it; null where its roll is beyond ±90, which that system does not know. */
export function toOrientedImagery(camera: Pick<GeoCamera, 'view' | 'heightM'>): OrientedImagery | null {
  const { view = {}, heightM } = camera;
  const { azimuthDeg, tiltDeg, rollDeg = 0 } = view;
  if (Math.abs(rollDeg) > 90) return null;
  const { hfovDeg, vfovDeg, nearM, farM } = knownOf(camera);
  const onGround = (slantM: number): number => Math.sqrt(Math.max(0, slantM ** 2 - (heightM ?? 0) ** 2));
  return {
    CameraHeading: azimuthDeg ?? UNKNOWN_HEADING,
    CameraPitch: tiltDeg === undefined ? undefined : tiltDeg + 90,
    CameraRoll: rollDeg,
    HFOV: hfovDeg ?? undefined,
    VFOV: vfovDeg ?? undefined,
    CameraHeight: heightM,
    NearDistance: onGround(nearM),
    FarDistance: farM === null ? undefined : onGround(farM),
  };
}

/** View and height of an ArcGIS row; what it lacks stays absent. */
export function fromOrientedImagery(row: OrientedImagery): {
  readonly view: View;
  readonly heightM?: number | undefined;
} {
  const { CameraHeading: heading, CameraPitch: pitch, CameraRoll: roll, CameraHeight: heightM } = row;
  const slant = (groundM: number | undefined): number | undefined =>
    groundM === undefined ? undefined : Math.hypot(groundM, heightM ?? 0);
  return {
    view: {
      azimuthDeg: heading === undefined || heading === UNKNOWN_HEADING ? undefined : wrap360(heading),
      tiltDeg: pitch === undefined ? undefined : pitch - 90,
      rollDeg: roll,
      hfovDeg: row.HFOV,
      vfovDeg: row.VFOV,
      nearM: row.NearDistance === 0 ? 0 : slant(row.NearDistance),
      farM: slant(row.FarDistance),
    },
    heightM,
  };
}

/** Orientation of a KML Camera: tilt 0 looks straight down. The sign of its roll is unverified. */
export function toKmlCamera({ azimuthDeg, tiltDeg, rollDeg }: Pose): {
  readonly heading: number;
  readonly tilt: number;
  readonly roll: number;
} {
  return { heading: azimuthDeg, tilt: tiltDeg + 90, roll: wrap180(-rollDeg) };
}

/**
 * View of an ONVIF GeoOrientation (-180..180, "ENU"). The standard never says in words what yaw's zero and sign are; the PTZ
 * annex calls it the offset of pan 0 from north, and it does not follow a turning camera. So: source `device`, and never over
 * another source.
 */
export function fromGeoOrientation({ yaw }: { readonly yaw: number }): Pick<View, 'azimuthDeg' | 'source'> {
  return { azimuthDeg: wrap360(yaw), source: 'device' };
}

/** How a device's pan and tilt lie in the world. */
export interface PanTiltMounting {
  /** True azimuth of pan 0. */
  readonly pan0AzimuthDeg: number;
  /** 1 where a growing pan turns right. */
  readonly panSign?: 1 | -1 | undefined;
  /** Tilt of the device's tilt 0. */
  readonly tilt0Deg?: number | undefined;
}

/** Azimuth and tilt of a device's pan and tilt, degrees. */
export function fromPanTilt(
  { pan0AzimuthDeg, panSign = 1, tilt0Deg = 0 }: PanTiltMounting,
  panDeg: number,
  tiltDeg: number,
): { readonly azimuthDeg: number; readonly tiltDeg: number } {
  return { azimuthDeg: wrap360(pan0AzimuthDeg + panSign * panDeg), tiltDeg: tilt0Deg + tiltDeg };
}

/** Pan and tilt that look there, degrees; pan in (-180, 180]. Inverse of {@link fromPanTilt}. */
export function toPanTilt(
  { pan0AzimuthDeg, panSign = 1, tilt0Deg = 0 }: PanTiltMounting,
  { azimuthDeg, tiltDeg }: Pick<Pose, 'azimuthDeg' | 'tiltDeg'>,
): { readonly panDeg: number; readonly tiltDeg: number } {
  return { panDeg: wrap180(panSign * wrap180(azimuthDeg - pan0AzimuthDeg)), tiltDeg: tiltDeg - tilt0Deg };
}

/**
 * Degrees of a position in ONVIF's generic space [-1, 1], linear over the declared range. Pan and tilt only: generic zoom has
 * no defined relation to a field of view.
 */
export function fromGenericSpace(value: number, minDeg: number, maxDeg: number): number {
  return minDeg + ((value + 1) / 2) * (maxDeg - minDeg);
}

/** Angles of a platform and of a sensor on it, MISB ST 0601, degrees. */
export interface MisbAngles {
  readonly platformHeadingDeg: number;
  readonly platformPitchDeg: number;
  readonly platformRollDeg: number;
  readonly sensorAzimuthDeg: number;
  readonly sensorElevationDeg: number;
  readonly sensorRollDeg: number;
}

/** Pose of a sensor on a platform: the rotations composed, never the angles added. */
export function fromMisb(angles: MisbAngles): Pose {
  const platform = axesOf({
    azimuthDeg: angles.platformHeadingDeg,
    tiltDeg: angles.platformPitchDeg,
    rollDeg: angles.platformRollDeg,
  });
  const sensor = axesOf({
    azimuthDeg: angles.sensorAzimuthDeg,
    tiltDeg: angles.sensorElevationDeg,
    rollDeg: angles.sensorRollDeg,
  });
  return poseOf(onPlatform(platform, sensor));
}

/** Axes given in a platform's right, forward and up, in the world. */
function onPlatform(p: Axes, s: Axes): Axes {
  const inWorld = (right: number, forward: number, up: number): readonly [number, number, number] => [
    right * p.rE + forward * p.fE - up * p.dE,
    right * p.rN + forward * p.fN - up * p.dN,
    right * p.rU + forward * p.fU - up * p.dU,
  ];
  const [rE, rN, rU] = inWorld(s.rE, s.rN, s.rU);
  const [dE, dN, dU] = inWorld(s.dE, s.dN, s.dU);
  const [fE, fN, fU] = inWorld(s.fE, s.fN, s.fU);
  return { rE, rN, rU, dE, dN, dU, fE, fN, fU };
}
