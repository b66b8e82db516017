import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { withDefaults } from '#catalog';
import { type IntakeContext, type IntakeResult, type IntakeRow, mergeStated, sameButSerial } from './index.js';
import { wraFlood } from './wra-flood.js';

const context: IntakeContext = { authority: { slug: 'wra' }, now: Date.parse('2026-11-20T00:00:00Z') };

const read = (file: unknown, more: Partial<IntakeContext> = {}): IntakeResult =>
  wraFlood(new TextEncoder().encode(typeof file === 'string' ? file : JSON.stringify(file)), { ...context, ...more });

function rowsOf(result: IntakeResult): readonly IntakeRow[] {
  if ('refused' in result) throw new Error(`refused: ${result.refused.detail}`);
  return result.rows;
}

const codesOf = (row: IntakeRow | undefined): string[] => (row?.problems ?? []).map(({ code }) => code);

// Flood camera data: Water Resources Agency, Ministry of Economic Affairs, Taiwan; via Chenyou0113/Road-Camera (MIT).
const EXTRACT = [
  [
    '16512',
    '台南溪頂寮大橋',
    '台南溪頂寮大橋',
    '鹽水溪',
    '鹽水溪',
    '165000',
    '臺南市',
    '永康區',
    '120.215645',
    '23.0246667',
    '1',
  ],
  [
    '1609',
    '大湖南湖二橋(固定)',
    '大湖南湖二橋',
    '後龍溪',
    '南湖溪',
    '135000',
    '苗栗縣',
    '大湖鄉',
    '120.868575',
    '24.398625',
    '1',
  ],
  ['30', '渡頭堤防_轉動', '渡頭堤防', '曾文溪', '曾文溪', '163000', '臺南市', '官田區', '120.327986', '23.165894', '1'],
  ['52', '獅子頭(旋)', '獅子頭', '淡水河', '淡水河', '114000', '新北市', '五股區', '121.458361', '25.112648', '1'],
  ['15026', '鯽魚橋-水尺', '鯽魚橋', '二仁溪', '二仁溪', '166000', '臺南市', '南區', '120.1931236', '22.922015', '1'],
  ['15011', '鯽魚橋-下游', '鯽魚橋', '二仁溪', '二仁溪', '166000', '臺南市', '南區', '120.1931236', '22.922015', '1'],
  ['15010', '鯽魚橋-上游', '鯽魚橋', '二仁溪', '二仁溪', '166000', '臺南市', '南區', '120.1931236', '22.922015', '1'],
  ['134', '北區舊港橋', '北區舊港橋', '頭前溪', '頭前溪', '130000', '新竹市', '北區', '120.9413277', '24.844083', '2'],
  ['1844', '黃金海岸(固)', '黃金海岸', '', '', '', '臺南市', '南區', '120.1761527', '22.9312166', '1'],
].map(([cameraid, cameraname, station, basinname, tributary, rivercode, county, district, lon, lat, status], i) => ({
  administrativedistrictwherethemonitoringpointislocated: district,
  basinname,
  cameraid,
  cameraname,
  coordinate: 'WGS84',
  countiesandcitieswherethemonitoringpointsarelocated: county,
  imageformat: 'JPG',
  imageurl: `https://fmg.wra.gov.tw/109wraweb/getImage.aspx?mode=getNewImageS&CCTV_SN=0x02000000${String(i).repeat(60)}`,
  latitude_4326: lat,
  longitude_4326: lon,
  rivercode,
  status,
  tributary,
  videosurveillancestationname: station,
}));
const [bridge, , , , gaugeBoard] = EXTRACT;

