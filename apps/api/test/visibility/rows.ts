import type { Asked } from '../asking.js';
import type { Canary } from './canaries.js';

/** A request that may tell of a camera. */
export type Request = readonly [method: string, path: string, asked?: Omit<Asked, 'key'>];

/** How a camera is asked for; `one`: by its own address, where who may not know it gets what he gets for any other id. */
export interface Row {
  readonly asks: 'one' | 'many';
  readonly of: (canary: Canary) => Request;
}

const one = (of: Row['of']): Row => ({ asks: 'one', of });
const many = (of: Row['of']): Row => ({ asks: 'many', of });
const get = (path: (canary: Canary) => string): Row => one((canary) => ['GET', path(canary)]);
const find = (path: (canary: Canary) => string): Row => many((canary) => ['GET', path(canary)]);

const GEOJSON = { headers: { accept: 'application/geo+json' } } as const;
const CSV = { headers: { accept: 'text/csv' } } as const;

/** A body that is wrong, and no If-Match: nothing is ever changed here. */
const WRONG = { body: {} } as const;

const NO_CAMERA = 'has nothing to do with cameras';
const HOOKS = 'tells what streams tell, by the same judge; webhooks.e2e.spec.ts';
const GRANTS = 'names a camera to those who share it; grants.e2e.spec.ts';

/**
 * Every operation in each of its representations; a reason where it tells of no single camera. Where there are several, the first stands under the
 * operation's own name.
 */
