export * from './authorities.js';
export * from './buildings.js';
export { type Extras } from './camera-answer.js';
export * from './camera-finder.js';
export * from './cameras.js';
export {
  connect,
  type ConnectOptions,
  migrate,
  ping,
  requireMigrated,
  requireModestLogin,
  requirePostgis,
  type Role,
  UnfitDatabase,
} from './data-source.js';
export type { Database } from './sql.js';
export * from './api-keys.js';
export * from './due-queue.js';
export * from './idempotent-answers.js';
export * from './projections.js';
export { TABLES } from './tables.js';
export * from './terrain.js';
export { transact } from './transact.js';
export { isRetryable, translate } from './translate.js';
export * from './view-index.js';
