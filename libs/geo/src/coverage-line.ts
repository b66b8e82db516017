import { wrap180 } from './angle.js';
import type { LonLat } from './camera.js';
import { byCamera, type CoverageOptions, type CoverageView } from './coverage.js';
import { pxPerM } from './density.js';
import { sees } from './frustum.js';
import { reaches } from './levels.js';
import { type Enu, groundDistance, LocalFrame } from './local-frame.js';
import type { Position } from './lon-lat-polygon.js';
import type { OcclusionModel } from './occlusion.js';

/** Steps that a line may have. */
const STEPS = 1e6;

/** Steps that are looked at or passed over together. */
const CHUNK = 256;

/** Metres in a degree of latitude, at least. */
const LEAST_DEGREE_M = 110_500;

/** GeoJSON; parts that meet the antimeridian end there (RFC 7946 3.1.9). */
export interface MultiLineString {
  readonly type: 'MultiLineString';
  readonly coordinates: Position[][];
}

/** How much of a line cameras cover: a river reach, a road. */
export interface LineCoverage {
  readonly covered: MultiLineString | null;
  readonly uncovered: MultiLineString | null;
  readonly coveredM: number;
  readonly uncoveredM: number;
  readonly coveredFraction: number;
  readonly uncoveredFraction: number;
  /** Length of a step, metres. */
  readonly cellM: number;
  readonly k: number;
  readonly occlusion: { readonly model: OcclusionModel };
}

/** Coverage of a line (GeoJSON coordinates of a MultiLineString) in steps, each judged at its middle; null for no length. */
export function lineCoverage(
  lines: readonly (readonly LonLat[])[],
  views: readonly CoverageView[],
  options: CoverageOptions = {},
): LineCoverage | null {
  const { k = 1, model = 'none_computed' } = options;
  const segments = lines.flatMap(segmentsOf);
  const lengthM = segments.reduce((sum, segment) => sum + segment.lengthM, 0);
  if (lengthM === 0) return null;
  const cellM = options.cellM ?? Math.max(1, Math.ceil(lengthM / STEPS));
  const steps = segments.flatMap((segment) => stepsOf(segment, cellM));
  const counts = countCameras(steps, views, options);
  const isCovered = (i: number): boolean => counts[i]! >= k;
  const coveredM = steps.reduce((sum, step, i) => sum + (isCovered(i) ? step.lengthM : 0), 0);
  return {
    covered: runsOf(steps, isCovered),
    uncovered: runsOf(steps, (i) => !isCovered(i)),
    coveredM,
    uncoveredM: Math.max(0, lengthM - coveredM),
    coveredFraction: Math.min(1, coveredM / lengthM),
    uncoveredFraction: Math.max(0, 1 - coveredM / lengthM),
    cellM,
    k,
    occlusion: { model },
  };
}

interface Segment {
  readonly from: LonLat;
  readonly to: LonLat;
  readonly lengthM: number;
  /** Begins a line. */
  readonly isFirst: boolean;
}

function segmentsOf(line: readonly LonLat[]): Segment[] {
  return line.slice(1).flatMap((to, i) => {
    const from = line[i]!;
    return [{ from, to, lengthM: groundDistance(from, to), isFirst: i === 0 }];
  });
}

interface Step {
  readonly start: LonLat;
  readonly middle: LonLat;
  readonly end: LonLat;
  readonly lengthM: number;
  readonly isFirst: boolean;
  /** Ends at a position of the line itself. */
  readonly isCorner: boolean;
}

function stepsOf({ from, to, lengthM, isFirst }: Segment, cellM: number): Step[] {
  if (lengthM === 0) return [];
  const count = Math.max(1, Math.ceil(lengthM / cellM - 1e-9));
  const dLon = wrap180(to[0] - from[0]);
  const at = (t: number): LonLat => [wrap180(from[0] + t * dLon), from[1] + t * (to[1] - from[1])];
  return Array.from({ length: count }, (_, i) => ({
    start: i === 0 ? from : at(i / count),
    middle: at((i + 0.5) / count),
    end: i + 1 === count ? to : at((i + 1) / count),
    lengthM: lengthM / count,
    isFirst: isFirst && i === 0,
    isCorner: i + 1 === count,
  }));
}

