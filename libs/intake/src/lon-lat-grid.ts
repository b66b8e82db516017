import { UnusableRaster } from '#catalog';
import { groundDistance, type LonLat, TILE_POSTS } from '#geo';
import type { Raster } from './geotiff.js';

/** Positions one after the other, two numbers each. Longitude and latitude in degrees, or coordinates of the raster's CRS. */
export type Positions = Float64Array;

/** Turns positions of one CRS into those of another, in the same order; not finite where it cannot. */
export type Projection = (positions: Positions) => Promise<Positions>;

/** The grid of longitude and latitude to which a raster is brought. */
export interface LonLatGrid {
  /** The upper left post. */
  readonly first: LonLat;
  /** From post to post, degrees, both positive. */
  readonly stepLonDeg: number;
  readonly stepLatDeg: number;
  readonly columns: number;
  readonly rows: number;
  /** Side of a cell on the ground, metres. */
  readonly cellM: number;
  /** West, south, east, north of all cells, degrees. */
  readonly extent: readonly [west: number, south: number, east: number, north: number];
}

/** Places along each side of a raster that are asked for its extent: sides are curves in longitude and latitude. */
const ALONG_SIDE = 64;

/** A degree shrinks to nothing towards the poles, and with it the cells. */
const MAX_LAT_DEG = 85;

/** Wider, and it is no longer clear on which side of a raster a place lies. */
const MAX_WIDTH_DEG = 170;

/** So many degrees between a file's coordinates and their longitude and latitude are another datum, not another CRS. */
const DATUM_SHIFT_DEG = 0.02;

/**
 * The grid for a raster, with cells of the same size. A raster of degrees whose rows run east keeps its own cells; any other is laid out anew.
 * @param toLonLat from the raster's CRS
 * @throws UnusableRaster for one that crosses the antimeridian, reaches a pole, or lies where its CRS is not defined
 */
export async function planGrid(raster: Raster, toLonLat: Projection): Promise<LonLatGrid> {
  const rim = rimOf(raster);
  const modelRim = modelOf(raster, rim);
  const lonLatRim = await toLonLat(modelRim);
  const bounds = boundsOf(lonLatRim);
  const [west, south, east, north] = bounds;
  const middle = await middleOf(raster, toLonLat);
  const isDegrees = lonLatRim.every((value, i) => Math.abs(value - modelRim[i]!) < DATUM_SHIFT_DEG);
  const own = isDegrees ? ownGridOf(raster, lonLatRim) : null;
  if (own !== null) return { ...own, cellM: middle.cellM, extent: bounds };
  const stepLatDeg = middle.cellM / middle.metresPerLatDeg;
  const stepLonDeg = middle.cellM / middle.metresPerLonDeg;
  // One post more all around, so that every place of the raster lies between posts.
  return {
    first: [west - stepLonDeg, north + stepLatDeg],
    stepLonDeg,
    stepLatDeg,
    columns: Math.ceil((east - west) / stepLonDeg) + 3,
    rows: Math.ceil((north - south) / stepLatDeg) + 3,
    cellM: middle.cellM,
    extent: bounds,
  };
}

/** How many tiles a grid has across and down. */
export const tilesOf = ({ columns, rows }: Pick<LonLatGrid, 'columns' | 'rows'>): readonly [number, number] => [
  Math.ceil(columns / TILE_POSTS),
  Math.ceil(rows / TILE_POSTS),
];

/** Cells along the rim of the raster, clockwise from its upper left corner: that of the area, half a cell outside the centres. */
function rimOf({ columns, rows }: Raster): readonly (readonly [column: number, row: number])[] {
  const [left, top, right, bottom] = [-0.5, -0.5, columns - 0.5, rows - 0.5];
  const corners = [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
    [left, top],
  ] as const;
  return corners.slice(1).flatMap((end, side) => {
    const begin = corners[side]!;
    return Array.from({ length: ALONG_SIDE }, (_, i) => {
      const part = i / ALONG_SIDE;
      return [begin[0] + part * (end[0] - begin[0]), begin[1] + part * (end[1] - begin[1])] as const;
    });
  });
}

const modelOf = (raster: Raster, cells: readonly (readonly [number, number])[]): Positions =>
  Float64Array.from(cells.flatMap(([column, row]) => raster.modelAt(column, row)));

function boundsOf(lonLats: Positions): LonLatGrid['extent'] {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  let before = lonLats.at(-2)!;
  for (let i = 0; i < lonLats.length; i += 2) {
    const [lon, lat] = [lonLats[i]!, lonLats[i + 1]!];
    if (!Number.isFinite(lon) || !Number.isFinite(lat)) {
      throw new UnusableRaster('outside_crs', 'the raster lies where its CRS is not defined; is it the right one?');
    }
    if (Math.abs(lon) > 180 || Math.abs(lon - before) > 180) {
      const detail = 'the raster crosses the antimeridian, or has longitudes over 180°; cut it there into two files';
      throw new UnusableRaster('crosses_antimeridian', detail);
    }
    if (Math.abs(lat) > MAX_LAT_DEG) {
      throw new UnusableRaster('unsupported_raster', `the raster reaches beyond ${MAX_LAT_DEG}° of latitude`);
    }
    west = Math.min(west, lon);
    east = Math.max(east, lon);
    south = Math.min(south, lat);
    north = Math.max(north, lat);
    before = lon;
  }
  if (east - west > MAX_WIDTH_DEG) {
    throw new UnusableRaster(
      'unsupported_raster',
      `the raster is over ${MAX_WIDTH_DEG}° wide; cut it into several files`,
    );
  }
  return [west, south, east, north];
}

/** Sizes in the middle of the raster. */
async function middleOf(
  raster: Raster,
  toLonLat: Projection,
): Promise<{ readonly cellM: number; readonly metresPerLonDeg: number; readonly metresPerLatDeg: number }> {
  const [column, row] = [Math.floor(raster.columns / 2), Math.floor(raster.rows / 2)];
  const around = await toLonLat(
    modelOf(raster, [
      [column, row],
      [column + 1, row],
      [column, row + 1],
    ]),
  );
  const [here, right, below] = [0, 2, 4].map((i): LonLat => [around[i]!, around[i + 1]!]) as [LonLat, LonLat, LonLat];
  const cellM = Math.sqrt(groundDistance(here, right) * groundDistance(here, below));
  if (!(cellM > 0.01))
    throw new UnusableRaster('unsupported_raster', 'the cells of the raster have no size on the ground');
  const [lon, lat] = here;
  const part = 1e-3;
  return {
    cellM,
    metresPerLonDeg: groundDistance(here, [lon + part, lat]) / part,
    metresPerLatDeg: groundDistance(here, [lon, lat + part]) / part,
  };
}

/** The raster's own cells, where they run east and south. */
function ownGridOf(raster: Raster, lonLatRim: Positions): Omit<LonLatGrid, 'cellM' | 'extent'> | null {
  const { columns, rows } = raster;
  const [x, y] = raster.modelAt(0, 0);
  const [xRight, yRight] = raster.modelAt(1, 0);
  const [xBelow, yBelow] = raster.modelAt(0, 1);
  if (yRight !== y || xBelow !== x || xRight <= x || yBelow >= y) return null;
  const [stepLonDeg, stepLatDeg] = [xRight - x, y - yBelow];
  // The rim begins at the corner of the first cell.
  const first: LonLat = [lonLatRim[0]! + stepLonDeg / 2, lonLatRim[1]! - stepLatDeg / 2];
  return { first, stepLonDeg, stepLatDeg, columns, rows };
}
