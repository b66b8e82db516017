import { isPlainObject, type ServiceKind, shown } from '#catalog';
import { groundDistance } from '#geo';
import { assemble } from './assemble.js';
import { isWgs84, OTHER_CRS } from './crs.js';
import { cleaned, type Field, Fields, folded, numberIn } from './fields.js';
import { addHeading, addPlace, addServices } from './mapping.js';
import { momentReader, type ReadMoment } from './moment.js';
import { isOwnForm, mapOwnForm } from './own-form.js';
import { jsonRecords } from './records.js';
import type { Draft, IntakeContext, IntakeResult } from './row.js';

/**
 * Folded names of the properties that are read, in order of preference. Directions are not among them: `bearing` and
 * `direction` are as often the traffic's as the lens's, so the caller names that field (`headingFrom`).
 */
const KEYS = {
  name: ['name', 'cameraname', 'camname', 'displayname', 'title', 'label'],
  names: ['names'],
  description: ['description', 'desc', 'remark', 'remarks'],
  lon: ['longitude', 'lon', 'lng'],
  lat: ['latitude', 'lat'],
  installedAt: ['installedat', 'installdate', 'installationdate'],
  updatedAt: ['updatedat', 'updatetime', 'lastupdated', 'lastseen', 'lastmodified', 'timestamp'],
  /** Properties that hold ids in many files: told to the caller, never taken by themselves. */
  ids: ['localid', 'cameraid', 'cctvid', 'camid', 'id', 'code', 'number'],
} as const;

/** Properties that hold URLs, in order of preference, with the kind that the name promises. */
const URL_KINDS: Readonly<Record<string, ServiceKind | null>> = {
  mjpeg: 'mjpeg',
  mjpegurl: 'mjpeg',
  mjpgurl: 'mjpeg',
  url: null,
  cameraurl: null,
  stream: null,
  streamurl: null,
  streamingurl: null,
  videourl: null,
  videostreamurl: null,
  imageurl: 'snapshot',
  image: 'snapshot',
  imagesnapshot: 'snapshot',
  currentimageurl: 'snapshot',
  snapshot: 'snapshot',
  snapshoturl: 'snapshot',
  stillurl: 'snapshot',
  jpegurl: 'snapshot',
  jpgurl: 'snapshot',
  videoimageurl: 'snapshot',
  rtsp: 'rtsp',
  rtspurl: 'rtsp',
  hls: 'hls',
  hlsurl: 'hls',
};
const URL_KEYS = Object.keys(URL_KINDS);

/**
 * Profile `geojson`: our own export, or an agency's FeatureCollection (RFC 7946), told apart feature by feature. An
 * agency's feature has its id in `id`, else in the property `keyFrom`; names and URLs are read from the properties above.
 */
export function geojson(bytes: Uint8Array, context: IntakeContext): IntakeResult {
  const read = jsonRecords(bytes, featuresIn);
  if ('refused' in read) return read;
  return { rows: assemble(read.records, context, featureMapper(context)) };
}

function featuresIn(root: unknown): readonly unknown[] | string {
  if (!isPlainObject(root)) return 'expected a GeoJSON FeatureCollection';
  if (!isWgs84(root['crs'])) return OTHER_CRS;
  if (root['type'] === 'Feature') return [root];
  const features = root['features'];
  return root['type'] === 'FeatureCollection' && Array.isArray(features)
    ? features
    : 'expected a GeoJSON FeatureCollection';
}

/** What reads the features of one import; it keeps what it needs for their times. */
export function featureMapper(context: IntakeContext) {
  const read = momentReader(context.now, context.authority.defaults?.timeZone);
  return (record: Readonly<Record<string, unknown>>, draft: Draft): void => {
    const properties = isPlainObject(record['properties']) ? record['properties'] : {};
    if (record['type'] !== 'Feature') draft.error('/type', 'type', 'expected a GeoJSON feature');
    else if (isOwnForm(properties)) mapOwnFeature(record, properties, draft, context);
    else mapAgencyFeature(record, properties, draft, context, read);
  };
}

function mapOwnFeature(
  { geometry }: Readonly<Record<string, unknown>>,
  properties: Readonly<Record<string, unknown>>,
  draft: Draft,
  context: IntakeContext,
): void {
  draft.from('', '/properties');
  if (properties['location'] === undefined) draft.from('/location', '/geometry');
  mapOwnForm({ ...(isPlainObject(geometry) ? { location: geometry } : {}), ...properties }, draft, context);
}