export const ROWS: Readonly<Record<string, Readonly<Record<string, Row>> | string>> = {
  findCameras: {
    'by a word': find(({ localId }) => `/v1/cameras?q=${localId}`),
    'as GeoJSON': many(({ localId }) => ['GET', `/v1/cameras?q=${localId}`, GEOJSON]),
    'as CSV': many(({ localId }) => ['GET', `/v1/cameras?q=${localId}&include=footprint,thumbnail`, CSV]),
    'as CSV, by what they see': find(({ sees }) => `/v1/cameras?sees=${sees.join(',')}&f=csv`),
    'with everything': find(({ localId }) => `/v1/cameras?q=${localId}&include=footprint,health,thumbnail`),
    'some members': find(({ localId }) => `/v1/cameras?q=${localId}&fields=services,properties,device,access,name`),
    'near a place': find(({ sees: [lon, lat] }) => `/v1/cameras?near=${lon},${lat}&radiusM=100`),
    'within a box': find(
      ({ sees: [lon, lat] }) => `/v1/cameras?bbox=${lon - 0.001},${lat - 0.001},${lon + 0.001},${lat + 0.001}`,
    ),
    'by what they see': find(({ sees }) => `/v1/cameras?sees=${sees.join(',')}&include=footprint`),
    'by footprint': find(({ sees }) => `/v1/cameras?footprint=POINT(${sees.join(' ')})`),
    'as a change feed': find(() => '/v1/cameras?updatedSince=2020-01-01T00:00:00Z&limit=1000'),
    'by its access level': find(({ level }) => `/v1/cameras?access=${level}`),
  },
  getCamera: {
    'as JSON': get(({ id }) => `/v1/cameras/${id}`),
    'as GeoJSON': one(({ id }) => ['GET', `/v1/cameras/${id}`, GEOJSON]),
    'its head alone': one(({ id }) => ['HEAD', `/v1/cameras/${id}`]),
    'with an administrator’s tag': one(({ id, etag }) => [
      'GET',
      `/v1/cameras/${id}`,
      { headers: { 'if-none-match': etag } },
    ]),
  },
  getCameraByLocalId: { 'as JSON': get(({ localId }) => `/v1/authorities/tainan-wrb/cameras/${localId}`) },
  getCameraSight: { 'as JSON': get(({ id }) => `/v1/cameras/${id}/sight?point=120.1234567,23.0791`) },
  getCameraFootprint: { 'as GeoJSON': get(({ id }) => `/v1/cameras/${id}/footprint`) },
  getCameraGeoPose: { 'as GeoPose': get(({ id }) => `/v1/cameras/${id}/view.geopose`) },
  getCameraFrustum: { 'as JSON': get(({ id }) => `/v1/cameras/${id}/view.frustum`) },
  getCameraHealth: { 'as JSON': get(({ id }) => `/v1/cameras/${id}/health`) },
  getCameraHealthHistory: { 'as JSON': get(({ id }) => `/v1/cameras/${id}/health/history`) },
  summarizeHealth: {
    'by city': find(({ localId }) => `/v1/health/summary?by=city&q=${localId}`),
    'by authority': find(({ localId }) => `/v1/health/summary?by=authority&q=${localId}`),
  },
  getCameraThumbnail: {
    'as JPEG': get(({ id }) => `/v1/cameras/${id}/thumbnail`),
    'as wide as there is': get(({ id }) => `/v1/cameras/${id}/thumbnail?width=1280`),
  },
  listCameraFrames: { 'as JSON': get(({ id }) => `/v1/cameras/${id}/frames`) },
  getCameraFrame: { 'as JPEG': get(({ id }) => `/v1/cameras/${id}/frames/2026-01-01T00:00:00.000Z`) },
  linkCameraThumbnail: {
    'as JSON': one(({ id }) => ['POST', `/v1/cameras/${id}/thumbnail/link`, { body: {} }]),
  },
  probeCamera: { 'as JSON': one(({ id }) => ['POST', `/v1/cameras/${id}/probe`]) },
  acceptReference: { 'as JSON': one(({ id }) => ['POST', `/v1/cameras/${id}/reference`]) },
  replaceCamera: { refused: one(({ id }) => ['PUT', `/v1/cameras/${id}`, WRONG]) },
  patchCamera: { refused: one(({ id }) => ['PATCH', `/v1/cameras/${id}`, WRONG]) },
  retireCamera: { refused: one(({ id }) => ['DELETE', `/v1/cameras/${id}`]) },
  showWall: { 'as HTML': find(({ localId }) => `/wall?q=${localId}`) },
  showFirstPage: { 'as HTML': find(({ localId }) => `/?q=${localId}`) },
  coverPoints: {
    'as JSON': many(({ sees: [lon, lat] }) => [
      'POST',
      '/v1/coverage/points',
      { body: { points: [{ id: 'p', lon, lat }] } },
    ]),
  },
  coverArea: 'shares of ground, which the test below compares with a world without the camera',
  streamEvents: 'a stream: the test below listens',
  listAudit: 'for who may read the audit, not who may know a camera: audit.e2e.spec.ts says whose',
  registerCamera: 'tells of the camera that the caller writes',
  importCameras: 'tells of the rows that the caller sends; imports.e2e.spec.ts',
  makeWebhook: HOOKS,
  listWebhooks: HOOKS,
  getWebhook: HOOKS,
  patchWebhook: HOOKS,
  deleteWebhook: HOOKS,
  rotateWebhookSecret: HOOKS,
  pingWebhook: HOOKS,
  listWebhookDeliveries: HOOKS,
  replayWebhookDelivery: HOOKS,
  makeGrant: GRANTS,
  listGrants: GRANTS,
  getGrant: GRANTS,
  endGrant: GRANTS,
  requestAccess: GRANTS,
  listAccessRequests: GRANTS,
  getAccessRequest: GRANTS,
  decideAccessRequest: GRANTS,
  withdrawAccessRequest: GRANTS,
  listAuthorities: NO_CAMERA,
  registerAuthority: NO_CAMERA,
  getAuthority: NO_CAMERA,
  replaceAuthority: NO_CAMERA,
  patchAuthority: NO_CAMERA,
  withdrawAuthority: NO_CAMERA,
  importBuildings: NO_CAMERA,
  listBuildings: NO_CAMERA,
  getBuildings: NO_CAMERA,
  deleteBuildings: NO_CAMERA,
  importTerrain: NO_CAMERA,
  listTerrain: NO_CAMERA,
  getTerrain: NO_CAMERA,
  deleteTerrain: NO_CAMERA,
  getGeometry: NO_CAMERA,
  rebuildGeometry: NO_CAMERA,
  mintKey: NO_CAMERA,
  listKeys: NO_CAMERA,
  getKey: NO_CAMERA,
  revokeKey: NO_CAMERA,
  addMember: NO_CAMERA,
  listMembers: NO_CAMERA,
  getMember: NO_CAMERA,
  patchMember: NO_CAMERA,
  removeMember: NO_CAMERA,
  getSession: NO_CAMERA,
  beginSession: NO_CAMERA,
  endSession: NO_CAMERA,
  beginSignIn: NO_CAMERA,
  finishSignIn: NO_CAMERA,
  explainProblem: NO_CAMERA,
  isAlive: NO_CAMERA,
  isReady: NO_CAMERA,
  getMetrics: NO_CAMERA,
};
