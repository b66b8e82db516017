import type { Flag } from '#catalog';
import { type Rhythm, roundS } from './due.js';
import { remembered } from './flag-memory.js';
import { fault, type Finding, fine, referenceView, unknowable } from './flag-rule.js';
import { judged } from './flag-rules.js';
import type { PictureState, Scene, Seen, Told } from './picture-state.js';
import { frameLimitS } from './rules-of-time.js';
import { stillAgain, stillnessWith } from './stillness.js';

/** Flags that only inform: a camera with one of them shows its picture all the same. */
const INFORMING: readonly Flag[] = ['low_fps', 'clock_skew'];
/** Flags that are judged by the reference. */
const COMPARED: readonly Flag[] = ['covered', 'blurred', 'moved'];
/** Gaps between new pictures that are kept. */
const GAPS = 8;

/** After a probe that brought a whole picture. @param now milliseconds since 1970 */
export function withPicture(kept: PictureState, seen: Seen, rhythm: Rhythm, now: number): PictureState {
  const before = withReference(kept, seen.scene);
  const picture = { ...followed(before, seen, now), waitingSince: now };
  const flags = remembered(before.flags, judged({ ...seen, before, picture, rhythm, now }), now);
  const isFaultless = Object.entries(flags).every(
    ([flag, { state, bad }]) => INFORMING.includes(flag as Flag) || (state !== 'fault' && bad === 0),
  );
  return { ...picture, flags, faultlessSince: isFaultless ? (before.faultlessSince ?? now) : null };
}

/** After a probe without one; `reached`: the device was there. What was found in the last picture stays as it was. */
export function withoutPicture(picture: PictureState, reached: boolean, rhythm: Rhythm, now: number): PictureState {
  const waitingSince = picture.waitingSince ?? now;
  const missing = judgeMissing(picture, reached, rhythm, now - waitingSince);
  return {
    ...picture,
    waitingSince,
    isUnbroken: false,
    flags: remembered(picture.flags, { no_frame: missing }, now),
  };
}

/** Whether a flag says that the picture is bad. */
export const hasFault = ({ flags }: PictureState): boolean => faultsOf(flags).length > 0;

/** Flags that say that the picture is bad. */
export const faultsOf = (flags: PictureState['flags']): Flag[] =>
  (Object.keys(flags) as Flag[]).filter((flag) => flags[flag]?.state === 'fault' && !INFORMING.includes(flag));

function judgeMissing({ flags }: PictureState, reached: boolean, rhythm: Rhythm, waitedMs: number): Finding {
  if (!reached) return unknowable('not_reached');
  const [waitedS, limitS] = [Math.round(waitedMs / 1000), frameLimitS(roundS(rhythm))];
  const isMissed = waitedS >= limitS || flags.no_frame?.state === 'fault';
  return isMissed ? fault({ waitedS, limitS }) : fine({ waitedS, limitS });
}

/** A new reference is a new beginning for what is compared with it. */
function withReference(picture: PictureState, scene?: Scene): PictureState {
  const { reference = null } = scene ?? {};
  const key = reference === null ? null : `${reference.of} ${reference.source} ${reference.acceptedAt}`;
  if (key === picture.reference) return picture;
  const kept = Object.entries(picture.flags).filter(([flag]) => !COMPARED.includes(flag as Flag));
  return { ...picture, reference: key, likeness: null, flags: Object.fromEntries(kept) };
}

/** The picture, and what runs on from those before it. */
function followed(picture: PictureState, { sample, scene, told }: Seen, now: number): PictureState {
  if (sample === null) {
    return { ...picture, scanHash: null, signals: null, likeness: null, samples: 0, sameSince: null, still: null };
  }
  const { scanHash } = sample === 'unchanged' ? picture : sample;
  const look = sample === 'unchanged' ? undefined : sample.look;
  const isSame = scanHash !== null && scanHash === picture.scanHash;
  const source = sourceWith(picture, isSame, told);
  if (isSame) {
    const shown = look === undefined ? {} : { signals: look.signals, likeness: likenessOf({ sample, scene }) };
    const begun = look === undefined ? null : stillnessWith(null, look.cells, picture.sameSince ?? now);
    const still = picture.still === null ? begun : stillAgain(picture.still);
    return { ...picture, ...shown, source, samples: picture.samples + 1, still };
  }
  const { sameSince, isUnbroken } = picture;
  const gapS = isUnbroken && sameSince !== null ? [(now - sameSince) / 1000] : [];
  return {
    ...picture,
    scanHash,
    signals: look?.signals ?? null,
    likeness: likenessOf({ sample, scene }),
    samples: 1,
    sameSince: now,
    still: look === undefined ? null : stillnessWith(picture.still, look.cells, now),
    gapsS: [...picture.gapsS, ...gapS].slice(-GAPS),
    isUnbroken: true,
    source,
  };
}

function likenessOf({
  sample,
  scene,
}: {
  readonly sample: Seen['sample'];
  readonly scene: Scene | undefined;
}): PictureState['likeness'] {
  if (sample === null || sample === 'unchanged' || sample.look?.likeness == null || scene === undefined) return null;
  const view = referenceView({ scene });
  return typeof view === 'string' ? null : { value: sample.look.likeness, to: view.capturedAt };
}

/** What the source states of its pictures' time, and whether that moves when they change. */
function sourceWith({ source: kept }: PictureState, isSame: boolean, { source }: Told = {}): PictureState['source'] {
  if (source === undefined) return null;
  if (isSame || kept === null) return { at: source.at, moves: kept?.moves ?? null };
  return { at: source.at, moves: source.at !== kept.at };
}
