import type { Bbox } from './query-geometry.js';
import { Shown } from './member-schema.js';
import { FAULT_CODES, type FaultCode } from './problems.js';

/** States of data about what stands around cameras: only what is ready counts. */
export const SURROUNDINGS_STATUSES = ['importing', 'ready', 'failed'] as const;
export type SurroundingsStatus = (typeof SURROUNDINGS_STATUSES)[number];

const count = { type: 'integer', minimum: 0 } as const;
const nullableMetres = { type: ['number', 'null'] } as const;
const nullableText = { type: ['string', 'null'] } as const;

/** Why a feature of a file of buildings was left out. */
export class BuildingProblem {
  /** Number of the feature in the file, from 1. */
  @Shown({ type: 'integer', minimum: 1 }) feature!: number;
  /** What it is; stable. */
  @Shown({ type: 'string', enum: FAULT_CODES }) code!: FaultCode;
  /** The same in words. */
  @Shown({ type: 'string' }) detail!: string;
}

/** Buildings that came in one file. All of them count at once, when the set is ready. */
export class BuildingSet {
  /** UUIDv7. */
  @Shown({ type: 'string', format: 'uuid' }) id!: string;
  /** Date of the data, as given. Where sets overlap, the newest counts. @example "2025-06-30" */
  @Shown({ type: 'string', format: 'date' }) date!: string;
  /** Only a set that is `ready` counts. */
  @Shown({ type: 'string', enum: SURROUNDINGS_STATUSES }) status!: SurroundingsStatus;
  /** Part of the file that was read, 0 to 1. */
  @Shown({ type: 'number', minimum: 0, maximum: 1 }) progress!: number;
  /** Why it failed; null where it did not. */
  @Shown(nullableText) problem!: string | null;
  /** Property of the features that holds the height; null: the usual ones. */
  @Shown(nullableText) heightFrom!: string | null;
  /** Property of the features that holds the base; null: the usual ones. */
  @Shown(nullableText) baseFrom!: string | null;
  /** Size of the file. */
  @Shown(count) bytes!: number;
  /** Features read. */
  @Shown(count) features!: number;
  /** Buildings taken; a feature of several polygons is several. */
  @Shown(count) buildings!: number;
  /** Features left out; one of several polygons, once for each that crosses itself, while the others are taken. */
  @Shown(count) leftOut!: number;
  /** How often each code stands for a feature left out. */
  @Shown({ type: 'object', additionalProperties: { type: 'integer', minimum: 1 } }) byCode!: Record<string, number>;
  /** The first features left out. */
  @Shown({ type: 'array', maxItems: 20 }) problems!: BuildingProblem[];
  /** Lowest top, metres above the ground at its building; null without buildings. */
  @Shown(nullableMetres) lowestM!: number | null;
  /** Highest top, metres above the ground at its building; null without buildings. */
  @Shown(nullableMetres) highestM!: number | null;
  /** West, south, east, north, degrees; west above east crosses the antimeridian. Null without buildings. */
  @Shown({ type: ['array', 'null'], items: { type: 'number' }, minItems: 4, maxItems: 4 }) bbox!: Bbox | null;
  /** When the file was received, RFC 3339 UTC. */
  @Shown({ type: 'string', format: 'date-time' }) createdAt!: string;
  /** When the import ended, RFC 3339 UTC; null while it runs. */
  @Shown({ type: ['string', 'null'], format: 'date-time' }) finishedAt!: string | null;
}
