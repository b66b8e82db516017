import { type Flag, FLAGS } from '#catalog';
import { saysOf } from './flag-words.js';
import { withPicture } from './picture-flags.js';
import { FIRST_PICTURE, type Seen } from './picture-state.js';

/** Flags for which one picture says too little: what is still, or seldom, shows over time alone. */
const OF_TIME: readonly Flag[] = ['frozen', 'no_frame', 'low_fps'];

/** Rhythm of a camera of which nobody knows one, seconds. */
const UNKNOWN_RHYTHM = { id: '', intervalS: 60, minIntervalS: 5 } as const;

/**
 * What a single picture seems to suffer from, in words for the person on call. A flag is raised only when several pictures over some
 * time say so; this is for somebody who has just one.
 * @param now milliseconds since 1970
 */
export function glance(seen: Seen, now: number): readonly { readonly flag: Flag; readonly says: string }[] {
  const { flags } = withPicture(FIRST_PICTURE, seen, UNKNOWN_RHYTHM, now);
  return FLAGS.flatMap((flag) => {
    const memory = flags[flag];
    if (memory === undefined || OF_TIME.includes(flag)) return [];
    const isSuspected = memory.state === 'fault' || memory.bad > 0;
    return isSuspected ? [{ flag, says: saysOf(flag, { ...memory, state: 'fault' }) }] : [];
  });
}