function countCameras(steps: readonly Step[], views: readonly CoverageView[], options: CoverageOptions): Uint8Array {
  const counts = new Uint8Array(steps.length);
  const lastCamera = new Int32Array(steps.length);
  const chunks = chunksOf(steps);
  const at: Enu = { e: 0, n: 0, u: 0 };
  let camera = 0;
  let name: string | undefined;
  for (const view of byCamera(views)) {
    if (view.camera !== name) camera++;
    name = view.camera;
    const frame = new LocalFrame(view.position);
    const isClear = options.clearFrom?.(view) ?? null;
    for (const chunk of chunks) {
      if (!chunk.isNear(view)) continue;
      for (let i = chunk.first; i < chunk.end; i++) {
        if (lastCamera[i] === camera) continue;
        frame.toEnu(steps[i]!.middle, 0, at);
        if (!shows(view, at.e, at.n, options.minPxPerM ?? 0) || (isClear !== null && !isClear(at.e, at.n))) continue;
        lastCamera[i] = camera;
        if (counts[i]! < 255) counts[i]!++;
      }
    }
  }
  return counts;
}

/** Whether a view shows a place of its ground plane with enough pixels per metre: what its footprint says. */
function shows({ frustum: f, heightM }: CoverageView, e: number, n: number, minPxPerM: number): boolean {
  if (!sees(f, e, n, -heightM)) return false;
  if (minPxPerM === 0) return true;
  const density = pxPerM(
    f,
    e * f.rE + n * f.rN - heightM * f.rU,
    e * f.dE + n * f.dN - heightM * f.dU,
    e * f.fE + n * f.fN - heightM * f.fU,
  );
  return density !== null && reaches(density, minPxPerM);
}

interface Chunk {
  readonly first: number;
  readonly end: number;
  isNear(view: CoverageView): boolean;
}

/** Runs of neighbouring steps, each with the circle of latitude and longitude that holds it. */
function chunksOf(steps: readonly Step[]): Chunk[] {
  const chunks: Chunk[] = [];
  for (let first = 0; first < steps.length; first += CHUNK) {
    const end = Math.min(first + CHUNK, steps.length);
    const [lon0, lat0] = steps[first]!.middle;
    let lonReach = 0;
    let latReach = 0;
    for (let i = first; i < end; i++) {
      const [lon, lat] = steps[i]!.middle;
      lonReach = Math.max(lonReach, Math.abs(wrap180(lon - lon0)));
      latReach = Math.max(latReach, Math.abs(lat - lat0));
    }
    const isNear = ({ position: [lon, lat], frustum: { farM } }: CoverageView): boolean => {
      const farLat = farM / LEAST_DEGREE_M;
      if (Math.abs(lat - lat0) > latReach + farLat) return false;
      // Near a pole longitude tells nothing.
      const cos = Math.cos(((Math.abs(lat) + farLat) * Math.PI) / 180);
      return cos < 0.01 || Math.abs(wrap180(lon - lon0)) <= lonReach + farLat / cos;
    };
    chunks.push({ first, end, isNear });
  }
  return chunks;
}

/** Steps that are wanted, joined along their lines. */
function runsOf(steps: readonly Step[], isWanted: (i: number) => boolean): MultiLineString | null {
  const coordinates: Position[][] = [];
  let run: Position[] | undefined;
  steps.forEach((step, i) => {
    if (!isWanted(i)) {
      run = undefined;
      return;
    }
    if (run === undefined || step.isFirst) coordinates.push((run = [rounded(step.start)]));
    else if (!steps[i - 1]!.isCorner) run.pop();
    const [lastLon, lastLat] = run.at(-1)!;
    const end = rounded(step.end);
    if (Math.abs(end[0] - lastLon) > 180) {
      const edge = lastLon > 0 ? 180 : -180;
      const whole = Math.abs(wrap180(end[0] - lastLon));
      const lat = lastLat + ((end[1] - lastLat) * Math.abs(edge - lastLon)) / (whole || 1);
      run.push(rounded([edge, lat]));
      coordinates.push((run = [rounded([-edge, lat])]));
    }
    run.push(end);
  });
  return coordinates.length === 0 ? null : { type: 'MultiLineString', coordinates };
}

function rounded([lon, lat]: LonLat): Position {
  return [Math.round(lon * 1e7) / 1e7 + 0, Math.round(lat * 1e7) / 1e7 + 0];
}
