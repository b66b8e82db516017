import type { CountedAs, Outcome, Status } from '#catalog';
import { WEIGHINGS } from './weights.js';

/** As what a probe counts in the history. @param status of the camera after it, with what covers it: `maintenance` too */
export function countedAs(outcome: Outcome, status: Status): CountedAs {
  if (status === 'maintenance' || status === 'unreachable') return status;
  const { effect } = WEIGHINGS[outcome];
  switch (effect) {
    case 'ok':
      return status === 'degraded' ? 'degraded' : 'ok';
    case 'busy':
      return 'busy';
    case 'refusal':
    case 'failure':
      return 'fail';
    case 'barred':
    case 'ours':
      return 'unknown';
    default:
      return effect satisfies never;
  }
}