describe('as published', () => {
  const rows = rowsOf(read(EXTRACT));
  const byId = new Map(rows.map((row) => [row.localId, row.stated]));

  test('a whole camera', () => {
    expect({ ...byId.get('16512') }).toEqual({
      authority: 'wra',
      localId: '16512',
      name: '台南溪頂寮大橋',
      usage: ['flood', 'river'],
      location: { type: 'Point', coordinates: [120.215645, 23.0246667] },
      address: { country: 'TW', city: '臺南市', district: '永康區' },
      basin: '鹽水溪',
      tributary: '鹽水溪',
      riverCode: '165000',
      declared: { status: 'ok', code: '1' },
      source: { system: 'wra-flood', recordId: '16512' },
      services: [{ kind: 'snapshot', url: bridge?.imageurl }],
      properties: { videosurveillancestationname: '台南溪頂寮大橋' },
    });
  });

  test('no row has a problem; three cameras on one mast are normal', () => {
    expect(rows.map(codesOf)).toEqual(EXTRACT.map(() => []));
    expect(rows.map(({ row }) => row)).toEqual(EXTRACT.map((_, i) => i + 1));
  });

  test('what the names tell, and that they told it', () => {
    expect([...byId].map(([id, stated]) => [id, stated?.mobility])).toEqual([
      ['16512', undefined],
      ['1609', 'fixed'],
      ['30', 'ptz'],
      ['52', 'ptz'],
      ['15026', undefined],
      ['15011', undefined],
      ['15010', undefined],
      ['134', undefined],
      ['1844', 'fixed'],
    ]);
    expect(byId.get('52')?.provenance).toEqual([{ pointer: '/mobility', source: 'name_text', text: '獅子頭(旋)' }]);
    expect(byId.get('15010')?.observedTargets).toEqual([{ kind: 'river_reach', name: '鯽魚橋', side: 'upstream' }]);
    expect(byId.get('15011')?.observedTargets).toEqual([{ kind: 'river_reach', name: '鯽魚橋', side: 'downstream' }]);
    expect(byId.get('15026')?.observedTargets).toEqual([{ kind: 'gauge_board', name: '鯽魚橋' }]);
    expect(byId.get('15026')?.provenance).toEqual([
      { pointer: '/observedTargets', source: 'name_text', text: '鯽魚橋-水尺' },
    ]);
  });

  test('declared states keep their code; empty texts are absent', () => {
    expect(byId.get('134')?.declared).toEqual({ status: 'device_fault', code: '2' });
    expect(Object.keys(byId.get('1844') ?? {})).not.toEqual(expect.arrayContaining(['basin']));
    expect(byId.get('1844')).not.toHaveProperty('tributary');
    expect(byId.get('1844')).not.toHaveProperty('riverCode');
  });

  test('an own release: mark, other case, other separators, numbers', () => {
    const renamed = EXTRACT.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([key, value]) => [
          key === 'longitude_4326' ? 'Longitude-4326' : key === 'cameraid' ? 'Camera ID' : key.toUpperCase(),
          key === 'latitude_4326' || key === 'cameraid' ? Number(value) : value,
        ]),
      ),
    );
    const again = rowsOf(read(`\ufeff${JSON.stringify({ responseData: renamed })}`));
    expect(again.map(({ stated }) => stated)).toEqual(rows.map(({ stated }) => stated));
  });

  test('published again with other serials: nothing but the URL is new', () => {
    const next = EXTRACT.map((row) => ({ ...row, imageurl: row.imageurl.replace(/0x.*/, `0x${'F'.repeat(70)}`) }));
    rowsOf(read(next)).forEach(({ stated }, i) => {
      const before = rows[i]?.stated;
      if (!stated || !before) throw new Error('a row failed');
      const kept = withDefaults(before, { slug: 'wra' });
      const { document, warnings } = mergeStated(kept, stated);
      expect(warnings).toEqual([]);
      expect(document.services[0]?.url).toMatch(/F{70}$/);
      expect(sameButSerial(kept, document)).toBe(true);
      expect(sameButSerial(kept, { ...document, name: 'other' })).toBe(false);
    });
  });
});

