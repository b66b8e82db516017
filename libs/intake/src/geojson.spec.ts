import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { uidOf, withDefaults } from '#catalog';
import {
  guessProfile,
  intake,
  type IntakeContext,
  type IntakeResult,
  type IntakeRow,
  INTAKES,
  mergeStated,
  type Profile,
  PROFILES,
  sameButSerial,
} from './index.js';

const context: IntakeContext = {
  authority: { slug: 'tainan-wrb', defaults: { timeZone: 'Asia/Taipei' } },
  now: Date.parse('2026-11-20T00:00:00Z'),
};
const bytes = (file: unknown): Uint8Array =>
  new TextEncoder().encode(typeof file === 'string' ? file : JSON.stringify(file));

function rowsOf(result: IntakeResult): readonly IntakeRow[] {
  if ('refused' in result) throw new Error(`refused: ${result.refused.detail}`);
  return result.rows;
}
const read = (profile: Profile, file: unknown, more: Partial<IntakeContext> = {}): readonly IntakeRow[] =>
  rowsOf(intake(profile, bytes(file), { ...context, ...more }));
const collection = (...features: unknown[]): unknown => ({ type: 'FeatureCollection', features });
const codesOf = (row: IntakeRow | undefined): string[] => (row?.problems ?? []).map(({ code }) => code);

/** A camera as its own authority reads it, with every kind of member. */
const stated = {
  authority: 'tainan-wrb',
  localId: '新市-1639',
  name: 'Sinshih bridge, downstream',
  names: { 'zh-Hant': '新市橋下游' },
  description: 'two\nlines',
  usage: ['flood', 'river'],
  observedTargets: [{ kind: 'gauge_board', geometry: { type: 'Point', coordinates: [120.29, 23.08] } }],
  location: { type: 'Point', coordinates: [120.2, 23.1] },
  heightM: 6,
  view: { azimuthDeg: 225, tiltDeg: -20, hfovDeg: 60, farM: 150, source: 'survey', azimuthAccuracyDeg: 3 },
  services: [
    { kind: 'snapshot', url: 'http://10.1.2.3/mjpg?res=[CIF]&randhash=1', refreshS: 60 },
    { kind: 'mjpeg', url: 'https://10.1.2.3:443/a+b//c', vapix: { resolution: '640x480' } },
  ],
  provenance: [{ pointer: '/heightM', source: 'survey', accuracy: 0.1 }],
  tags: ['bridge'],
  properties: { 'raw Key': null, nested: [{ a: 1 }] },
} as const;
const kept = withDefaults(structuredClone(stated) as never, { slug: 'tainan-wrb' });
const answer = {
  ...kept,
  services: kept.services.map((service, i) =>
    i === 0 ? { ...service, credentials: { set: true, updatedAt: '2026-11-01T00:00:00.000Z' } } : service,
  ),
  id: '019ac8f2-6d1b-7a55-9d0e-3f2b8c4d5e6f',
  uid: uidOf(kept),
  version: 7,
  createdAt: '2026-11-01T00:00:00.000Z',
  updatedAt: '2026-11-02T00:00:00.000Z',
  completeness: 'frustum',
  missing: [],
  footprint: { type: 'MultiPolygon', coordinates: [] },
  health: { status: 'online' },
  thumbnail: { url: 'http://localhost/t', stale: false },
  links: { self: 'http://localhost/v1/cameras/019ac8f2' },
  distanceM: 12.5,
  bearingDeg: 90,
};
const feature = { type: 'Feature', id: answer.id, geometry: answer.location, properties: answer };

