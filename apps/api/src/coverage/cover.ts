import {
  areaCoverage,
  type AreaCoverage,
  type AreaRefused,
  type Building,
  clearOver,
  type CoverageOptions,
  type CoverageView,
  coverageViewOf,
  type GeoCamera,
  type GroundGrid,
  groundIn,
  HeightArray,
  lineCoverage,
  type LineCoverage,
  type LonLat,
  modelOf,
  type Surroundings,
} from '#geo';
import type { GroundWindow } from '../surroundings/ground-window.js';

/** A question about coverage with all that its answer hangs on. */
export interface CoverageQuestion {
  /** Polygons of the area; or */
  readonly area?: readonly (readonly (readonly LonLat[])[])[];
  /** lines. */
  readonly lines?: readonly (readonly LonLat[])[];
  readonly cameras: readonly { readonly id: string; readonly geo: GeoCamera }[];
  readonly minPxPerM?: number;
  readonly k?: number;
  /** Unix time, milliseconds: tells how old a turning camera's pose is. */
  readonly atMs: number;
  readonly terrain?: GroundWindow;
  readonly dsm?: GroundWindow;
  /** Heights above the ground at each building. */
  readonly buildings?: NonNullable<Surroundings['buildings']>;
}

/** The answer; null for a line of no length. */
export type Covered = AreaCoverage | AreaRefused | LineCoverage | null;

/** Works out which share of an area or a line is in view. */
export function cover(question: CoverageQuestion): Covered {
  const { area, lines, cameras, minPxPerM, k, atMs } = question;
  const views = cameras
    .map(({ id, geo }) => coverageViewOf({ ...geo, id }, atMs))
    .filter((view): view is CoverageView => view !== null);
  const surroundings = surroundingsOf(question);
  const options: CoverageOptions = {
    ...(minPxPerM === undefined ? {} : { minPxPerM }),
    ...(k === undefined ? {} : { k }),
    model: modelOf(surroundings),
    clearFrom: clearOver(surroundings, stepOf(views)),
  };
  return area === undefined ? lineCoverage(lines ?? [], views, options) : areaCoverage(area, views, options);
}

/** Posts of all viewsheds together: some seconds' work. */
const SHED_POSTS = 6e7;

/** Spacing of the posts over which views are judged, metres: a metre, more where views are many and reach far. */
function stepOf(views: readonly CoverageView[]): number {
  const squareM = views.reduce((sum, { frustum }) => sum + (2 * frustum.farM) ** 2, 0);
  return Math.max(1, Math.sqrt(squareM / SHED_POSTS));
}

function surroundingsOf({ terrain, dsm, buildings }: CoverageQuestion): Surroundings {
  const ground = terrain ?? dsm;
  const grid = ground === undefined ? null : gridOf(ground);
  return {
    ...(terrain === undefined ? {} : { terrain: { grid: gridOf(terrain), date: terrain.date } }),
    ...(dsm === undefined ? {} : { dsm: { grid: gridOf(dsm), date: dsm.date } }),
    ...(buildings === undefined
      ? {}
      : { buildings: { ...buildings, prisms: buildings.prisms.map((one) => onGround(one, grid)) } }),
  };
}

/** A building in the vertical reference of the ground, as far as its ground is known. */
function onGround({ rings, baseM, topM }: Building, grid: GroundGrid | null): Building {
  const [corner] = rings[0] ?? [];
  const groundM = grid === null || corner === undefined ? 0 : (groundIn(grid, corner) ?? 0);
  return { rings, baseM: groundM + baseM, topM: groundM + topM };
}

const gridOf = ({ columns, rows, heights, ...grid }: GroundWindow): GroundGrid => ({
  ...grid,
  heights: new HeightArray(columns, rows, heights),
});
