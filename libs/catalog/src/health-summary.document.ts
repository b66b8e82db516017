import { FLAGS, SUMMARY_GROUPS, STATUSES, type SummaryGroup } from './codes.js';
import { Shown } from './member-schema.js';

const countOf = (names: readonly string[]) => ({
  type: 'object',
  properties: Object.fromEntries(names.map((name) => [name, { type: 'integer', minimum: 1 }])),
  additionalProperties: { type: 'integer', minimum: 1 },
});

/** How many cameras are how. */
export class HealthCounts {
  /** Cameras in all. */
  @Shown({ type: 'integer', minimum: 0 }) cameras!: number;
  /** Cameras by status; those that no camera has are left out. */
  @Shown(countOf(STATUSES)) byStatus!: Record<string, number>;
  /** Cameras of which a flag of the picture is at fault, by flag; those that no camera has are left out. */
  @Shown(countOf(FLAGS)) byFlag!: Record<string, number>;
}

/** One group of cameras. */
export class HealthGroup extends HealthCounts {
  /** Slug of the authority, status, or city; null for cameras that state no city. */
  @Shown({ type: ['string', 'null'] }) key!: string | null;
}

/** How the cameras that the caller may know are. */
export class HealthSummary {
  /** What the groups are of. */
  @Shown({ type: 'string', enum: SUMMARY_GROUPS }) by!: SummaryGroup;
  total!: HealthCounts;
  /** The groups, by their keys; at most 1,000, the largest. */
  groups!: HealthGroup[];
}
