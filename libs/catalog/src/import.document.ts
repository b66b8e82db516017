import { ROW_ACTIONS, type RowAction } from './codes.js';
import { Shown } from './member-schema.js';
import { FAULT_CODES, type FaultCode } from './problems.js';

const count = { type: 'integer', minimum: 0 } as const;

/** How many rows came to what; `rows` is the sum of the five actions. */
export class ImportTotals {
  /** Rows in the file. */
  @Shown(count) rows!: number;
  /** Cameras that are new. */
  @Shown(count) created!: number;
  /** Cameras that changed. */
  @Shown(count) updated!: number;
  /** Cameras that are what the file says already. */
  @Shown(count) unchanged!: number;
  /** Rows that were left alone: of retired cameras, or equal to an earlier row. */
  @Shown(count) skipped!: number;
  /** Rows that could not be taken. */
  @Shown(count) failed!: number;
  /** Warnings on all rows together. */
  @Shown(count) warnings!: number;
}

/** One thing that is wrong with a row, or was decided about it. */
export class ImportProblem {
  /** The field of the file, RFC 6901 pointer into the row. */
  @Shown({ type: 'string' }) pointer!: string;
  /** What it is; stable. */
  @Shown({ type: 'string', enum: FAULT_CODES }) code!: FaultCode;
  /** `error` fails the row; `warning` says what was done with it. */
  @Shown({ type: 'string', enum: ['error', 'warning'] }) severity!: 'error' | 'warning';
  /** The same in words. */
  @Shown({ type: 'string' }) detail!: string;
  /** The value in the file, cut at 60 characters; never a secret. */
  @Shown({ type: 'string' }) value?: string;
  /** What was probably meant; never applied by itself. */
  @Shown({ type: 'string' }) suggestion?: string;
}

/** What became of one row. */
export class ImportRow {
  /** Number of the row in the file, from 1. */
  @Shown({ type: 'integer', minimum: 1 }) row!: number;
  /** The agency's own id; null where the row has none. */
  @Shown({ type: ['string', 'null'] }) localId!: string | null;
  /** What was done. */
  @Shown({ type: 'string', enum: ROW_ACTIONS }) action!: RowAction;
  /** The camera; null where there is none. */
  @Shown({ type: ['string', 'null'], format: 'uuid' }) cameraId!: string | null;
  problems!: ImportProblem[];
}

/** What became of a file of cameras, row by row. */
export class ImportReport {
  /** UUIDv7. */
  @Shown({ type: 'string', format: 'uuid' }) id!: string;
  /** Form in which the file was read. */
  @Shown({ type: 'string' }) profile!: string;
  /** Everything was tried and nothing was kept. */
  @Shown({ type: 'boolean' }) dryRun!: boolean;
  totals!: ImportTotals;
  /** How often each code stands in the rows. */
  @Shown({ type: 'object', additionalProperties: { type: 'integer', minimum: 1 } }) byCode!: Record<string, number>;
  rows!: ImportRow[];
}
