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
}

export const FIRST_NOTICE: NoticeState = { side: null, told: 'up', moves: '', flapping: false };

/** A word to people. */
export type Notice = 'up' | 'down' | 'flapping';

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

/**
 * What there is to tell, and the state once it is told. Nothing is told under maintenance; what is still so at its end
 * is told then (S14). Flapping is told once, and mutes up and down (S9).
 */
export function tell(
  before: NoticeState,
  now: NoticeState,
  isMaintenance: boolean,
): { readonly notice: NoticeState; readonly words: readonly Notice[] } {
  if (isMaintenance) return { notice: now, words: [] };
  if (now.flapping) return { notice: now, words: before.flapping ? [] : ['flapping'] };
  const word = now.side === 'offline' ? 'down' : now.side === 'online' ? 'up' : now.told;
  return word === now.told ? { notice: now, words: [] } : { notice: { ...now, told: word }, words: [word] };
}