describe('our own export', () => {
  test.each<[Profile, unknown]>([
    ['geojson', { ...(collection(feature) as object), links: [], next: null }],
    ['json', { items: [answer], next: null }],
    ['json', [answer]],
    ['json', answer],
    ['ndjson', `${JSON.stringify(answer)}\r\n\n`],
    ['ndjson', `\u001e${JSON.stringify(feature)}\n`],
  ])('as %s comes back as it went', (profile, file) => {
    const [row, ...others] = read(profile, file);
    expect(others).toEqual([]);
    expect(row?.problems).toEqual([]);
    expect(JSON.parse(JSON.stringify(row?.stated))).toEqual(JSON.parse(JSON.stringify(kept)));
    if (!row?.stated) throw new Error('the row failed');
    const { document, warnings } = mergeStated(answer, row.stated);
    expect(warnings).toEqual([]);
    expect(sameButSerial(answer as never, document)).toBe(true);
    // The note that a secret is kept stays, so that the secret does.
    expect(document.services[0]?.credentials).toEqual({ set: true, updatedAt: '2026-11-01T00:00:00.000Z' });
  });

  test('twelve heads of one mast stay where they were declared', () => {
    const rows = read(
      'json',
      Array.from({ length: 12 }, (_, i) => ({ ...answer, localId: `${i}` })),
    );
    expect(rows.every(({ stated: one }) => one?.positionSource === 'declared')).toBe(true);
    expect(rows.flatMap(codesOf).filter((code) => code === 'position_stack')).toHaveLength(12);
  });

  test('a registration with the position in the geometry alone', () => {
    const { location, ...rest } = stated;
    const [row] = read('geojson', collection({ type: 'Feature', geometry: location, properties: rest }));
    expect(row?.stated?.location).toEqual(location);
  });

  test.each<[string, object, string, string]>([
    ['another authority', { authority: 'other' }, 'conflict', '/properties/authority'],
    ['an unknown member', { colour: 'red' }, 'unknown_member', '/properties/colour'],
    ['azimuth 360', { view: { azimuthDeg: 360 } }, 'range', '/properties/view/azimuthDeg'],
    [
      'a missing preset',
      { services: [{ kind: 'rtsp', url: 'rtsp://10.1.2.3/', shows: '9' }] },
      'reference',
      '/properties/services/0/shows',
    ],
    ['a stranger’s answer', { services: [{ kind: 'snapshot' }] }, 'missing_url', '/properties/services'],
    ['an odd location', { location: { type: 'Point', coordinates: 'x' } }, 'type', '/properties/location/coordinates'],
    ['a location of another form', { location: { lat: 1, lng: 2 } }, 'unknown_member', '/properties/location/lat'],
    ['services that are no list', { services: { 0: 1 }, uid: 'x' }, 'type', '/properties/services'],
    ['a service that is none', { services: [7] }, 'type', '/properties/services'],
    ['a name that is none', { name: 7 }, 'type', '/properties/name'],
    ['NUL', { name: 'a\u0000b' }, 'control_character', '/properties/name'],
    [
      'two sign-ins',
      {
        services: [
          { kind: 'rtsp', url: 'rtsp://u:s3cret@10.1.2.3/', credentials: { username: 'u', password: 's3cret' } },
        ],
      },
      'credentials_conflict',
      '/properties/services/0/credentials',
    ],
    [
      'a password that is a number',
      { services: [{ kind: 'rtsp', url: 'rtsp://10.1.2.3/', credentials: { username: 'u', password: 53_3207 } }] },
      'type',
      '/properties/services/0/credentials/password',
    ],
  ])('%s fails', (_name, change, code, pointer) => {
    const [row] = read('geojson', collection({ ...feature, properties: { ...answer, ...change } }));
    expect(row?.stated).toBeNull();
    expect(row?.problems).toEqual(
      expect.arrayContaining([expect.objectContaining({ code, pointer, severity: 'error' })]),
    );
    expect(JSON.stringify(row)).not.toMatch(/s3cret|533207/);
  });

  test('a password is sent and taken out of a URL, to be sealed', () => {
    const [row] = read('json', [
      { ...answer, services: [{ kind: 'rtsp', url: 'rtsp://viewer:s3cret@10.1.2.3/live' }] },
    ]);
    expect(row?.stated?.services[0]).toMatchObject({
      url: 'rtsp://10.1.2.3/live',
      credentials: { username: 'viewer', password: 's3cret' },
    });
    expect(row?.problems).toMatchObject([{ code: 'credentials_in_url', pointer: '/services/0/url' }]);
    expect(JSON.stringify(row?.problems)).not.toContain('s3cret');
  });

  test('a bad line fails alone, by line and column', () => {
    const rows = read('ndjson', `${JSON.stringify(answer)}\n\n{"localId": s3cret}\n[1]\n`);
    expect(rows.map(codesOf)).toEqual([[], ['format'], ['type']]);
    expect(rows[1]).toMatchObject({ row: 2, line: 3, localId: null });
    expect(rows[1]?.problems[0]?.detail).toContain('line 3, column 13');
    expect(JSON.stringify(rows[1])).not.toContain('s3cret');
  });
});