describe('faults, each by its field', () => {
  const one = (change: Record<string, unknown>, more?: Partial<IntakeContext>): IntakeRow => {
    const [row] = rowsOf(read([{ ...bridge, ...change }], more));
    if (row === undefined) throw new Error('no row');
    return row;
  };

  test.each<[Record<string, unknown>, string, string]>([
    [{ cameraid: '' }, 'missing_id', '/cameraid'],
    [{ cameraid: 'a\u0000b' }, 'control_character', '/cameraid'],
    [{ cameraname: ' ' }, 'missing_name', '/cameraname'],
    [{ cameraname: 'x'.repeat(201) }, 'length', '/cameraname'],
    [{ imageurl: '' }, 'missing_url', '/imageurl'],
    [{ longitude_4326: '' }, 'no_position', '/latitude_4326'],
    [{ longitude_4326: '120,2' }, 'bad_number', '/longitude_4326'],
    [{ latitude_4326: '120' }, 'position_out_of_range', '/longitude_4326'],
    [{ latitude_4326: '0', longitude_4326: '0.0' }, 'zero_position', '/longitude_4326'],
    [{ CAMERA_ID: '2' }, 'ambiguous_key', '/cameraid'],
  ])('%j fails by %s', (change, code, pointer) => {
    const row = one(change);
    expect(row.stated).toBeNull();
    expect(row.problems).toEqual(
      expect.arrayContaining([expect.objectContaining({ code, pointer, severity: 'error' })]),
    );
    expect(row.problems.filter(({ severity }) => severity === 'error')).toHaveLength(1);
  });

  test('the caller judges targets where it knows the network', () => {
    const imageurl = 'http://127.0.0.1:3100/a.jpg';
    expect(codesOf(one({ imageurl }))).toEqual([]);
    const judgeTarget = (url: string): string | null => (url.includes('127.0.0.1') ? 'this very machine' : null);
    const [problem] = one({ imageurl }, { judgeTarget }).problems;
    expect(problem).toMatchObject({ code: 'target_not_allowed', pointer: '/imageurl', severity: 'error' });
  });

  test('a page instead of a picture leaves no service', () => {
    expect(codesOf(one({ imageurl: 'https://fmg.wra.gov.tw/index.html' }))).toEqual([
      'page_not_picture',
      'missing_url',
    ]);
  });

  test('what is merely untidy warns', () => {
    const row = one({ cameraname: '台南\r\n橋 ', status: '9', tributary: { a: 1 } });
    expect(codesOf(row)).toEqual(['text_cleaned', 'type']);
    expect(row.stated).toMatchObject({ name: '台南 橋', declared: { status: 'unknown', code: '9' } });
    expect(row.stated).not.toHaveProperty('tributary');
  });

  test('(向西) is an azimuth, 往西 is not, and none of a turning camera', () => {
    expect(one({ cameraname: '橋(向西)' }).stated).toMatchObject({
      view: { azimuthDeg: 270, azimuthAccuracyDeg: 20, source: 'name_text' },
      provenance: [{ pointer: '/view/azimuthDeg', source: 'name_text', accuracy: 20, text: '(向西)' }],
    });
    expect(one({ cameraname: '橋(往西)' }).stated).not.toHaveProperty('view');
    expect(one({ cameraname: '橋(旋轉)(向西)' }).stated).not.toHaveProperty('view');
  });

  test('a row without URL exists, and is not offered, where the caller says so', () => {
    const { stated } = one({ imageurl: '' }, { options: { lifecycle: 'suspended' } });
    expect(stated).toMatchObject({ lifecycle: 'suspended', services: [] });
    expect(one({}, { options: { lifecycle: 'suspended' } }).stated).not.toHaveProperty('lifecycle');
  });

  test('ids that stand twice', () => {
    const rows = rowsOf(
      read([{ ...bridge, cameraid: '' }, bridge, bridge, { ...bridge, cameraname: 'other' }, gaugeBoard]),
    );
    expect(rows.map(codesOf)).toEqual([['missing_id'], [], ['duplicate_row'], ['duplicate_id'], []]);
    expect(rows.map(({ duplicateOf }) => duplicateOf)).toEqual([undefined, undefined, 2, undefined, undefined]);
    expect(rows[3]?.stated).toBeNull();
  });

  test('one URL under two ids warns', () => {
    const [, second] = rowsOf(read([bridge, { ...bridge, cameraid: '2' }]));
    expect(second?.problems).toMatchObject([{ code: 'duplicate_url', pointer: '/imageurl', severity: 'warning' }]);
  });

  test('ten on one point are no mast, nine are', () => {
    const on = (count: number): readonly IntakeRow[] =>
      rowsOf(
        read(
          Array.from({ length: count }, (_, i) => ({
            ...bridge,
            cameraid: `${i}`,
            imageurl: `http://10.1.2.3/${i}.jpg`,
          })),
        ),
      );
    expect(on(9).flatMap(codesOf)).toEqual([]);
    expect(on(10).map(codesOf)).toEqual(Array.from({ length: 10 }, () => ['position_stack']));
    expect(on(10)[0]?.stated).toMatchObject({ positionSource: 'centroid', positionAccuracyM: 5_000 });
  });

  test.each([
    ['<!doctype html><html>', 'not_data'],
    ['{"a":1}', 'not_data'],
    ['"x"', 'not_data'],
    ['[{"cameraid": "1",]', 'format'],
  ])('the whole file %s is refused', (text, code) => {
    expect(read(text)).toMatchObject({ refused: { code } });
  });

  test('the place of a fault is told, the text is not', () => {
    const result = read('[\n  {"cameraid": "1", "p": "s3cret" "x"}\n]');
    expect(JSON.stringify(result)).toContain('line 2, column 35');
    expect(JSON.stringify(result)).not.toContain('s3cret');
  });

  test('what is no record fails alone, with its place', () => {
    const long = JSON.stringify({ ...bridge, note: 'x'.repeat(65_536) });
    const deep = `{"a":${'['.repeat(40)}${']'.repeat(40)}}`;
    const rows = rowsOf(
      read(`[7,\n null, ${deep}, {"cameraid":"1","cameraid":"2"}, ${long},\n   ${JSON.stringify(bridge)}]`),
    );
    expect(rows.map(codesOf)).toEqual([['type'], ['type'], ['length'], ['ambiguous_key'], ['length'], []]);
    expect(rows[5]).toMatchObject({ row: 6, line: 3, column: 4, localId: '16512' });
  });
});

