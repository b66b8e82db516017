import type { Camera } from './camera.document.js';

/** One column of a table of cameras. */
export interface CameraColumn {
  /** Where the value stands in the camera's document, with dots between the names of members. */
  readonly path: string;
  read(camera: Partial<Camera>): unknown;
}

/** Columns for members of one part of a camera. */
function columns<Part extends object>(
  prefix: string,
  partOf: (camera: Partial<Camera>) => Part | null | undefined,
  names: readonly (keyof Part & string)[],
): readonly CameraColumn[] {
  return names.map((name) => ({ path: `${prefix}${name}`, read: (camera) => partOf(camera)?.[name] }));
}

const own = (...names: readonly (keyof Camera)[]): readonly CameraColumn[] => columns('', (camera) => camera, names);

const column = (path: string, read: CameraColumn['read']): CameraColumn => ({ path, read });

/**
 * Every column of cameras as CSV, in order. All of them stand in each table, whatever its rows hold; new ones may come within v1. Two tell less than the member
 * of their name: `services` has no address, for a table is handed on (domain.md, section 10), and `health.flags` names those at fault alone.
 */
export const CAMERA_COLUMNS: readonly CameraColumn[] = [
  ...own('id', 'authority', 'localId', 'name', 'names', 'description', 'usage', 'observedTargets', 'siteId'),
  column('location.lon', ({ location }) => location?.coordinates[0]),
  column('location.lat', ({ location }) => location?.coordinates[1]),
  ...own('positionSource', 'positionAccuracyM', 'heightM', 'elevationM', 'elevationDatum', 'mount', 'mobility'),
  ...columns('address.', ({ address }) => address, ['country', 'city', 'district', 'village', 'street']),
  ...columns('road.', ({ road }) => road, ['id', 'name', 'class', 'direction', 'section', 'positionM']),
  ...own('basin', 'tributary', 'riverCode'),
  ...columns('view.', ({ view }) => view, [
    'azimuthDeg',
    'tiltDeg',
    'rollDeg',
    'hfovDeg',
    'vfovDeg',
    'focalMm',
    'sensorWidthMm',
    'nearM',
    'farM',
    'imageWidthPx',
    'imageHeightPx',
    'circlePx',
    'lens',
    'source',
    'azimuthAccuracyDeg',
    'tiltAccuracyDeg',
    'at',
    'validFrom',
    'validTo',
  ]),
  ...own('presets'),
  ...columns('ptz.', ({ ptz }) => ptz, [
    'azimuthMinDeg',
    'azimuthMaxDeg',
    'tiltMinDeg',
    'tiltMaxDeg',
    'hfovWideDeg',
    'hfovTeleDeg',
    'zoomTable',
    'pan0AzimuthDeg',
    'panSign',
    'homePreset',
  ]),
  column('services', ({ services }) => services?.map(({ kind, refreshS }) => ({ kind, refreshS }))),
  ...columns('access.', ({ access }) => access, [
    'level',
    'purposes',
    'conditions',
    'requestUrl',
    'licence',
    'attribution',
    'thumbnails',
    'publicMaxWidthPx',
    'publicDelayS',
    'retentionS',
    'personalData',
    'legalBasis',
    'controller',
    'noticeUrl',
    'dpiaRef',
    'privacyMasks',
  ]),
  ...own('lifecycle'),
  ...columns('maintenance.', ({ maintenance }) => maintenance, ['from', 'to', 'reason']),
  ...columns('declared.', ({ declared }) => declared, ['status', 'code', 'at']),
  ...columns('health.', ({ health }) => health, [
    'status',
    'since',
    'lastOutcome',
    'reason',
    'checkedAt',
    'lastOkAt',
    'capturedAt',
    'staleSince',
    'nextDueAt',
    'flapping',
    'agreement',
    'conditions',
  ]),
  column('health.flags', ({ health }) =>
    health?.flags.filter(({ state }) => state === 'fault').map(({ flag }) => flag),
  ),
  ...columns('health.service.', ({ health }) => health?.service, ['index', 'kind']),
  ...columns('health.', ({ health }) => health, ['presets']),
  ...columns('thumbnail.', ({ thumbnail }) => thumbnail, ['url', 'capturedAt', 'stale']),
  ...own('distanceM', 'bearingDeg'),
  ...columns('sight.', ({ sight }) => sight, [
    'sees',
    'certainty',
    'reason',
    'basis',
    'preset',
    'distanceM',
    'slantM',
    'bearingDeg',
    'elevationDeg',
    'depthM',
    'offAxisDeg',
    'edgeMarginDeg',
    'pxPerM',
    'ground',
    'farDerived',
    'showing',
  ]),
  ...columns('sight.command.', ({ sight }) => sight?.command, ['azimuthDeg', 'tiltDeg', 'hfovDeg']),
  ...columns('sight.pixel.', ({ sight }) => sight?.pixel, ['u', 'v']),
  ...columns('sight.level.', ({ sight }) => sight?.level, ['iec2025', 'dori2014']),
  ...columns('sight.occlusion.', ({ sight }) => sight?.occlusion, ['model', 'modelDate', 'result']),
  ...columns('device.', ({ device }) => device, ['manufacturer', 'model', 'serialNumber', 'firmware']),
  ...own('externalRefs', 'installedAt', 'operatingHours'),
  ...columns('source.', ({ source }) => source, ['system', 'recordId', 'updatedAt', 'ingestedAt', 'importId']),
  ...own('provenance', 'tags', 'properties', 'uid', 'version', 'createdAt', 'updatedAt', 'completeness', 'missing'),
  ...columns('links.', ({ links }) => links, ['self', 'authority', 'footprint', 'health', 'thumbnail']),
  ...own('footprint'),
];
