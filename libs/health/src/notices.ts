/** What people have been told of a camera. */
export interface NoticeState {
  /** On which side of the fence it last stood; a suspect camera stands where it stood before. */
  readonly side: 'online' | 'offline' | null;
  /** The last word. Down and up alternate, whatever was muted between them. */
  readonly told: 'up' | 'down';
  /** The last 20 results, oldest first: `1` moved the camera from one side to the other. */
  readonly moves: string;
  /** It goes up and down too often for single notices to help. */
  readonly flapping: boolean;
  /** When the last `down` was told, milliseconds since 1970; null while it is up. */
  readonly downAt: number | null;
  /** Reminders that were due since then. */
  readonly reminders: number;
}

export const FIRST_NOTICE: NoticeState = {
  side: null,
  told: 'up',
  moves: '',
  flapping: false,
  downAt: null,
  reminders: 0,
};

/** A word to people about one camera; `still_down` reminds of a `down`. */
export type Notice = 'up' | 'down' | 'still_down' | 'flapping';

const RESULTS = 20;
const ENTERS = 0.3;
const LEAVES = 0.25;

/** Share of moves among the last 20 results, newer ones counting more: Σ (0.8 + 0.02 i) · bit ÷ 20, as Icinga 2 does. */
function flappingShare(moves: string): number {
  const offset = RESULTS - moves.length;
  let sum = 0;
  for (let i = 0; i < moves.length; i += 1) if (moves[i] === '1') sum += 0.8 + 0.02 * (i + offset);
  return sum / RESULTS;
}

/** After an applied result: where the camera stands now; `null` on neither side. */
export function noted(notice: NoticeState, side: NoticeState['side']): NoticeState {
  const moved = side !== null && notice.side !== null && side !== notice.side;
  const moves = (notice.moves + (moved ? '1' : '0')).slice(-RESULTS);
  const share = flappingShare(moves);
  const flapping = notice.flapping ? share >= LEAVES : share > ENTERS;
  return { ...notice, side, moves, flapping };
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** How many reminders are due after so long: after an hour, a day, then daily (S16). */
const remindersIn = (ms: number): number => (ms < HOUR_MS ? 0 : 1 + Math.floor(ms / DAY_MS));

/**
 * What there is to tell, and the state once it is told. Nothing is told while the camera is muted (maintenance, an outage of its whole site); what is
 * still so at the end is told then (S10, S14). Flapping is told once, and mutes up and down (S9). Of what is down for long people are
 * reminded: of a time without probes by one word, not by all that were due.
 * @param at milliseconds since 1970
 */
export function tell(
  before: NoticeState,
  now: NoticeState,
  { isMuted, isRecovering, at }: { readonly isMuted: boolean; readonly isRecovering: boolean; readonly at: number },
): { readonly notice: NoticeState; readonly words: readonly Notice[] } {
  if (isMuted) return { notice: now, words: [] };
  if (now.flapping) return { notice: now, words: before.flapping ? [] : ['flapping'] };
  // It is neither down any more nor up yet.
  if (isRecovering) return { notice: now, words: [] };
  const word = now.side === 'offline' ? 'down' : now.side === 'online' ? 'up' : now.told;
  if (word !== now.told) {
    const downAt = word === 'down' ? at : null;
    return { notice: { ...now, told: word, downAt, reminders: 0 }, words: [word] };
  }
  const due = now.downAt === null ? 0 : remindersIn(at - now.downAt);
  if (now.side !== 'offline' || due <= now.reminders) return { notice: now, words: [] };
  return { notice: { ...now, reminders: due }, words: ['still_down'] };
}