function mapAgencyFeature(
  record: Readonly<Record<string, unknown>>,
  properties: Readonly<Record<string, unknown>>,
  draft: Draft,
  context: IntakeContext,
  read: (value: unknown) => ReadMoment,
): void {
  const fields = new Fields(properties, draft, '/properties');
  const localId = idOf(record['id'], fields, draft, context);
  const name = fields.text('/name', KEYS.name);
  const description = fields.text('/description', KEYS.description, { lines: true });
  const names = fields.first(KEYS.names);
  const installedAt = momentOf(fields.first(KEYS.installedAt), draft, read);
  const updatedAt = momentOf(fields.first(KEYS.updatedAt), draft, read);
  draft.stated = {
    ...(localId === undefined ? {} : { localId }),
    ...(name === undefined ? {} : { name }),
    ...(names === null ? {} : namesIn(names)),
    ...(description === undefined || description === '' ? {} : { description }),
    ...(installedAt === undefined ? {} : { installedAt }),
    source: {
      system: 'geojson',
      ...(localId === undefined ? {} : { recordId: localId }),
      ...(updatedAt === undefined ? {} : { updatedAt }),
    },
  };
  addPoint(record['geometry'], fields, draft, context);
  draft.from('/source/recordId', draft.sourceOf('/localId'));
  draft.from('/services', '/properties/url');
  addServices(draft, fields.all(URL_KEYS), (field) => hintOf(field), context);
  addHeading(draft, fields, context);
}

function idOf(id: unknown, fields: Fields, draft: Draft, { options = {} }: IntakeContext): string | undefined {
  draft.from('/localId', '/id');
  if ((typeof id === 'string' && id.trim() !== '') || typeof id === 'number') return cleaned(String(id), '/id', draft);
  const { keyFrom } = options;
  if (keyFrom !== undefined) return fields.text('/localId', [folded(keyFrom)]);
  const likely = fields.first(KEYS.ids);
  const suggestion = likely === null ? {} : { suggestion: `keyFrom=${likely.pointer.slice('/properties/'.length)}` };
  draft.error('/id', 'missing_id', 'the feature has no id, and no property was named that holds it', suggestion);
  return undefined;
}

/** Names by language; anything else under that key is no mistake of the row's. */
function namesIn({ value }: Field): { readonly names?: Record<string, string> } {
  if (!isPlainObject(value)) return {};
  const texts = Object.entries(value).filter(([, name]) => typeof name === 'string' && name.trim() !== '');
  return texts.length === 0 ? {} : { names: Object.fromEntries(texts) as Record<string, string> };
}

function momentOf(field: Field | null, draft: Draft, read: (value: unknown) => ReadMoment): string | undefined {
  if (field === null) return undefined;
  const moment = read(field.value);
  if (typeof moment === 'object') return moment.at;
  const value = { value: shown(field.value) };
  switch (moment) {
    case 'sentinel':
      draft.warn(field.pointer, 'sentinel_time', 'this time lies ahead and stands for "none"', value);
      return undefined;
    case 'no_zone':
      draft.warn(field.pointer, 'format', "the time has no zone, and the authority's defaults name none", value);
      return undefined;
    case 'bad':
      draft.warn(field.pointer, 'format', 'expected a time such as 2026-11-24T08:00:00Z', value);
      return undefined;
  }
  return moment satisfies never;
}

/** Metres that two statements of one position may differ. */
const AGREE_M = 20;

function addPoint(geometry: unknown, fields: Fields, draft: Draft, context: IntakeContext): void {
  const pointer = '/geometry/coordinates';
  draft.from('/location', '/geometry');
  if (!isPlainObject(geometry) || geometry['type'] !== 'Point' || !Array.isArray(geometry['coordinates'])) return;
  const [lonField, latField, third] = geometry['coordinates'] as readonly unknown[];
  const lon = numberIn({ pointer, value: lonField }, 'error', draft);
  const lat = numberIn({ pointer, value: latField }, 'error', draft);
  if (third !== undefined && third !== null && third !== 0) {
    const detail = 'the third ordinate was left out: it may be the ground, the lens, or above the ellipsoid';
    draft.warn(pointer, 'elevation_in_coordinates', detail, { value: shown(third) });
  }
  addPlace(draft, lon, lat, context);
  const [otherLon, otherLat] = [fields.number(KEYS.lon, 'warning'), fields.number(KEYS.lat, 'warning')];
  const position = draft.stated.location?.coordinates;
  if (position === undefined || otherLon === null || otherLat === null) return;
  const apart = Math.round(groundDistance(position, [otherLon.value, otherLat.value]));
  if (!(apart > AGREE_M)) return;
  const detail = `the geometry is ${apart} m away and counts`;
  draft.warn(otherLon.pointer, 'position_disagrees', detail, { value: `${otherLon.value},${otherLat.value}` });
}

function hintOf({ pointer }: Field): ServiceKind | null {
  return URL_KINDS[folded(pointer.slice(pointer.lastIndexOf('/') + 1))] ?? null;
}
