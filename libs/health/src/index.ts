export { Blindness, isUnreached, type Outlook, wasThere } from './blindness.js';
export { countedAs } from './counted-as.js';
export { nextRoundS, type Rhythm, roundS, staleAfterS } from './due.js';
export { lightOf } from './light.js';
export { glance } from './glance.js';
export { mayAuthenticate } from './hold-off.js';
export { NEXT_STEPS } from './next-steps.js';
export type { Notice } from './notices.js';
export { OUTCOME_MEANINGS } from './outcome-meanings.js';
export { faultsOf } from './picture-flags.js';
export type { PictureLook, Sample, Scene, Told } from './picture-state.js';
export { paced, referenceView } from './flag-rule.js';
export { type AskedPreset, presetInTurn, type PresetTurn } from './preset-turn.js';
export { isReferable, proposedFor } from './reference.js';
export { isHeld } from './rules-of-time.js';
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
export { type CountedProbe, EMPTY_TALLY, type Latency, merged, quantileMs, type Tally, tallyOf } from './tally.js';
export { type Move, type Recorded, type Span, statusSpans, type Turn, turnsOf, type Wish } from './timeline.js';
export { availability, type Availability } from './uptime.js';
export { OFFLINE_SCORE, type Weighing, WEIGHINGS } from './weights.js';
export { primaryOf, whomToAsk } from './whom-to-ask.js';
