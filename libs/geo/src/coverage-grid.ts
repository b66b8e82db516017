import type { LonLat } from './camera.js';
import { type Cells, cellPolygons } from './cell-rings.js';
import { byCamera, type CoverageOptions, type CoverageView, type IsClear } from './coverage.js';
import { planeFootprint } from './footprint.js';
import { LocalFrame } from './local-frame.js';
import { densified, type MultiPolygon, toMultiPolygon } from './lon-lat-polygon.js';
import type { OcclusionModel } from './occlusion.js';
import { planeArea, type PlanePolygon, type PlaneRing } from './plane.js';
import { fill } from './scan-fill.js';

/** Cells that a grid may have, and the largest area that is answered, m². */
const CELLS = 4e6;
const LARGEST_M2 = 400e6;

/** Straight edges longer than this bow in degrees. */
const EDGE_M = 1000;
const EDGE_DEG = 0.01;

/** How much of an area cameras cover. */
export interface AreaCoverage {
  readonly covered: MultiPolygon | null;
  readonly uncovered: MultiPolygon | null;
  readonly coveredM2: number;
  readonly uncoveredM2: number;
  readonly coveredFraction: number;
  readonly uncoveredFraction: number;
  readonly cellM: number;
  readonly k: number;
  readonly occlusion: { readonly model: OcclusionModel };
}

/** Why an area is not answered; code of a problem document. */
export interface AreaRefused {
  readonly refused: 'area_too_large' | 'area_empty';
  readonly areaM2: number;
}

/**
 * Coverage of an area (GeoJSON coordinates of a MultiPolygon), counted on a grid in local metres: a cell counts if its centre
 * is in a footprint with enough pixels per metre and, with a model, the line is clear. Over 400 km² refused.
 */
export function areaCoverage(
  area: readonly (readonly (readonly LonLat[])[])[],
  views: readonly CoverageView[],
  options: CoverageOptions = {},
): AreaCoverage | AreaRefused {
  const { k = 1, model = 'none_computed' } = options;
  const laid = layOut(area);
  if (laid === null) return { refused: 'area_empty', areaM2: 0 };
  const areaM2 = laid.polygons.reduce((sum, polygon) => sum + polygonArea(polygon), 0);
  if (areaM2 > LARGEST_M2) return { refused: 'area_too_large', areaM2 };
  const cellM = options.cellM ?? Math.max(1, Math.ceil(Math.sqrt(areaM2 / CELLS)));
  const grid = gridOver(laid, cellM);
  const within = new Uint8Array(grid.columns * grid.rows);
  for (const polygon of laid.polygons) {
    fill(
      grid,
      polygon.map((ring) => inCells(grid, ring)),
      (cell, end) => within.fill(1, cell, end),
    );
  }
  const counts = countCameras(grid, views, options);
  let cells = 0;
  let covered = 0;
  for (let cell = 0; cell < within.length; cell++) {
    if (within[cell] === 0) continue;
    cells++;
    if (counts[cell]! >= k) covered++;
  }
  if (cells === 0) return { refused: 'area_empty', areaM2 };
  const parts = (wanted: boolean): MultiPolygon | null =>
    onGlobe(grid, { ...grid, isMarked: (cell) => within[cell] === 1 && counts[cell]! >= k === wanted });
  return {
    covered: parts(true),
    uncovered: parts(false),
    coveredM2: covered * cellM * cellM,
    uncoveredM2: (cells - covered) * cellM * cellM,
    coveredFraction: covered / cells,
    uncoveredFraction: (cells - covered) / cells,
    cellM,
    k,
    occlusion: { model },
  };
}

interface Laid {
  readonly frame: LocalFrame;
  readonly polygons: readonly PlanePolygon[];
  readonly bounds: Bounds;
}

interface Bounds {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

/** The area in metres about its own middle. */
function layOut(area: readonly (readonly (readonly LonLat[])[])[]): Laid | null {
  const somewhere = area[0]?.[0]?.[0];
  if (somewhere === undefined) return null;
  const rough = inFrame(new LocalFrame(somewhere), area);
  const { west, south, east, north } = boundsOf(rough);
  const frame = new LocalFrame(new LocalFrame(somewhere).toLonLat((west + east) / 2, (south + north) / 2));
  const polygons = inFrame(frame, area);
  return { frame, polygons, bounds: boundsOf(polygons) };
}

function inFrame(frame: LocalFrame, area: readonly (readonly (readonly LonLat[])[])[]): PlanePolygon[] {
  return area.map((rings) =>
    rings.map((ring) => {
      const out: number[] = [];
      for (const position of cutUp(ring)) {
        const { e, n } = frame.toEnu(position, 0);
        out.push(e, n);
      }
      return out;
    }),
  );
}

/** The ring with points added along long edges, which are straight in degrees. */
function cutUp(ring: readonly LonLat[]): LonLat[] {
  return ring.flatMap(([lon, lat], i) => {
    const [toLon, toLat] = ring[i + 1] ?? [lon, lat];
    const parts = Math.max(1, Math.ceil(Math.max(Math.abs(toLon - lon), Math.abs(toLat - lat)) / EDGE_DEG));
    return Array.from({ length: parts }, (_, p): LonLat => [
      lon + ((toLon - lon) * p) / parts,
      lat + ((toLat - lat) * p) / parts,
    ]);
  });
}

function boundsOf(polygons: readonly PlanePolygon[]): Bounds {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const ring of polygons.flat()) {
    for (let i = 0; i < ring.length; i += 2) {
      west = Math.min(west, ring[i]!);
      east = Math.max(east, ring[i]!);
      south = Math.min(south, ring[i + 1]!);
      north = Math.max(north, ring[i + 1]!);
    }
  }
  return { west, south, east, north };
}

