/** What one picture shows, in numbers: of its 160 × 90 grey form, without the parts that masks cover. Grey values run from 0 to 255. */
export interface PictureSignals {
  readonly mean: number;
  /** Standard deviation of all pixels. */
  readonly sd: number;
  /** Share of pixels below 26, 0 to 1. */
  readonly darkShare: number;
  /** Share of pixels above 245, 0 to 1. */
  readonly brightShare: number;
  /** Share of pixels that hardly differ from their neighbours (by at most 1), 0 to 1: drawn cards have many, scenes few. */
  readonly plainShare: number;
  /** The same without those that are plain since they are black, as a sky by night is. */
  readonly litPlainShare: number;
  /** Variance of the 4-neighbour Laplacian; divided by sd² it is the sharpness that does not depend on contrast. */
  readonly laplacianVariance: number;
  /** Bits of encoded picture data per pixel of the full frame. */
  readonly bitsPerPixel: number;
}

/** Light in which outdoor pictures can be compared: the sun above 6°, below -6°, or between. */
export const LIGHTS = ['day', 'twilight', 'night'] as const;
export type Light = (typeof LIGHTS)[number];

/** What a good picture of a view looks like in one light: pictures are compared with it, and no picture can be made of it. */
export interface ReferenceView {
  /** When the picture was taken, RFC 3339 UTC. */
  readonly capturedAt: string;
  readonly sd: number;
  readonly laplacianVariance: number;
  /** Directions of outlines at some places of the picture, as `frames` packs them. */
  readonly outlines: string;
}

/** How a reference came to be: taken by itself from a good picture, or accepted by a person. */
export const REFERENCE_SOURCES = ['automatic', 'operator'] as const;
export type ReferenceSource = (typeof REFERENCE_SOURCES)[number];

/** The pictures with which those of a camera are compared. */
export interface Reference {
  /** Grows with each change of it. */
  readonly revision: number;
  /** Fingerprint of what decides what the pictures show: one of another view, service or mask serves no more. */
  readonly of: string;
  readonly source: ReferenceSource;
  /** RFC 3339 UTC; of an automatic one, when it was begun. */
  readonly acceptedAt: string;
  readonly views: Readonly<Partial<Record<Light, ReferenceView>>>;
}

/**
 * Sums over the grey values of each of the 144 cells, row by row from the top left: by them two pictures of one view are
 * compared without keeping either.
 */
export interface CellSums {
  /** Sum of a cell's 100 pixels; -1 for a cell that a mask touches. */
  readonly plain: readonly number[];
  /** Sum of the same pixels, each with a sign of its own that never changes: what cancels out in one shows in the other. */
  readonly signed: readonly number[];
  /** Whether a cell is evenly black or white, so that no sensor's noise can show in it. */
  readonly isClipped: readonly boolean[];
}