const SHARED = path.resolve(import.meta.dirname, '../../../../shared/data/tw-wra-water/wra-water-cctv-data.json');

(existsSync(SHARED) ? describe : describe.skip)(
  `the whole release (${path.basename(SHARED)}, where it is at hand)`,
  () => {
    test('171 cameras: 170 ok, 1 device_fault; 46 fixed and 48 turning by name; again all unchanged', () => {
      const bytes = readFileSync(SHARED);
      const rows = rowsOf(wraFlood(bytes, context));
      const cameras = rows.flatMap(({ stated }) => stated ?? []);
      const count = (is: (camera: (typeof cameras)[number]) => boolean): number => cameras.filter(is).length;
      expect(rows.flatMap(codesOf)).toEqual([]);
      expect(cameras).toHaveLength(171);
      expect(count(({ declared }) => declared?.status === 'ok')).toBe(170);
      expect(count(({ declared }) => declared?.status === 'device_fault')).toBe(1);
      expect(count(({ mobility }) => mobility === 'fixed')).toBe(46);
      expect(count(({ mobility }) => mobility === 'ptz')).toBe(48);
      expect(count(({ observedTargets }) => observedTargets?.[0]?.side === 'upstream')).toBe(4);
      expect(count(({ observedTargets }) => observedTargets?.[0]?.side === 'downstream')).toBe(2);
      expect(count(({ observedTargets }) => observedTargets?.[0]?.kind === 'gauge_board')).toBe(7);
      expect(count(({ basin }) => basin === undefined)).toBe(32);
      expect(count(({ riverCode }) => riverCode === undefined)).toBe(40);
      expect(count(({ tributary }) => tributary === undefined)).toBe(33);
      expect(count(({ services }) => services.length === 1 && services[0]?.kind === 'snapshot')).toBe(171);

      const next = readFileSync(SHARED, 'utf8').replace(
        /0x[0-9A-F]+/g,
        (serial) => `0x${serial.slice(2).split('').reverse().join('')}`,
      );
      const again = rowsOf(wraFlood(new TextEncoder().encode(next), context)).flatMap(({ stated }) => stated ?? []);
      const unchanged = again.filter((stated, i) => {
        const kept = withDefaults(cameras[i] ?? stated, { slug: 'wra' });
        return sameButSerial(kept, mergeStated(kept, stated).document);
      });
      expect(unchanged).toHaveLength(171);
    });
  },
);
