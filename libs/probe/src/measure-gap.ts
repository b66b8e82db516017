import type { Attempt } from './attempt.js';
import { isFailure, type PictureStream } from './picture-stream.js';

/**
 * Waits for the second picture of a stream where that was asked for, and notes after how long it came. Nothing is made of the first
 * meanwhile, or the time of that would count.
 * @returns the second picture, which may still be to come; null where it was not asked for
 */
export async function measureGap(
  attempt: Attempt,
  pictures: PictureStream,
): Promise<{ readonly second: ReturnType<PictureStream['next']> } | null> {
  const { gapWithinMs } = attempt.target;
  if (gapWithinMs === undefined) return null;
  const { now } = attempt.tools;
  const beganMs = now();
  const second = pictures.next();
  // Whoever wants the second picture meets its error; where nobody does, there is none.
  second.catch(() => undefined);
  const inVain = Symbol('no second picture');
  let timer: NodeJS.Timeout | undefined;
  const waited = new Promise<typeof inVain>((resolve) => {
    timer = setTimeout(() => resolve(inVain), gapWithinMs);
  });
  const came = await Promise.race([second, waited]);
  clearTimeout(timer);
  // A stream that ends after one picture has no rate.
  if (came === inVain || !isFailure(came)) attempt.evidence.gapMs = Math.round(now() - beganMs);
  return { second };
}