describe("an agency's GeoJSON", () => {
  const agency = (properties: object, more: object = {}): unknown =>
    collection({
      type: 'Feature',
      id: 7,
      geometry: { type: 'Point', coordinates: [120.29, 23.079] },
      properties,
      ...more,
    });
  const base = { Name: 'Bridge', 'Image-URL': 'http://10.1.2.3/x' };

  test('a whole camera', () => {
    const [row] = read(
      'geojson',
      agency({
        ...base,
        Names: { en: 'Bridge', x: 7 },
        description: 'a\r\nb',
        rtsp_url: 'rtsp://u:s3cret@10.1.2.3/live',
        stream: 'http://10.1.2.3/video',
        installedAt: '2020/01/02 03:04',
        last_seen: '2099-12-31T00:00:00Z',
        longitude: '120.2950',
        latitude: '23.0790',
      }),
    );
    expect(JSON.parse(JSON.stringify(row?.stated))).toEqual({
      authority: 'tainan-wrb',
      localId: '7',
      name: 'Bridge',
      names: { en: 'Bridge' },
      description: 'a\nb',
      installedAt: '2020-01-01T19:04:00.000Z',
      location: { type: 'Point', coordinates: [120.29, 23.079] },
      services: [
        { kind: 'mjpeg', url: 'http://10.1.2.3/video' },
        { kind: 'snapshot', url: 'http://10.1.2.3/x' },
        { kind: 'rtsp', url: 'rtsp://10.1.2.3/live', credentials: { username: 'u', password: 's3cret' } },
      ],
      provenance: [{ pointer: '/services/0/kind', source: 'assumed' }],
      source: { system: 'geojson', recordId: '7' },
    });
    expect(row?.problems.map(({ code, pointer }) => `${code} ${pointer}`).sort()).toEqual([
      'credentials_in_url /properties/rtsp_url',
      'kind_guessed /properties/stream',
      'position_disagrees /properties/longitude',
      'sentinel_time /properties/last_seen',
      'text_cleaned /properties/description',
    ]);
    expect(JSON.stringify(row?.problems)).not.toContain('s3cret');
  });

  test('the id is the feature’s, else the property that the caller names, and never guessed', () => {
    const withId = { ...base, cam_no: '１2', id: 'x' };
    const idOf = (more: object, keyFrom?: string): string | null | undefined =>
      read('geojson', agency(withId, more), keyFrom === undefined ? {} : { options: { keyFrom } })[0]?.localId;
    expect(idOf({}, 'CAM-NO')).toBe('7');
    expect(idOf({ id: undefined }, 'CAM-NO')).toBe('１2');
    expect(idOf({ id: '' })).toBeNull();
    expect(read('geojson', agency(withId, { id: undefined }))[0]?.problems).toMatchObject([
      { code: 'missing_id', suggestion: 'keyFrom=id' },
    ]);
    expect(read('geojson', agency(base, { id: undefined }), { options: { keyFrom: 'nope' } }).map(codesOf)).toEqual([
      ['missing_id'],
    ]);
  });

  test.each<[unknown, object | null, string]>([
    ['(向西)', { azimuthDeg: 270, azimuthAccuracyDeg: 20, source: 'name_text' }, ''],
    ['往西', null, ''],
    ['225', { azimuthDeg: 225 }, ''],
    [360, { azimuthDeg: 0 }, ''],
    [-30, { azimuthDeg: 330 }, ''],
    [400, null, 'range'],
    ['-999', null, ''],
    [{ a: 1 }, null, ''],
  ])('headingFrom a field with %j', (heading, view, code) => {
    const [row] = read('geojson', agency({ ...base, Cam_Dir: heading }), { options: { headingFrom: 'camdir' } });
    expect(row?.stated?.view ?? null).toEqual(view);
    expect(codesOf(row).join()).toBe(code);
    expect(read('geojson', agency({ ...base, bearing: heading }))[0]?.stated).not.toHaveProperty('view');
  });

  test.each<[unknown, string[]]>([
    [null, ['no_position']],
    [{ type: 'LineString', coordinates: [[1, 2]] }, ['no_position']],
    [{ type: 'Point', coordinates: [] }, ['no_position']],
    [{ type: 'Point', coordinates: ['120.29', '23.07'] }, []],
    [{ type: 'Point', coordinates: [120.29, 23.079, 0] }, []],
    [{ type: 'Point', coordinates: [120.29, 23.079, 12] }, ['elevation_in_coordinates']],
    [{ type: 'Point', coordinates: [120.29, 120] }, ['position_out_of_range']],
    [{ type: 'Point', coordinates: ['12O', 23] }, ['bad_number']],
    [{ type: 'Point', coordinates: [36.5, 36.5] }, ['lon_equals_lat']],
  ])('geometry %j', (geometry, codes) => {
    const [row] = read('geojson', agency(base, { geometry }));
    expect(codesOf(row)).toEqual(codes);
    expect(row?.stated === null).toBe(
      codes.length > 0 && !['elevation_in_coordinates', 'lon_equals_lat'].includes(codes[0] ?? ''),
    );
  });

  test.each<[unknown, string]>([
    ['[]', 'not_data'],
    [{ type: 'FeatureCollection', features: {} }, 'not_data'],
    [
      { type: 'FeatureCollection', crs: { properties: { name: 'urn:ogc:def:crs:EPSG::3826' } }, features: [] },
      'not_data',
    ],
    ['{"type":"FeatureCollection","features":[}', 'format'],
  ])('%j is refused', (file, code) => {
    expect(intake('geojson', bytes(file), context)).toMatchObject({ refused: { code } });
  });

  test('CRS84 may be named; one feature is a file; an empty collection has no rows', () => {
    const crs = { type: 'name', properties: { name: 'urn:ogc:def:crs:OGC:1.3:CRS84' } };
    expect(read('geojson', { ...(agency(base) as object), crs })).toHaveLength(1);
    expect(read('geojson', feature)).toHaveLength(1);
    expect(read('geojson', collection())).toEqual([]);
  });
});