/** Area of one polygon however its rings run: the first less the others. */
function polygonArea(polygon: PlanePolygon): number {
  return polygon.reduce((area, ring, i) => area + (i === 0 ? 1 : -1) * Math.abs(planeArea([[ring]])), 0);
}

interface Grid {
  readonly frame: LocalFrame;
  readonly west: number;
  readonly south: number;
  readonly cellM: number;
  readonly columns: number;
  readonly rows: number;
}

function gridOver({ frame, bounds: { west, south, east, north } }: Laid, cellM: number): Grid {
  const columns = Math.max(1, Math.ceil((east - west) / cellM));
  const rows = Math.max(1, Math.ceil((north - south) / cellM));
  return { frame, west, south, cellM, columns, rows };
}

function inCells({ west, south, cellM }: Grid, ring: PlaneRing): PlaneRing {
  return ring.map((value, i) => (value - (i % 2 === 0 ? west : south)) / cellM);
}

/** By cell, how many cameras show it (255 at most). */
function countCameras(grid: Grid, views: readonly CoverageView[], options: CoverageOptions): Uint8Array {
  const counts = new Uint8Array(grid.columns * grid.rows);
  const lastCamera = new Int32Array(counts.length);
  let camera = 0;
  let name: string | undefined;
  for (const view of byCamera(views)) {
    if (view.camera !== name) camera++;
    name = view.camera;
    const place = placed(grid, view);
    if (isBeyond(grid, place, view.frustum.farM)) continue;
    const { polygons } = planeFootprint(view.frustum, view.heightM, 1, options.minPxPerM ?? 0);
    if (polygons.length === 0) continue;
    const isClear = options.clearFrom?.(view) ?? null;
    const test = isClear === null ? null : cellTest(place, isClear, grid.columns);
    for (const polygon of polygons) {
      fill(
        grid,
        polygon.map((ring) => moved(place, ring)),
        (first, end) => {
          for (let cell = first; cell < end; cell++) {
            if (lastCamera[cell] === camera || (test !== null && !test(cell))) continue;
            lastCamera[cell] = camera;
            if (counts[cell]! < 255) counts[cell]!++;
          }
        },
      );
    }
  }
  return counts;
}

/** A view's plane on the grid, in cells: where it stands, and its east and north, turned by the convergence of meridians. */
interface Place {
  readonly c: number;
  readonly r: number;
  readonly eastC: number;
  readonly eastR: number;
  readonly cellM: number;
}

/** Over 100 m the turn of the axes shows to 1e-9. */
const BASE_M = 100;

function placed({ frame, west, south, cellM }: Grid, { position }: CoverageView): Place {
  const at = frame.toEnu(position, 0);
  const beside = frame.toEnu(new LocalFrame(position).toLonLat(BASE_M, 0), 0);
  const turn = Math.atan2(beside.n - at.n, beside.e - at.e);
  return {
    c: (at.e - west) / cellM,
    r: (at.n - south) / cellM,
    eastC: Math.cos(turn) / cellM,
    eastR: Math.sin(turn) / cellM,
    cellM,
  };
}

function isBeyond({ columns, rows }: Grid, { c, r, cellM }: Place, farM: number): boolean {
  const far = farM / cellM;
  return c + far < 0 || r + far < 0 || c - far > columns || r - far > rows;
}

function moved({ c, r, eastC, eastR }: Place, ring: PlaneRing): PlaneRing {
  const out: number[] = [];
  for (let i = 0; i < ring.length; i += 2) {
    const e = ring[i]!;
    const n = ring[i + 1]!;
    out.push(c + e * eastC - n * eastR, r + e * eastR + n * eastC);
  }
  return out;
}

function cellTest({ c, r, eastC, eastR, cellM }: Place, isClear: IsClear, columns: number): (cell: number) => boolean {
  const scale = cellM * cellM;
  return (cell) => {
    const dC = (cell % columns) + 0.5 - c;
    const dR = Math.floor(cell / columns) + 0.5 - r;
    return isClear((dC * eastC + dR * eastR) * scale, (dR * eastC - dC * eastR) * scale);
  };
}

function onGlobe({ frame, west, south, cellM }: Grid, cells: Cells): MultiPolygon | null {
  const polygons = cellPolygons(cells).map((polygon) =>
    polygon.map((ring) =>
      densified(
        ring.map((value, i) => value * cellM + (i % 2 === 0 ? west : south)),
        EDGE_M,
      ),
    ),
  );
  return toMultiPolygon(frame, polygons);
}
