export * from './access-requests.js';
export { AuditChains, type ChainLink, type Unsealed } from './audit-chains.js';
export { AuditLog, placeOf } from './audit-log.js';
export { Audit, type AuditNote } from './audit-notes.js';
export { AuditSeals } from './audit-seals.js';
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
  requirePostgis,
  UnfitDatabase,
} from './data-source.js';
export { type Role } from './database-role.js';
export * from './event-audience.js';
export * from './fresh-frames.js';
export * from './outbox.js';
export * from './outbox-bell.js';
export * from './outbox-reader.js';
export type { Database } from './sql.js';
export * from './api-keys.js';
export * from './due-queue.js';
export * from './grants.js';
export * from './health-history.js';
export * from './health-summary.js';
export * from './held-pictures.js';
export * from './history-rollup.js';
export * from './idempotent-answers.js';
export { type FrameToKeep, type KnownPreset, MAIN_VIEW, type PresetRecord } from './keep-frames.js';
export * from './kept-frames.js';
export { requireModestLogin } from './modest-login.js';
export * from './members.js';
export * from './named-keys.js';
export { type RememberedProbe } from './packed-probe.js';
export * from './partitions.js';
export * from './picture-upkeep.js';
export * from './probe-record.js';
export * from './probe-results.js';
export * from './probe-wishes.js';
export * from './projections.js';
export type { Reach } from './reach.js';
export { type NamedTarget, type RefusedTarget, RefusedTargets } from './refused-targets.js';
export { type AcceptedReference, type PresentPicture, type ProposedReference, References } from './references.js';
export * from './sessions.js';
export * from './sealed-rows.js';
export { type SiteNews, Sites } from './sites.js';
export { TABLES } from './tables.js';
export * from './stored-pictures.js';
export * from './terrain.js';
export { type Acting, transact, transactAs } from './transact.js';
export { isRetryable, translate } from './translate.js';
export * from './view-index.js';
export * from './webhook-queue.js';
export * from './webhooks.js';
export { WriteOrder } from './write-order.js';