describe('hostile files', () => {
  const values = [
    null,
    true,
    7,
    -0,
    1e308,
    '',
    'x',
    '\u0000',
    '\ud800',
    [],
    [[]],
    {},
    { type: 'Feature' },
    { a: { b: 1 } },
  ];
  const names = [
    'type',
    'id',
    'geometry',
    'properties',
    'localId',
    'uid',
    'authority',
    'name',
    'names',
    'location',
    'services',
    'url',
    'view',
    'provenance',
    'cameraid',
    'cameraname',
    'imageurl',
    'longitude_4326',
    'latitude_4326',
    'status',
    'lifecycle',
    'credentials',
    '__proto__',
    'constructor',
  ];
  /** Park and Miller's generator: the same files each time. */
  const random = (seed: number) => () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;

  test.each(PROFILES)('%s answers whatever stands in a file, and throws never', (profile) => {
    const next = random(7);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
    const any = (depth: number): unknown =>
      depth === 0 || next() < 0.3
        ? pick(values)
        : Object.fromEntries(
            Array.from({ length: 8 }, () => [pick(names), next() < 0.2 ? [any(depth - 1)] : any(depth - 1)]),
          );
    for (let i = 0; i < 60; i += 1) {
      const records = Array.from({ length: 3 }, () => any(3));
      const file =
        profile === 'ndjson'
          ? records.map((one) => JSON.stringify(one)).join('\n')
          : profile === 'geojson'
            ? collection(...records)
            : records;
      const result = INTAKES[profile](bytes(file), context);
      if ('refused' in result) throw new Error(result.refused.detail);
      for (const row of result.rows) {
        expect(row.stated === null).toBe(row.problems.some(({ severity }) => severity === 'error'));
      }
    }
  });

  test('many rows of nothing', () => {
    const rows = read('json', `[${'{"a":1},'.repeat(19_999)}{}]`);
    expect(rows).toHaveLength(20_000);
    expect(new Set(rows.flatMap(codesOf))).toEqual(
      new Set(['missing_id', 'missing_name', 'no_position', 'missing_url']),
    );
  });
});

const SHARED = path.resolve(import.meta.dirname, '../../../../shared/data');

(existsSync(SHARED) ? describe : describe.skip)('catalogues in shared/data, where they are at hand', () => {
  const rowsIn = (file: string, options: IntakeContext['options'] = {}): readonly IntakeRow[] => {
    const content = readFileSync(path.join(SHARED, file));
    expect(guessProfile(content, file)).toBe('geojson');
    return rowsOf(intake('geojson', content, { authority: { slug: 'x' }, now: context.now, options }));
  };
  const count = (rows: readonly IntakeRow[], code: string): number =>
    rows.filter((row) => codesOf(row).includes(code)).length;

  test('sn-dakar: 103 without id', () => {
    const rows = rowsIn('sn-dakar/cameras.geojson');
    expect([rows.length, count(rows, 'missing_id')]).toEqual([103, 103]);
  });

  test('tw-speed: 2,512 without URL, and no bearing becomes an azimuth', () => {
    const rows = rowsIn('tw-speed/cameras.geojson', { keyFrom: 'id' });
    expect([rows.length, count(rows, 'missing_url'), count(rows, 'missing_id')]).toEqual([2_512, 2_512, 0]);
  });

  test('fi-digitraffic as it is: nothing breaks', () => {
    const rows = rowsIn('fi-digitraffic/camera-stations-2018.geojson', { lifecycle: 'suspended' });
    const failed = rows.filter((row) => row.stated === null);
    expect(failed.map((row) => [row.localId, ...codesOf(row)])).toEqual([
      ['12603', 'no_position'],
      ['14582', 'position_out_of_range'],
    ]);
    expect([rows.length, count(rows, 'elevation_in_coordinates')]).toEqual([702, 168]);
  });
});
