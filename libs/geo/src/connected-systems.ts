import { RAD, wrap180, wrap360 } from './angle.js';
import type { GeoCamera, LonLat, PtzLimits, View } from './camera.js';
import { knownOf } from './completeness.js';
import { isFisheye } from './lens.js';
import { axesOf, type Pose, poseOf } from './pose.js';
import { turningOf } from './ptz.js';

/*
 * OGC API - Connected Systems, draft Part 4 (July 2025): what a fixed camera views and what a turning one can. The draft
 * contradicts itself in the names of feature types: those of its JSON schema are written, those of its text are read too.
 */

const TYPES = 'http://www.opengis.net/def/samplingFeatureType/OGC-SML/2.0/';
const NED = 'http://www.opengis.net/def/cs/OGC/0/NED';

interface RelativePose {
  readonly type: 'RelativePose';
  readonly referenceFrame: typeof NED;
  /** North, east, down, metres, from the feature's point on the ground. */
  readonly position: { readonly x: number; readonly y: number; readonly z: number };
  readonly angles: { readonly yaw: number; readonly pitch: number; readonly roll: number };
}

interface SamplingFeature<Properties> {
  readonly type: 'Feature';
  readonly id?: string;
  readonly geometry: { readonly type: 'Point'; readonly coordinates: LonLat };
  readonly properties: Properties & { readonly featureType: string; readonly pose: RelativePose };
}

/** A view. Without an aspect ratio it is a cone (fisheye). Its planar base contains our spherical far end. */
export type ViewingFrustum = SamplingFeature<{
  readonly frustumAxis: 'X';
  readonly upAxis: '-Z';
  readonly fov: number;
  readonly aspectRatio?: number;
  readonly length?: number;
}>;

/** What a turning camera can view; azimuths clockwise from min to max, which may pass 360 (unverified). */
export type SphericalSector = SamplingFeature<{
  readonly radius: number;
  readonly innerRadius: number;
  readonly minAzim: number;
  readonly maxAzim: number;
  readonly minElev: number;
  readonly maxElev: number;
}>;

function nedPose(heightM: number | undefined, yaw: number, pitch: number, roll: number): RelativePose {
  return {
    type: 'RelativePose',
    referenceFrame: NED,
    position: { x: 0, y: 0, z: heightM === undefined ? 0 : -heightM },
    angles: { yaw, pitch, roll },
  };
}

/** A camera's view as a ViewingFrustum; null without azimuth, tilt or width (`no_view`). */
export function toViewingFrustum(camera: GeoCamera): ViewingFrustum | null {
  const { view = {}, heightM, location } = camera;
  const { azimuthDeg, tiltDeg, rollDeg = 0, lens = 'pinhole' } = view;
  const { hfovDeg, vfovDeg, farM } = knownOf(camera);
  if (azimuthDeg === undefined || tiltDeg === undefined || hfovDeg === null) return null;
  const hasAspect = !isFisheye(lens) && vfovDeg !== null && hfovDeg < 180;
  return {
    type: 'Feature',
    geometry: { type: 'Point', coordinates: location.coordinates },
    properties: {
      featureType: `${TYPES}ViewingFrustum`,
      pose: nedPose(heightM, azimuthDeg, tiltDeg, rollDeg),
      frustumAxis: 'X',
      upAxis: '-Z',
      fov: hfovDeg,
      ...(hasAspect ? { aspectRatio: Math.tan((hfovDeg * RAD) / 2) / Math.tan((vfovDeg * RAD) / 2) } : {}),
      ...(farM === null ? {} : { length: farM }),
    },
  };
}

/** What a ViewingFrustum says of a camera. */
export interface FrustumImport {
  readonly view: View;
  /** Absent where the feature's position says 0, which is "unknown". */
  readonly heightM?: number;
}

/** View of a ViewingFrustum feature; null for anything else. Any pair of axes, and GeoPose in place of RelativePose. */
export function fromViewingFrustum(feature: unknown): FrustumImport | null {
  const properties = propertiesOf(feature, 'ViewingFrustum');
  const pose = properties === null ? null : poseIn(properties);
  const fov = numberIn(properties, 'fov');
  if (properties === null || pose === null || fov === undefined) return null;
  const aspect = numberIn(properties, 'aspectRatio');
  const shape: View =
    aspect === undefined
      ? { hfovDeg: fov, lens: 'fisheye' }
      : { hfovDeg: fov, vfovDeg: (2 * Math.atan(Math.tan((fov * RAD) / 2) / aspect)) / RAD };
  const farM = numberIn(properties, 'length');
  return { view: { ...pose.pose, ...shape, ...(farM === undefined ? {} : { farM }) }, ...heightOf(pose) };
}

/** A turning camera's reach as a SphericalSector; null where no far end is known. */
export function toSphericalSector(camera: GeoCamera): SphericalSector | null {
  const turning = turningOf(camera);
  if (turning === null) return null;
  return {
    type: 'Feature',
    geometry: { type: 'Point', coordinates: camera.location.coordinates },
    properties: {
      featureType: `${TYPES}SphericalSector`,
      pose: nedPose(camera.heightM, 0, 0, 0),
      radius: turning.farM,
      innerRadius: turning.nearM,
      minAzim: turning.azimuthFromDeg,
      maxAzim: turning.azimuthFromDeg + turning.spanDeg,
      minElev: turning.tiltMinDeg,
      maxElev: turning.tiltMaxDeg,
    },
  };
}

