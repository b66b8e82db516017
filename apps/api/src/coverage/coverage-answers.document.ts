import { LIFECYCLES, type Lifecycle, OrderFactor, Shown, SightDocument, type Status, STATUSES } from '#catalog';
import { OCCLUSION_MODELS } from '#geo';

const geometry = { type: ['object', 'null'], additionalProperties: true } as const;
const amount = { type: 'number', minimum: 0 } as const;
const fraction = { type: 'number', minimum: 0, maximum: 1 } as const;
const ids = { type: 'array', items: { type: 'string' } } as const;

/** What was known of things in the way. */
export class CoverageOcclusion {
  /** Strongest data used; `none_computed`: nothing that stands in the way was taken into account. */
  @Shown({ type: 'string', enum: OCCLUSION_MODELS }) model!: (typeof OCCLUSION_MODELS)[number];
}

/** Which share of an area (m²) or a line (m) is in view, and which pieces are not. */
export class CoverageAnswer {
  /** What enough cameras show: a GeoJSON MultiPolygon, or MultiLineString of a line; null for none. */
  @Shown(geometry) covered!: object | null;
  /** What they do not. */
  @Shown(geometry) uncovered!: object | null;
  @Shown(fraction) coveredFraction!: number;
  @Shown(fraction) uncoveredFraction!: number;
  /** Of an area, square metres. */
  @Shown(amount) coveredM2?: number;
  /** Of an area, square metres. */
  @Shown(amount) uncoveredM2?: number;
  /** Of a line, metres. */
  @Shown(amount) coveredM?: number;
  /** Of a line, metres. */
  @Shown(amount) uncoveredM?: number;
  /** Size of the cells, or of the steps along a line, metres. */
  @Shown(amount) cellM!: number;
  /** Cameras that a place wants. */
  @Shown({ type: 'integer', minimum: 1 }) k!: number;
  /** Cameras whose view may reach there. */
  @Shown({ type: 'integer', minimum: 0 }) cameras!: number;
  occlusion!: CoverageOcclusion;
}

/** A camera that sees a point. */
export class SeeingCamera {
  @Shown({ type: 'string', format: 'uuid' }) id!: string;
  /** Slug of its authority. */
  @Shown({ type: 'string' }) authority!: string;
  /** The agency's own id. */
  @Shown({ type: 'string' }) localId!: string;
  @Shown({ type: 'string' }) name!: string;
  @Shown({ type: 'string', enum: LIFECYCLES }) lifecycle!: Lifecycle;
  @Shown({ type: 'string', enum: STATUSES }) status!: Status;
  sight!: SightDocument;
}

/** A point and who sees it. */
export class PointCoverage {
  /** The caller's name for it. */
  @Shown({ type: 'string' }) id!: string;
  @Shown({ type: 'number' }) lon!: number;
  @Shown({ type: 'number' }) lat!: number;
  @Shown({ type: 'number' }) heightM!: number;
  /** How many cameras that count see it; `cameras` names the best 100. */
  @Shown({ type: 'integer', minimum: 0 }) seenBy!: number;
  /** Cameras that count, best first. */
  cameras!: SeeingCamera[];
  /** Cameras that are only planned and will see it, best first; at most 100. */
  planned!: SeeingCamera[];
}

/** Which cameras see each of many places. */
export class CoveragePointsAnswer {
  /** In the order of the question. */
  points!: PointCoverage[];
  /** Ids of points that only planned cameras see. */
  @Shown(ids) planned!: string[];
  /** Ids of points that no camera sees, neither one that counts nor a planned one. */
  @Shown(ids) uncovered!: string[];
  /** By what the cameras of a point are put in order, the strongest first. */
  order!: OrderFactor[];
}
