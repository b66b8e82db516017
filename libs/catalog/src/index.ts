import 'reflect-metadata';

export * from './access.document.js';
export * from './access-request.document.js';
export * from './actor.js';
export * from './api-key.document.js';
export * from './audit-codes.js';
export * from './audit.document.js';
export * from './audit-search.js';
export * from './authority.document.js';
export * from './building-set.document.js';
export * from './camera-columns.js';
export * from './camera-faults.js';
export * from './camera-parts.document.js';
export * from './camera-record.js';
export * from './camera-search.js';
export * from './camera.document.js';
export * from './canonical-json.js';
export * from './check.js';
export * from './codes.js';
export * from './completeness.js';
export * from './coverage.document.js';
export * from './csv-cell.js';
export * from './errors.js';
export * from './event.document.js';
export * from './event-search.js';
export * from './filled-view.js';
export * from './frame.js';
export * from './frame-search.js';
export * from './geometry.document.js';
export * from './grant.document.js';
export * from './health-history.document.js';
export * from './health-search.js';
export * from './health-summary.document.js';
export * from './health.document.js';
export * from './import.document.js';
export { isPrivateTransport, judgeIssuer } from './issuer.js';
export * from './kept-frame.document.js';
export * from './member.document.js';
export * from './member-schema.js';
export * from './merge-patch.js';
export * from './picture-signals.js';
export * from './problems.js';
export {
  parseBbox,
  parseGeometry,
  parsePoint,
  parsePolygon,
  type Bbox,
  type Polygons,
  type QueryGeometry,
} from './query-geometry.js';
export * from './reference.document.js';
export * from './rules.js';
export * from './scoped-query.js';
export * from './selectors.js';
export * from './service.document.js';
export * from './services.js';
export * from './session.document.js';
export * from './sight.document.js';
export * from './strict-json.js';
export * from './terrain.document.js';
export * from './thumbnail-link.document.js';
export * from './view.document.js';
export { type ShownView, viewFingerprint } from './view-fingerprint.js';
export * from './webhook.document.js';
