export { guessProfile } from './guess-profile.js';
export { headingOf, type Heading } from './heading.js';
export { intake, type Intake, INTAKES, type Profile, PROFILES } from './intake.js';
export { mergeStated, type Merged } from './merge-stated.js';
export type { IntakeContext, IntakeResult, IntakeRow, RowProblem } from './row.js';
export { isSameUrl, sameButSerial } from './same-url.js';
