export {
  type BuildingFields,
  type BuildingFinding,
  type FeatureProblem,
  readBuildings,
  type ReadBuilding,
} from './buildings.js';
export { openGeotiff, type Raster } from './geotiff.js';
export { guessProfile } from './guess-profile.js';
export { HeightTiles } from './height-tiles.js';
export { headingOf, type Heading } from './heading.js';
export { intake, type Intake, INTAKES, type Profile, PROFILES } from './intake.js';
export { type LonLatGrid, planGrid, type Positions } from './lon-lat-grid.js';
export { mergeStated, type Merged } from './merge-stated.js';
export type { RandomAccess } from './random-access.js';
export type { IntakeContext, IntakeResult, IntakeRow, RowProblem } from './row.js';
export { isSameUrl, sameButSerial } from './same-url.js';
