export { type Rhythm, roundS, staleAfterS } from './due.js';
export { JUDGED_FLAGS, type JudgedFlag, type Sample } from './flags.js';
export { mayAuthenticate } from './hold-off.js';
export type { Notice } from './notices.js';
export { agreementOf, shownOf, type ShownHealth } from './shown.js';
export {
  type AskedService,
  type Condition,
  CONDITIONS,
  FIRST_STATE,
  type HealthState,
  type Standing,
  STANDINGS,
  stateFrom,
} from './state.js';
export { type HealthEffect, type HealthEvent, type Probed, statusOf, type Step, step } from './state-machine.js';
export { OFFLINE_SCORE, type Weighing, WEIGHINGS } from './weights.js';
export { primaryOf, whomToAsk } from './whom-to-ask.js';