/** What a SphericalSector says of a camera. */
export interface SectorImport {
  readonly ptz: PtzLimits;
  readonly view: Pick<View, 'nearM' | 'farM'>;
  readonly heightM?: number;
}

/** Limits of a SphericalSector feature; null for anything else. Reads `minAzim` (schema) and `minAzimuth` (text). */
export function fromSphericalSector(feature: unknown): SectorImport | null {
  const properties = propertiesOf(feature, 'SphericalSector');
  const farM = numberIn(properties, 'radius');
  if (properties === null || farM === undefined) return null;
  const pose = poseIn(properties);
  const turned = pose?.pose.azimuthDeg ?? 0;
  const either = (short: string, long: string): number | undefined =>
    numberIn(properties, short) ?? numberIn(properties, long);
  const from = either('minAzim', 'minAzimuth') ?? 0;
  const to = either('maxAzim', 'maxAzimuth') ?? 360;
  const allRound = to - from >= 360;
  return {
    ptz: {
      azimuthMinDeg: allRound ? 0 : wrap360(from + turned),
      azimuthMaxDeg: allRound ? 360 : wrap360(to + turned),
      tiltMinDeg: either('minElev', 'minElevation') ?? -90,
      tiltMaxDeg: either('maxElev', 'maxElevation') ?? 90,
    },
    view: { nearM: numberIn(properties, 'innerRadius') ?? 0, farM },
    ...(pose === null ? {} : heightOf(pose)),
  };
}

type Members = Readonly<Record<string, unknown>>;

function membersOf(value: unknown): Members | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : null;
}

function numberIn(members: Members | null, name: string): number | undefined {
  const value = members?.[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** Properties of a feature of a type, by the schema's name for it, the text's or a prefixed one. */
function propertiesOf(feature: unknown, type: string): Members | null {
  const properties = membersOf(membersOf(feature)?.['properties']);
  const named = properties?.['featureType'];
  const names = [
    `${TYPES}${type}`,
    `http://www.opengis.net/def/samplingFeatureType/x-CS-TBD/1.0/${type}`,
    `cs:${type}`,
  ];
  return typeof named === 'string' && names.includes(named) ? properties : null;
}

interface ReadPose {
  readonly pose: Pose;
  /** Up, metres; 0 = not said. */
  readonly up: number;
}

function heightOf({ up }: ReadPose): { readonly heightM?: number } {
  return up > 0 ? { heightM: up } : {};
}

function poseIn(properties: Members): ReadPose | null {
  const stated = membersOf(properties['pose']);
  const angles = membersOf(stated?.['angles']);
  if (stated === null || angles === null) return null;
  const [yaw, pitch, roll] = ['yaw', 'pitch', 'roll'].map((name) => numberIn(angles, name) ?? 0) as [
    number,
    number,
    number,
  ];
  const frame = stated['type'] === 'GeoPose' ? stated['ltpReferenceFrame'] : (stated['referenceFrame'] ?? NED);
  const isNed = typeof frame === 'string' && frame.endsWith('NED');
  // ENU: body X forward, Y left, Z up; NED: X forward, Y right, Z down. X is the same axis for both.
  const pose: Pose = isNed
    ? { azimuthDeg: wrap360(yaw), tiltDeg: pitch, rollDeg: wrap180(roll) }
    : { azimuthDeg: wrap360(90 - yaw), tiltDeg: -pitch + 0, rollDeg: wrap180(roll) };
  const forward = axisIn(properties['frustumAxis'], 'X');
  const up = axisIn(properties['upAxis'], isNed ? '-Z' : 'Z');
  const z = numberIn(membersOf(stated['position']), 'z') ?? 0;
  return { pose: reAxed(pose, forward, up, isNed), up: isNed ? -z : z };
}

const AXES = ['X', 'Y', 'Z', '-X', '-Y', '-Z'] as const;
type BodyAxis = (typeof AXES)[number];

function axisIn(value: unknown, otherwise: BodyAxis): BodyAxis {
  return AXES.find((axis) => axis === value) ?? otherwise;
}

type Vector = readonly [e: number, n: number, u: number];

/** The pose of a lens that looks along one body axis with another one up, where the body has the given pose. */
function reAxed(body: Pose, forward: BodyAxis, up: BodyAxis, isNed: boolean): Pose {
  if (forward === 'X' && up === (isNed ? '-Z' : 'Z')) return body;
  const axes = axesOf(body);
  const handed = isNed ? 1 : -1;
  const along = (axis: BodyAxis): Vector => {
    const sign = axis.startsWith('-') ? -1 : 1;
    const scaled = (e: number, n: number, u: number, s: number): Vector => [s * e, s * n, s * u];
    switch (axis) {
      case 'X':
      case '-X':
        return scaled(axes.fE, axes.fN, axes.fU, sign);
      case 'Y':
      case '-Y':
        return scaled(axes.rE, axes.rN, axes.rU, sign * handed);
      case 'Z':
      case '-Z':
        return scaled(axes.dE, axes.dN, axes.dU, sign * handed);
      default:
        throw new Error(`bug: axis ${String(axis satisfies never)}`);
    }
  };
  const [fE, fN, fU] = along(forward);
  const [uE, uN, uU] = along(up);
  // Image right = forward x up.
  const [rE, rN, rU] = [fN * uU - fU * uN, fU * uE - fE * uU, fE * uN - fN * uE];
  return poseOf({ fE, fN, fU, dE: -uE, dN: -uN, dU: -uU, rE, rN, rU });
}
