import { type SurroundingsStatus, SURROUNDINGS_STATUSES } from './building-set.document.js';
import { Shown } from './member-schema.js';

/** What a raster of heights shows: bare earth, or the surface with everything that stands on it. */
export const TERRAIN_KINDS = ['terrain', 'dsm'] as const;
export type TerrainKind = (typeof TERRAIN_KINDS)[number];

const count = { type: 'integer', minimum: 0 } as const;
const nullableMetres = { type: ['number', 'null'] } as const;

/** Heights of the ground that came in one file. */
export class TerrainRaster {
  /** UUIDv7. */
  @Shown({ type: 'string', format: 'uuid' }) id!: string;
  /** `terrain`: bare earth. `dsm`: a surface model, with buildings and trees. */
  @Shown({ type: 'string', enum: TERRAIN_KINDS }) kind!: TerrainKind;
  /** Date of the data, as given. Where rasters of a kind overlap, the newest counts. @example "2023-01-01" */
  @Shown({ type: 'string', format: 'date' }) date!: string;
  /** Only a raster that is `ready` counts. */
  @Shown({ type: 'string', enum: SURROUNDINGS_STATUSES }) status!: SurroundingsStatus;
  /** Part of the raster that was read, 0 to 1. */
  @Shown({ type: 'number', minimum: 0, maximum: 1 }) progress!: number;
  /** Why it failed; null where it did not. */
  @Shown({ type: ['string', 'null'] }) problem!: string | null;
  /** Coordinate reference system of the file. @example "EPSG:3826" */
  @Shown({ type: 'string', pattern: '^EPSG:[0-9]+$' }) crs!: string;
  /** Cells of the file from left to right. */
  @Shown(count) columns!: number;
  /** Cells of the file from top to bottom. */
  @Shown(count) rows!: number;
  /** Side of a cell on the ground, metres. */
  @Shown({ type: 'number', exclusiveMinimum: 0 }) cellM!: number;
  /** Size of the file. */
  @Shown(count) bytes!: number;
  /** West, south, east, north, degrees. */
  @Shown({ type: 'array', items: { type: 'number' }, minItems: 4, maxItems: 4 }) bbox!: readonly number[];
  /** Tiles of 256 × 256 heights that are kept. */
  @Shown(count) tiles!: number;
  /** Bytes that they take. */
  @Shown(count) tileBytes!: number;
  /** Lowest ground, metres; null before there is any. */
  @Shown(nullableMetres) lowestM!: number | null;
  /** Highest ground, metres; null before there is any. */
  @Shown(nullableMetres) highestM!: number | null;
  /** Share of the raster that has heights, 0 to 1; null while it is imported. */
  @Shown({ type: ['number', 'null'], minimum: 0, maximum: 1 }) knownShare!: number | null;
  /** When the file was received, RFC 3339 UTC. */
  @Shown({ type: 'string', format: 'date-time' }) createdAt!: string;
  /** When the import ended, RFC 3339 UTC; null while it runs. */
  @Shown({ type: ['string', 'null'], format: 'date-time' }) finishedAt!: string | null;
}
