import type { LonLat } from './camera.js';
import type { CoverageView, IsClear } from './coverage.js';
import { type GroundGrid, groundIn, postAt } from './heights.js';
import { LocalFrame } from './local-frame.js';
import { occluderOf, type OcclusionModel, type Surroundings } from './occlusion.js';
import { CELL_BLOCKED, viewshed } from './viewshed.js';

/** The strongest model that surroundings allow. */
export function modelOf({ terrain, dsm, buildings }: Surroundings): OcclusionModel {
  if (dsm !== undefined) return 'dsm';
  if (buildings !== undefined) return 'buildings';
  return terrain === undefined ? 'none_computed' : 'terrain';
}

/**
 * Lines of sight for coverage ({@link CoverageOptions.clearFrom}): over terrain one viewshed a view; with a surface model or
 * buildings a line to each place. Only what is blocked for certain is not clear.
 */
export function clearOver(surroundings: Surroundings): (view: CoverageView) => IsClear | null {
  const { terrain, dsm, buildings } = surroundings;
  const ground = terrain?.grid ?? dsm?.grid;
  if (ground === undefined && buildings === undefined) return () => null;
  return (view) => {
    if (dsm !== undefined) return lineByLine(surroundings, ground, view);
    const overTerrain = terrain === undefined ? null : byViewshed(terrain.grid, view);
    const pastWalls = buildings === undefined ? null : lineByLine({ buildings }, ground, view);
    if (overTerrain === null || pastWalls === null) return overTerrain ?? pastWalls;
    return (e, n) => overTerrain(e, n) && pastWalls(e, n);
  };
}

/** Ground at a place by the grid, or 0 on the plane where there is none: a line wants one source at both ends. */
function lineByLine(surroundings: Surroundings, ground: GroundGrid | undefined, view: CoverageView): IsClear {
  const { position: from, heightM } = view;
  const occlude = occluderOf(surroundings);
  const frame = new LocalFrame(from);
  const heightAt = (position: LonLat): number | null => (ground === undefined ? 0 : groundIn(ground, position));
  const fromM = heightAt(from);
  return (e, n) => {
    const to = frame.toLonLat(e, n);
    const toZM = heightAt(to);
    if (fromM === null || toZM === null) return true;
    const line = { from, fromZM: fromM + heightM, to, toZM, lengthM: Math.hypot(e, n) };
    return occlude(line).result !== 'blocked';
  };
}

function byViewshed(grid: GroundGrid, { position, heightM, frustum }: CoverageView): IsClear | null {
  const groundM = groundIn(grid, position);
  if (groundM === null) return null;
  const frame = new LocalFrame(position);
  const [lon, lat] = position;
  const columnM = Math.abs(frame.toEnu([lon + grid.stepLonDeg, lat], 0).e);
  const rowM = Math.abs(frame.toEnu([lon, lat + grid.stepLatDeg], 0).n);
  const [column, row] = postAt(grid, position);
  const shed = viewshed(grid.heights, { column, row, zM: groundM + heightM }, { columnM, rowM, farM: frustum.farM });
  return (e, n) => {
    const c = Math.round(column + e / columnM) - shed.column;
    const r = Math.round(row - n / rowM) - shed.row;
    if (c < 0 || r < 0 || c >= shed.columns || r >= shed.rows) return true;
    return shed.cells[r * shed.columns + c] !== CELL_BLOCKED;
  };
}
