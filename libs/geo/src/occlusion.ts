import type { LonLat } from './camera.js';
import { type GroundGrid, postAt } from './heights.js';
import { lineOfSight, ownHostOf } from './line-of-sight.js';
import { type Enu, LocalFrame } from './local-frame.js';
import { isBlockedBy, type Prism } from './prism.js';

/** What an answer about occlusion rests on, weakest first. */
export const OCCLUSION_MODELS = ['none_computed', 'terrain', 'buildings', 'dsm'] as const;
export type OcclusionModel = (typeof OCCLUSION_MODELS)[number];

/** What is known of things in the way. `unknown` is never a "no". */
export interface Occlusion {
  readonly model: OcclusionModel;
  /** Date of the data, as given with them. */
  readonly modelDate: string | null;
  readonly result: 'clear' | 'blocked' | 'unknown';
}

/** Occlusion with what stands in the way, where something does. */
export interface OcclusionFinding extends Occlusion {
  readonly by: 'terrain' | 'building' | null;
}

/** Nothing was computed: no data, or none where the line runs. */
export const NONE_COMPUTED: OcclusionFinding = { model: 'none_computed', modelDate: null, result: 'unknown', by: null };

/** A line from an optical centre to a target: places and heights from one vertical reference. */
export interface SightLine {
  readonly from: LonLat;
  readonly fromZM: number;
  readonly to: LonLat;
  readonly toZM: number;
  /** Over the ground, metres. */
  readonly lengthM: number;
}

/** Judges a line. */
export type Occluder = (line: SightLine) => OcclusionFinding;

/** A building as stored: rings of longitude and latitude, closed or not; base and top in the vertical reference of the ground. */
export interface Building {
  readonly rings: readonly (readonly LonLat[])[];
  readonly baseM: number;
  readonly topM: number;
}

/** Data about what stands around a camera. */
export interface Surroundings {
  /** Bare earth. */
  readonly terrain?: { readonly grid: GroundGrid; readonly date: string | null } | undefined;
  /** With everything that stands on it. */
  readonly dsm?: { readonly grid: GroundGrid; readonly date: string | null } | undefined;
  readonly buildings?: { readonly prisms: readonly Building[]; readonly date: string | null } | undefined;
}

/**
 * Judge of lines by the strongest data there are: a surface model alone, else buildings with the terrain, else the terrain.
 * What a stronger model cannot say, the next one is asked. With a surface model the terrain only tells which word to use.
 */
export function occluderOf({ terrain, dsm, buildings }: Surroundings): Occluder {
  const walls = buildings === undefined ? null : wallsOf(buildings.prisms);
  return (line) => {
    if (dsm !== undefined) {
      const result = along(dsm.grid, line, ownHostOf(dsm.grid.cellM));
      const hill = result === 'blocked' && terrain !== undefined && along(terrain.grid, line, 0) === 'blocked';
      const by = result === 'blocked' ? (hill ? 'terrain' : 'building') : null;
      if (result !== 'unknown') return { model: 'dsm', modelDate: dsm.date, result, by };
    }
    const ground = terrain === undefined ? 'unknown' : along(terrain.grid, line, 0);
    if (ground === 'blocked') return { ...terrainFinding(terrain?.date ?? null, 'blocked'), by: 'terrain' };
    if (walls !== null && buildings !== undefined) {
      const blocked = walls(line);
      const result = blocked ? 'blocked' : 'clear';
      return { model: 'buildings', modelDate: buildings.date, result, by: blocked ? 'building' : null };
    }
    return ground === 'clear' ? terrainFinding(terrain?.date ?? null, 'clear') : NONE_COMPUTED;
  };
}

function terrainFinding(modelDate: string | null, result: 'clear' | 'blocked'): OcclusionFinding {
  return { model: 'terrain', modelDate, result, by: null };
}

function along(grid: GroundGrid, line: SightLine, ownHostM: number): Occlusion['result'] {
  const [fromColumn, fromRow] = postAt(grid, line.from);
  const [toColumn, toRow] = postAt(grid, line.to);
  const from = { column: fromColumn, row: fromRow, zM: line.fromZM };
  const to = { column: toColumn, row: toRow, zM: line.toZM };
  return lineOfSight(grid.heights, from, to, { lengthM: line.lengthM, ownHostM }).result;
}

/** Whether any building blocks a line; the prisms are laid out once, about the first camera that asks. */
function wallsOf(buildings: readonly Building[]): (line: SightLine) => boolean {
  let prepared: { readonly frame: LocalFrame; readonly prisms: readonly Prism[] } | undefined;
  return (line) => {
    const { frame, prisms } = (prepared ??= prepare(buildings, line.from));
    const from = flat(frame, line.from, line.fromZM);
    const to = flat(frame, line.to, line.toZM);
    return prisms.some((prism) => isBlockedBy(prism, from, to));
  };
}

function prepare(
  buildings: readonly Building[],
  origin: LonLat,
): { readonly frame: LocalFrame; readonly prisms: Prism[] } {
  const frame = new LocalFrame(origin);
  return { frame, prisms: buildings.map((building) => prismOf(frame, building)) };
}

/** A building in a frame's metres, with its true heights. */
export function prismOf(frame: LocalFrame, { rings, baseM, topM }: Building): Prism {
  const laid = rings.map((ring) =>
    ring.flatMap((position) => {
      const { e, n } = frame.toEnu(position, frame.zM);
      return [e, n];
    }),
  );
  return { rings: laid, baseM, topM };
}

/** A place in the plane of a frame, with its true height for `u`. */
function flat(frame: LocalFrame, position: LonLat, zM: number): Enu {
  const { e, n } = frame.toEnu(position, frame.zM);
  return { e, n, u: zM };
}
