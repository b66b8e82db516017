import type { Attempt, ProbeResult } from './attempt.js';
import type { Failure } from './dial-failure.js';
import { measureGap } from './measure-gap.js';
import { isFailure, type PictureStream } from './picture-stream.js';

/**
 * Takes frames until one is undamaged, and ends the attempt with it.
 * @param pictures the answer, or why there is none
 * @param most frames that are looked at
 */
export async function takeFrame(
  attempt: Attempt,
  pictures: PictureStream | Failure,
  most: number,
): Promise<ProbeResult> {
  if (isFailure(pictures)) return attempt.finish(pictures, null);
  try {
    const beganMs = attempt.tools.now();
    let damage: string | null = null;
    let ahead: ReturnType<PictureStream['next']> | null = null;
    for (let count = 0; count < most; count += 1) {
      const frame = await (ahead ?? pictures.next());
      ahead = null;
      if (isFailure(frame)) return attempt.finish(damage === null ? frame : damaged(damage), null);
      attempt.phases.firstFrameMs ??= attempt.tools.now() - beganMs;
      if (count === 0) ahead = (await measureGap(attempt, pictures))?.second ?? null;
      damage = (await attempt.tools.isDamaged?.(frame)) ?? null;
      if (damage === null) {
        delete attempt.evidence.damage;
        return attempt.finish({ outcome: 'ok', reason: 'a whole picture came' }, frame);
      }
      attempt.evidence.damage = attempt.scrub(damage);
    }
    return attempt.finish(damaged(damage ?? ''), null);
  } finally {
    pictures.close();
  }
}

const damaged = (damage: string): Failure => ({ outcome: 'bad_picture', reason: `the picture is damaged: ${damage}` });
