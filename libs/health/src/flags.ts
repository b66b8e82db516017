import type { Flag, FlagState } from '#catalog';
import { expectedPeriodS, type Rhythm, roundS } from './due.js';

/** Flags that are judged; the others are absent from the health document. */
export const JUDGED_FLAGS = ['frozen', 'no_frame'] as const satisfies readonly Flag[];
export type JudgedFlag = (typeof JUDGED_FLAGS)[number];

/** One flag between two probes. */
export interface FlagMemory {
  readonly state: FlagState;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** Good samples in a row while it is a fault. */
  readonly good: number;
  readonly evidence: Readonly<Record<string, number>>;
}

/** What is remembered of the pictures. */
export interface PictureState {
  /** Hash of the last picture's scan data: new Exif around an old picture does not count. */
  readonly scanHash: string | null;
  /** Samples with this hash, and when the first of them came. */
  readonly samples: number;
  readonly sameSince: number | null;
  /** From when on a picture is missed: the last one, or the first probe. */
  readonly waitingSince: number | null;
  readonly flags: Readonly<Partial<Record<JudgedFlag, FlagMemory>>>;
}

export const FIRST_PICTURE: PictureState = {
  scanHash: null,
  samples: 0,
  sameSince: null,
  waitingSince: null,
  flags: {},
};

/** The picture of one probe: its scan hash; the last one once more (304); or none to be had from an `ok` (no decoder). */
export type Sample = { readonly scanHash: string } | 'unchanged' | null;

/** Samples before a fault is raised, and good ones before it is lifted (S13). */
const TO_RAISE = 3;
const TO_LIFT = 2;
const LEAST_FROZEN_S = 120;
const LEAST_WAIT_S = 15 * 60;

interface Finding {
  readonly state: FlagState;
  readonly evidence: Readonly<Record<string, number>>;
}

/** After a probe that brought a whole picture. */
export function withPicture(picture: PictureState, sample: Sample, rhythm: Rhythm, now: number): PictureState {
  const seen = { ...picture, ...followed(picture, sample, now), waitingSince: now };
  const found = { frozen: judgeFrozen(picture, seen, rhythm, now), no_frame: { state: 'fine', evidence: {} } as const };
  return { ...seen, flags: remembered(picture.flags, found, now) };
}

/** After a probe without one; `reached`: the device was there. What was found in the last picture stays as it was. */
export function withoutPicture(picture: PictureState, reached: boolean, rhythm: Rhythm, now: number): PictureState {
  const waitingSince = picture.waitingSince ?? now;
  return {
    ...picture,
    waitingSince,
    flags: remembered(picture.flags, { no_frame: judgeMissing(picture, reached, rhythm, now - waitingSince) }, now),
  };
}

function judgeMissing({ flags }: PictureState, reached: boolean, rhythm: Rhythm, waitedMs: number): Finding {
  if (!reached) return { state: 'not_checkable', evidence: {} };
  const waitedS = Math.round(waitedMs / 1000);
  const isMissed = waitedS >= Math.max(LEAST_WAIT_S, 3 * roundS(rhythm)) || flags.no_frame?.state === 'fault';
  return isMissed ? { state: 'fault', evidence: { waitedS } } : { state: 'fine', evidence: {} };
}

function followed(picture: PictureState, sample: Sample, now: number): Partial<PictureState> {
  if (sample === null) return { scanHash: null, samples: 0, sameSince: null };
  const scanHash = sample === 'unchanged' ? picture.scanHash : sample.scanHash;
  const isSame = scanHash !== null && scanHash === picture.scanHash;
  return isSame ? { samples: picture.samples + 1 } : { scanHash, samples: 1, sameSince: now };
}

/** The same picture in three samples over three of its periods, at least two minutes. Fewer equal ones say nothing: null. */
function judgeFrozen(before: PictureState, seen: PictureState, rhythm: Rhythm, now: number): Finding | null {
  if (seen.scanHash === null || seen.sameSince === null) return { state: 'not_checkable', evidence: {} };
  if (before.scanHash === null) return before.flags.frozen ? null : { state: 'not_checkable', evidence: {} };
  if (seen.scanHash !== before.scanHash) return { state: 'fine', evidence: {} };
  const { samples } = seen;
  const sameS = Math.round((now - seen.sameSince) / 1000);
  const isFrozen = samples >= TO_RAISE && sameS >= Math.max(3 * expectedPeriodS(rhythm), LEAST_FROZEN_S);
  return isFrozen ? { state: 'fault', evidence: { samples, sameS } } : null;
}

type Flags = PictureState['flags'];

/** Takes findings over; a fault is lifted by the second good sample only. */
function remembered(flags: Flags, found: Partial<Record<JudgedFlag, Finding | null>>, now: number): Flags {
  const next = { ...flags };
  for (const flag of JUDGED_FLAGS) {
    const finding = found[flag] ?? null;
    const kept = flags[flag];
    if (finding === null) continue;
    const staysFaulty = kept?.state === 'fault' && finding.state === 'fine' && kept.good + 1 < TO_LIFT;
    next[flag] = staysFaulty
      ? { ...kept, good: kept.good + 1 }
      : { ...finding, since: kept?.state === finding.state ? kept.since : now, good: 0 };
  }
  return next;
}

/** Whether a flag that is judged says that the picture is bad. */
export const hasFault = ({ flags }: PictureState): boolean =>
  Object.values(flags).some(({ state }) => state === 'fault');
