import { pxPerM } from './density.js';
import type { FlatFootprint } from './flat-footprint.js';
import { type Frustum, sees } from './frustum.js';
import type { PlanePolygon } from './plane.js';
import { poseOf } from './pose.js';
import { RAD } from './angle.js';

/** Depressions tried on each ground azimuth, and halvings that find an edge between two of them. */
const DEPRESSIONS = 256;
const HALVINGS = 40;

/** Ground distances between which one azimuth is seen. */
interface Stretch {
  readonly inner: number;
  readonly outer: number;
  /** It ends at the far end of the range, not at an edge of the image. */
  readonly clamped: boolean;
}

interface Sweep {
  readonly frustum: Frustum;
  readonly heightM: number;
  /** Depression of the far end, radians. */
  readonly least: number;
  readonly minPxPerM: number;
}

/**
 * Ground that a fisheye or panorama shows: azimuth by azimuth the first visible stretch from the far end inwards, joined.
 * Some 7 ms a view: keep the answer. `step` in radians, at most 1° is used.
 */
export function sweptFootprint(frustum: Frustum, heightM: number, step: number, minPxPerM = 0): FlatFootprint {
  const sweep = sweepOf(frustum, heightM, minPxPerM);
  if (sweep === null) return { polygons: [], clamped: false };
  const count = Math.max(360, Math.ceil((2 * Math.PI) / step - 1e-9));
  const start = poseOf(frustum).azimuthDeg * RAD;
  const turn = (2 * Math.PI) / count;
  const stretches = Array.from({ length: count }, (_, i) => stretchAlong(sweep, start + i * turn));
  const clamped = stretches.some((stretch) => stretch?.clamped === true);
  const gap = stretches.indexOf(null);
  if (gap < 0) return { polygons: [allRound(stretches as Stretch[], start, turn)], clamped };
  const polygons: PlanePolygon[] = [];
  for (let i = 1; i <= count; i++) {
    if (stretches[(gap + i) % count] === null || stretches[(gap + i - 1) % count] !== null) continue;
    let end = i;
    while (stretches[(gap + end + 1) % count] !== null) end++;
    const azimuths: number[] = [];
    for (let k = i; k <= end; k++) azimuths.push(start + (gap + k) * turn);
    const first = edgeBetween(sweep, azimuths[0]!, azimuths[0]! - turn);
    const last = edgeBetween(sweep, azimuths.at(-1)!, azimuths.at(-1)! + turn);
    polygons.push([partRound(sweep, [first, ...azimuths, last])]);
  }
  return { polygons, clamped };
}

/** The visible stretch along one ground azimuth, radians; null where there is none. */
export function sweptStretch(frustum: Frustum, heightM: number, azimuth: number, minPxPerM = 0): Stretch | null {
  const sweep = sweepOf(frustum, heightM, minPxPerM);
  return sweep === null ? null : stretchAlong(sweep, azimuth);
}

function sweepOf(frustum: Frustum, heightM: number, minPxPerM: number): Sweep | null {
  // An equidistant fisheye is densest across the radius: there a density is a slant distance.
  const reach =
    minPxPerM > 0 && frustum.lens === 'fisheye' && frustum.fxPx !== null ? frustum.fxPx / minPxPerM : Infinity;
  const farM = Math.min(frustum.farM, reach);
  if (farM <= heightM || frustum.nearM >= farM) return null;
  const least = Math.atan2(heightM, Math.sqrt(farM * farM - heightM * heightM));
  return { frustum, heightM, least, minPxPerM };
}

function isShown({ frustum: f, heightM, minPxPerM }: Sweep, azimuth: number, depression: number): boolean {
  const ground = groundAt(heightM, depression);
  const e = ground * Math.sin(azimuth);
  const n = ground * Math.cos(azimuth);
  if (!sees(f, e, n, -heightM)) return false;
  if (minPxPerM === 0) return true;
  const density = pxPerM(
    f,
    e * f.rE + n * f.rN - heightM * f.rU,
    e * f.dE + n * f.dN - heightM * f.dU,
    e * f.fE + n * f.fN - heightM * f.fU,
  );
  return density !== null && density >= minPxPerM * (1 - 1e-9);
}

function groundAt(heightM: number, depression: number): number {
  return depression >= Math.PI / 2 ? 0 : heightM / Math.tan(depression);
}

function stretchAlong(sweep: Sweep, azimuth: number): Stretch | null {
  const { heightM, least } = sweep;
  const at = (i: number): number => least + (i / DEPRESSIONS) * (Math.PI / 2 - least);
  let first = 0;
  while (first <= DEPRESSIONS && !isShown(sweep, azimuth, at(first))) first++;
  if (first > DEPRESSIONS) return null;
  let last = first;
  while (last < DEPRESSIONS && isShown(sweep, azimuth, at(last + 1))) last++;
  const shown = (depression: number): boolean => isShown(sweep, azimuth, depression);
  const outer = first === 0 ? least : between(at(first), at(first - 1), shown);
  const inner = last === DEPRESSIONS ? Math.PI / 2 : between(at(last), at(last + 1), shown);
  return { inner: groundAt(heightM, inner), outer: groundAt(heightM, outer), clamped: first === 0 };
}

/** The last value that holds on the way from one that does to one that does not. */
function between(holds: number, fails: number, test: (value: number) => boolean): number {
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (holds + fails) / 2;
    if (test(middle)) holds = middle;
    else fails = middle;
  }
  return holds;
}

/** The last azimuth with a visible stretch between one that has and one that has none. */
function edgeBetween(sweep: Sweep, has: number, lacks: number): number {
  let azimuth = has;
  for (let i = 0, fails = lacks; i < HALVINGS / 2; i++) {
    const middle = (azimuth + fails) / 2;
    if (stretchAlong(sweep, middle) !== null) azimuth = middle;
    else fails = middle;
  }
  return azimuth;
}

/** Outer ring counter-clockwise, so against the azimuths; a hole unless the point below the camera is seen. */
function allRound(stretches: readonly Stretch[], start: number, turn: number): PlanePolygon {
  const outer: number[] = [];
  const inner: number[] = [];
  stretches.forEach((stretch, i) => {
    const azimuth = start + i * turn;
    inner.push(stretch.inner * Math.sin(azimuth), stretch.inner * Math.cos(azimuth));
    const back = stretches[stretches.length - 1 - i]!;
    const backwards = start + (stretches.length - 1 - i) * turn;
    outer.push(back.outer * Math.sin(backwards), back.outer * Math.cos(backwards));
  });
  return stretches.some((stretch) => stretch.inner > 0) ? [outer, inner] : [outer];
}

function partRound(sweep: Sweep, azimuths: readonly number[]): number[] {
  const outer: number[] = [];
  const inner: number[] = [];
  for (const azimuth of azimuths) {
    const stretch = stretchAlong(sweep, azimuth);
    if (stretch === null) continue;
    const sin = Math.sin(azimuth);
    const cos = Math.cos(azimuth);
    outer.unshift(stretch.outer * sin, stretch.outer * cos);
    // The point below the camera is one point, however many azimuths end there.
    if (stretch.inner > 0 || inner.length === 0 || inner.at(-1) !== 0 || inner.at(-2) !== 0) {
      inner.push(stretch.inner * sin, stretch.inner * cos);
    }
  }
  return [...outer, ...inner];
}
