import { wrap180 } from './angle.js';
import type { CoverageView, IsClear } from './coverage.js';
import { type GroundGrid, HeightArray, heightAt, groundIn, postAt } from './heights.js';
import { ownHostOf } from './line-of-sight.js';
import { LocalFrame } from './local-frame.js';
import { type Building, type OcclusionModel, prismOf, type Surroundings } from './occlusion.js';
import { inPlane } from './plane.js';
import { fill } from './scan-fill.js';
import { CELL_BLOCKED, viewshed } from './viewshed.js';

/** The strongest model that surroundings allow. */
export function modelOf({ terrain, dsm, buildings }: Surroundings): OcclusionModel {
  if (dsm !== undefined) return 'dsm';
  if (buildings !== undefined) return 'buildings';
  return terrain === undefined ? 'none_computed' : 'terrain';
}

/** Post spacing over which views are judged, metres, where nothing asks for another. */
const STEP_M = 1;

/** A building whose base is higher over the ground than this is a bridge: one looks through under it. */
const BRIDGE_M = 1;

/** Ground so far under a roof is within the house. */
const ROOF_M = 1;

/** Metres in a degree of latitude, at least. */
const LEAST_DEGREE_M = 110_500;

/**
 * Lines of sight for coverage ({@link CoverageOptions.clearFrom}): one viewshed a view, over what stands around it on posts of `stepM` about
 * the camera, with the ground there as what is looked for. Right to a post of that grid; only what is blocked for certain is not
 * clear.
 */
export function clearOver(surroundings: Surroundings, stepM = STEP_M): (view: CoverageView) => IsClear | null {
  const { terrain, dsm, buildings } = surroundings;
  const ground = (terrain ?? dsm)?.grid;
  if (ground === undefined && buildings === undefined) return () => null;
  const near = dsm === undefined && buildings !== undefined ? nearnessOf(buildings.prisms) : () => [];
  return (view) => {
    const mastM = ground === undefined ? 0 : groundIn(ground, view.position);
    if (mastM === null) return null;
    const patch = new Patch(new LocalFrame(view.position), Math.ceil(view.frustum.farM / stepM), stepM);
    const targets = ground === undefined ? patch.flat() : patch.of(ground);
    const zM = mastM + view.heightM;
    const obstacles = dsm === undefined ? patch.raised(targets, near(view), zM) : patch.of(dsm.grid);
    const { centre, columns } = patch;
    const shed = viewshed(
      new HeightArray(columns, columns, obstacles),
      { column: centre, row: centre, zM },
      {
        columnM: stepM,
        rowM: stepM,
        farM: view.frustum.farM,
        targets: new HeightArray(columns, columns, targets),
        ownHostM: dsm === undefined ? 0 : ownHostOf(dsm.grid.cellM),
      },
    );
    return (e, n) => {
      const column = Math.round(centre + e / stepM);
      const row = Math.round(centre - n / stepM);
      const shedColumn = column - shed.column;
      const shedRow = row - shed.row;
      if (shedColumn < 0 || shedRow < 0 || shedColumn >= shed.columns || shedRow >= shed.rows) return true;
      const cell = row * columns + column;
      if (dsm === undefined && obstacles[cell]! > targets[cell]! + ROOF_M) return false;
      return shed.cells[shedRow * shed.columns + shedColumn] !== CELL_BLOCKED;
    };
  };
}

/** Finds the buildings within a view's far end. */
function nearnessOf(buildings: readonly Building[]): (view: CoverageView) => readonly Building[] {
  const boxed = buildings.map((building) => ({ building, ...boxOf(building) }));
  return ({ position: [lon, lat], frustum: { farM } }) => {
    const latDeg = farM / LEAST_DEGREE_M;
    const lonDeg = latDeg / Math.max(0.01, Math.cos(((Math.abs(lat) + latDeg) * Math.PI) / 180));
    return boxed
      .filter(({ west, east, south, north }) => {
        const middle = (west + east) / 2;
        return (
          south <= lat + latDeg &&
          north >= lat - latDeg &&
          Math.abs(wrap180(middle - lon)) <= lonDeg + (east - west) / 2
        );
      })
      .map(({ building }) => building);
  };
}

function boxOf({ rings }: Building): Record<'west' | 'south' | 'east' | 'north', number> {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [lon, lat] of rings[0] ?? []) {
    west = Math.min(west, lon);
    east = Math.max(east, lon);
    south = Math.min(south, lat);
    north = Math.max(north, lat);
  }
  return { west, south, east, north };
}

/** Posts about a camera, east and north of it, out to its far end. */
class Patch {
  readonly columns: number;

  /** @param centre column and row of the camera */
  constructor(
    private readonly frame: LocalFrame,
    readonly centre: number,
    private readonly stepM: number,
  ) {
    this.columns = 2 * centre + 1;
  }

  /** Level ground at height 0. */
  flat(): Float32Array {
    return new Float32Array(this.columns * this.columns);
  }

  /** Heights of a grid. Over some kilometres its posts lie in even rows here, to a small part of their spacing. */
  of(grid: GroundGrid): Float32Array {
    const { columns, centre, stepM, frame } = this;
    const out = new Float32Array(columns * columns);
    const [c0, r0] = postAt(grid, frame.origin);
    const [cE, rE] = postAt(grid, frame.toLonLat(centre * stepM, 0, 0));
    const [cN, rN] = postAt(grid, frame.toLonLat(0, centre * stepM, 0));
    const [eastC, eastR] = [(cE - c0) / centre, (rE - r0) / centre];
    const [northC, northR] = [(cN - c0) / centre, (rN - r0) / centre];
    for (let row = 0, cell = 0; row < columns; row++) {
      const n = centre - row;
      for (let column = 0; column < columns; column++, cell++) {
        const e = column - centre;
        out[cell] = heightAt(grid.heights, c0 + e * eastC + n * northC, r0 + e * eastR + n * northR);
      }
    }
    return out;
  }

  /** Ground with buildings on it, as far as they stand on it; the house that the camera hangs on, lower than its roof, is left out. */
  raised(ground: Float32Array, buildings: readonly Building[], cameraM: number): Float32Array {
    const { columns, centre, stepM, frame } = this;
    const out = ground.slice();
    for (const building of buildings) {
      const { rings, baseM, topM } = prismOf(frame, building);
      if (baseM < cameraM && cameraM < topM && inPlane([rings], 0, 0)) continue;
      const inCells = rings.map((ring) =>
        ring.map((metres, i) => centre + 0.5 + (i % 2 === 0 ? metres : -metres) / stepM),
      );
      fill({ columns, rows: columns }, inCells, (first, end) => {
        for (let cell = first; cell < end; cell++) {
          if (topM > out[cell]! && baseM <= ground[cell]! + BRIDGE_M) out[cell] = topM;
        }
      });
    }
    return out;
  }
}
