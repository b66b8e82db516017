import type { CellSums, Flag, FlagState, PictureSignals, Reference } from '#catalog';
import type { Unknowable } from './unknowable.js';
import type { Stillness } from './stillness.js';

/** Numbers that were measured, by name. */
export type Measured = Readonly<Record<string, number>>;

/** One flag between two probes. */
export interface FlagMemory {
  readonly state: FlagState;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** Good samples in a row while it is a fault, or looks like one. */
  readonly good: number;
  /** Bad samples while it is none, and when the first of them came. */
  readonly bad: number;
  readonly badSince: number | null;
  readonly measured: Measured;
  /** Why it cannot be judged. */
  readonly why?: Unknowable;
}

/** What is remembered of the pictures. JSON; moments are milliseconds since 1970. */
export interface PictureState {
  /** Form of this object; one of another form is forgotten. */
  readonly v: 2;
  /** Hash of the last picture's scan data: new Exif around an old picture does not count. */
  readonly scanHash: string | null;
  /** What that picture shows; null where it was not looked at. */
  readonly signals: PictureSignals | null;
  /** How like it is to the reference that was taken then. */
  readonly likeness: { readonly value: number; readonly to: string } | null;
  /** Samples with this hash, and when the first of them came. */
  readonly samples: number;
  readonly sameSince: number | null;
  /** The same but for a few cells, this hash or not. */
  readonly still: Stillness | null;
  /** Seconds from one new picture to the next, the last eight. */
  readonly gapsS: readonly number[];
  /** Whether pictures came without a break since the last new one: only then is the next gap one. */
  readonly isUnbroken: boolean;
  /** The time that the source itself states of the picture, and whether it moves with the pictures; null while nobody knows. */
  readonly source: { readonly at: number; readonly moves: boolean | null } | null;
  /** What the pictures are compared with. */
  readonly reference: string | null;
  /** Since when no flag is up or about to be; null: one is. */
  readonly faultlessSince: number | null;
  /** From when on a picture is missed: the last one, or the first probe. */
  readonly waitingSince: number | null;
  readonly flags: Readonly<Partial<Record<Flag, FlagMemory>>>;
}

export const FIRST_PICTURE: PictureState = {
  v: 2,
  scanHash: null,
  signals: null,
  likeness: null,
  samples: 0,
  sameSince: null,
  still: null,
  gapsS: [],
  isUnbroken: false,
  source: null,
  reference: null,
  faultlessSince: null,
  waitingSince: null,
  flags: {},
};

/** As it was kept; that of another form is the first. */
export const pictureFrom = (kept: unknown): PictureState =>
  typeof kept === 'object' && kept !== null && (kept as { readonly v?: unknown }).v === FIRST_PICTURE.v
    ? (kept as PictureState)
    : FIRST_PICTURE;

/** What looking at a picture showed. */
export interface PictureLook {
  readonly signals: PictureSignals;
  readonly cells: CellSums;
  /** How like its outlines are to those of the reference in its light, -1 to 1; null where there was nothing to compare. */
  readonly likeness: number | null;
}

/**
 * The picture of one probe: its scan hash, with what it shows unless that is known already; the last one once more (304); or none to be
 * had from an `ok` (no decoder).
 */
export type Sample = { readonly scanHash: string; readonly look?: PictureLook } | 'unchanged' | null;

/** Under what the picture was taken. */
export interface Scene {
  readonly sunElevationDeg: number;
  /** The camera does not turn, so that its pictures can be compared. */
  readonly isFixed: boolean;
  /** Null without one that fits the view as it is registered now. */
  readonly reference: Reference | null;
}

/** What the device and others told besides the picture. */
export interface Told {
  /** When the picture was taken, by the source itself, milliseconds since 1970, and how long ago that was by the source's own clock, seconds. */
  readonly source?: { readonly at: number; readonly ageS: number };
  /** By how much the device's clock is ahead of the database's, seconds. */
  readonly clockOffS?: number;
  /** What serves the picture says itself that its camera is gone (`X-UStreamer-Online: false`). */
  readonly isSourceGone?: boolean;
  /** Cameras that showed this very picture for longer than a picture lasts. */
  readonly cameras?: number;
  /** Seconds between two pictures: as declared, and as measured now. */
  readonly declaredGapS?: number;
  readonly gapS?: number;
}

/** All that one probe showed. */
export interface Seen {
  readonly sample: Sample;
  readonly scene?: Scene;
  readonly told?: Told;
}
