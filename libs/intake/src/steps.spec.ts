import { describe, expect, test } from '@jest/globals';
import { decodeText } from './decode.js';
import { cleanLine, readNumber } from './fields.js';
import { guessProfile } from './guess-profile.js';
import { headingOf } from './heading.js';
import { readJson } from './json-reader.js';
import { momentReader } from './moment.js';
import { isInside, judgePlace } from './place.js';
import { isSameUrl } from './same-url.js';
import { readUrl, shownUrl } from './service-url.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('bytes', () => {
  const utf16 = (text: string, little: boolean, mark = true): Uint8Array =>
    Uint8Array.from(
      [...(mark ? '\ufeff' : ''), ...text].flatMap((char) => {
        const [high, low] = [char.charCodeAt(0) >> 8, char.charCodeAt(0) & 255];
        return little ? [low, high] : [high, low];
      }),
    );

  test.each([
    ['UTF-8', bytes('[橋]')],
    ['UTF-8 with mark', bytes('\ufeff[橋]')],
    ['UTF-16LE', utf16('[橋]', true)],
    ['UTF-16BE', utf16('[橋]', false)],
    ['UTF-16LE without mark', utf16('[橋]', true, false)],
    ['UTF-16BE without mark', utf16('[橋]', false, false)],
  ])('%s', (_name, file) => {
    expect(decodeText(file)).toEqual({ text: '[橋]' });
  });

  test.each([
    ['Big5', Uint8Array.from([0x5b, 0xbe, 0xf4, 0x5d]), 'bad_encoding'],
    ['half a character of UTF-16', Uint8Array.from([0xff, 0xfe, 0x5b]), 'bad_encoding'],
    ['nothing', new Uint8Array(), 'not_data'],
    ['blanks', bytes(' \n'), 'not_data'],
    ['a page that came with 200', bytes('\n <!DOCTYPE HTML><html>'), 'not_data'],
    ['another', bytes('<HTML lang="zh">'), 'not_data'],
  ])('%s is refused', (_name, file, code) => {
    expect(decodeText(file)).toMatchObject({ refused: { code, severity: 'error' } });
  });
});

describe('JSON', () => {
  test.each([
    '{"a":[1,-0.5e+3,true,false,null,"x\\"\\\\\\u6a4b"],"b":{"":{}},"c":[]}',
    ' [ ] ',
    '"橋"',
    '-12.5',
    '[["\\\\"]]',
    '{"constructor":1,"toString":2}',
  ])('reads what JSON.parse reads: %s', (text) => {
    expect(readJson(text)).toMatchObject({ root: JSON.parse(text) as unknown });
  });

  test.each([
    ['[1,]', 3],
    ['[1 2]', 3],
    ['{"a":1', 6],
    ['{a:1}', 1],
    ['{"a" 1}', 5],
    ['["a\u0000b"]', 1],
    ['["\\x"]', 1],
    ['["open', 1],
    ['[01]', 2],
    ['[+1]', 1],
    ['[NaN]', 1],
    ['[1] x', 4],
    ['', 0],
  ])('tells where %j stops being JSON', (text, offset) => {
    expect(() => void JSON.parse(text)).toThrow(SyntaxError);
    expect(readJson(text)).toMatchObject({ fault: { offset } });
  });

  test('keeps ids exact and prototypes clean', () => {
    const read = readJson('{"id":12345678901234567890,"__proto__":{"polluted":1}}');
    expect('root' in read && Object.entries(read.root as object)).toEqual([
      ['id', '12345678901234567890'],
      ['__proto__', { polluted: 1 }],
    ]);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  test('names that stand twice and depths are notes, and the reading goes on', () => {
    const deep = `${'['.repeat(50)}"]"${']'.repeat(50)}`;
    const read = readJson(`[{"a":1,"a":2},{"b":${deep}},{"c":3}]`);
    expect(read).toMatchObject({
      root: [{ a: 2 }, {}, { c: 3 }],
      notes: [
        { kind: 'repeated_name', name: 'a', offset: 8 },
        { kind: 'too_deep', name: '' },
      ],
    });
  });

  test('a million open brackets neither overflow the stack nor pass', () => {
    expect(readJson('['.repeat(1_000_000))).toMatchObject({ fault: { offset: 1_000_000 } });
  });
});

test.each([
  ['120.5', { value: 120.5, decimals: 1 }],
  [' 23.0246667 ', { value: 23.0246667, decimals: 7 }],
  [23, { value: 23, decimals: 0 }],
  [1e-7, { value: 1e-7, decimals: 7 }],
  ['-.5', { value: -0.5, decimals: 1 }],
  ['', 'absent'],
  ['NULL', 'absent'],
  ['N/A', 'absent'],
  ['-', 'absent'],
  ['not reported', 'absent'],
  ['-999', 'absent'],
  [-9999, 'absent'],
  ['-9999.0', 'absent'],
  ['0x0', 'absent'],
  [null, 'absent'],
  ['120,5', 'bad'],
  ['1,234.5', 'bad'],
  ['12 m', 'bad'],
  ['1e3', 'bad'],
  ['0x10', 'bad'],
  ['Infinity', 'bad'],
  [true, 'bad'],
  [[1], 'bad'],
])('number %j', (value, read) => {
  expect(readNumber(value)).toEqual(read);
});

describe('position', () => {
  const area = {
    type: 'Polygon' as const,
    coordinates: [
      [
        [119, 21],
        [123, 21],
        [123, 26],
        [119, 26],
        [119, 21],
      ],
      [
        [120, 22],
        [120.1, 22],
        [120.1, 22.1],
        [120, 22.1],
        [120, 22],
      ],
    ],
  };
  const codes = (lon: number, lat: number, within?: typeof area): string[] =>
    judgePlace([lon, lat], 6, within).findings.map(({ code, severity }) => `${code} ${severity}`);

  test.each([
    [120.29, 23.07, area, []],
    [120.29, 120, undefined, ['position_out_of_range error']],
    [-181, 0, undefined, ['position_out_of_range error']],
    [23.07, 120.29, area, ['position_out_of_range error', 'lon_lat_swapped error']],
    [0, 0, undefined, ['zero_position error']],
    [0.0009, -0.0009, area, ['zero_position error']],
    [120.05, 22.05, area, ['outside_area warning']],
    [139.7, 35.6, area, ['outside_area warning']],
    [24.5, 24.5, area, ['lon_equals_lat error']],
    [36.5, 36.5, undefined, ['lon_equals_lat warning']],
  ])('%d, %d', (lon, lat, within, expected) => {
    expect(codes(lon, lat, within)).toEqual(expected);
  });

  test('exchanged ordinates that are still on earth are suggested, not applied', () => {
    const south = {
      type: 'MultiPolygon' as const,
      coordinates: [
        [
          [
            [10, 50],
            [12, 50],
            [12, 52],
            [10, 52],
            [10, 50],
          ],
        ],
      ],
    };
    expect(judgePlace([51, 11], 3, south)).toEqual({
      position: null,
      findings: [
        {
          code: 'lon_lat_swapped',
          severity: 'error',
          value: '51,11',
          suggestion: '11,51',
          detail: 'longitude and latitude seem to be exchanged',
        },
      ],
    });
    expect(isInside([11, 51], south)).toBe(true);
  });

  test('two decimals are a kilometre', () => {
    expect(judgePlace([120.2, 23.07], 2, undefined).accuracyM).toBe(1_000);
    expect(judgePlace([120.2, 23.071], 3, undefined).accuracyM).toBeUndefined();
  });
});

describe('time', () => {
  const now = Date.parse('2026-11-20T00:00:00Z');
  const read = momentReader(now, 'Asia/Taipei');

  test.each([
    ['2026-08-12T13:39:00+08:00', { at: '2026-08-12T05:39:00.000Z' }],
    ['2026-08-12T13:39:00+0000', { at: '2026-08-12T13:39:00.000Z' }],
    ['2026-08-12T13:39:00z', { at: '2026-08-12T13:39:00.000Z' }],
    ['2026/8/2 3:09', { at: '2026-08-01T19:09:00.000Z' }],
    ['2026-08-12T13:39', { at: '2026-08-12T05:39:00.000Z' }],
    ['2026-08-12', { at: '2026-08-11T16:00:00.000Z' }],
    [1_700_000_000, { at: '2023-11-14T22:13:20.000Z' }],
    ['1700000000123', { at: '2023-11-14T22:13:20.123Z' }],
    ['2099-12-31T00:00:00Z', 'sentinel'],
    ['2026-11-20T23:59:59Z', { at: '2026-11-20T23:59:59.000Z' }],
    ['2026-02-30 10:00', 'bad'],
    ['2026/08-12', 'bad'],
    ['2026-08-12T13:39:00+99:00', 'bad'],
    ['yesterday', 'bad'],
    [true, 'bad'],
  ])('%j', (value, expected) => {
    expect(read(value)).toEqual(expected);
  });

  test('a zone with summer time, and none', () => {
    const paris = momentReader(now, 'Europe/Paris');
    expect(paris('2026-07-01 12:00')).toEqual({ at: '2026-07-01T10:00:00.000Z' });
    expect(paris('2026-03-29 03:30')).toEqual({ at: '2026-03-29T01:30:00.000Z' });
    expect(paris('2026-01-01 12:00')).toEqual({ at: '2026-01-01T11:00:00.000Z' });
    expect(momentReader(now, undefined)('2026-01-01 12:00')).toBe('no_zone');
  });
});

describe('URL', () => {
  test.each([
    ['https://fmg.wra.gov.tw/109wraweb/getImage.aspx?mode=getNewImageS&CCTV_SN=0x0200', 'snapshot', ''],
    ['http://10.1.2.3/axis-cgi/mjpg/video.cgi', 'mjpeg', ''],
    ['http://10.1.2.3/axis-cgi/jpg/image.cgi', 'snapshot', ''],
    ['http://10.1.2.3/mjpeg/last.JPG', 'snapshot', ''],
    ['https://a.example/live/index.m3u8?x=1', 'hls', ''],
    ['https://a.example/T13/Cctv/5', 'snapshot', ''],
    ['RTSP://10.1.2.3/live+1//x', 'rtsp', 'url_normalised'],
    ['http://10.1.2.3/stream', 'mjpeg', 'kind_guessed'],
    [' http://10.1.2.3/a.jpg', 'snapshot', 'url_normalised'],
    ['https://a.example:443/a+b//c.jpg', 'snapshot', ''],
    ['http://10.1.2.3/a.jpg?token=s3cret', 'snapshot', 'secret_in_query'],
    ['http://[2001:4860::1]:8080/a.jpg', 'snapshot', ''],
  ])('%s is %s', (url, kind, code) => {
    const read = readUrl(url, null);
    expect(read.service?.kind).toBe(kind);
    expect(read.findings.map((finding) => finding.code).join()).toBe(code);
  });

  test.each([
    ['rtmp://a.example/live', 'unsupported_scheme'],
    ['wss://a.example/live', 'unsupported_scheme'],
    ['10.1.2.3/a.jpg', 'bad_url'],
    ['camera.local:8080/a.jpg', 'bad_url'],
    ['http:/10.1.2.3/a.jpg', 'bad_url'],
    ['http:\\\\10.1.2.3\\a.jpg', 'bad_url'],
    ['http://10.1.2.3/a\\b.jpg', 'bad_url'],
    ['http://10.1.2.3/a\u0000b.jpg', 'bad_url'],
    ['http://ho st/a.jpg', 'bad_url'],
    ['http:///a.jpg', 'bad_url'],
    ['http://10.1.2.3:99999/a.jpg', 'bad_url'],
    ['rtsp://admin:pa/ss@10.1.2.3/live', 'bad_url'],
    ['rtsp://admin:12#s3cret@10.1.2.3/live', 'bad_url'],
    ['rtsp://a.b:12#s3cret@10.1.2.3/live', 'bad_url'],
    ['http://a.example/camera.html', 'page_not_picture'],
    ['https://www.youtube.com/watch?v=1', 'page_not_picture'],
    ['https://a.example/player/7', 'page_not_picture'],
    [`http://a.example/${'x'.repeat(2_048)}.jpg`, 'length'],
  ])('%s gives no picture', (url, code) => {
    const read = readUrl(url, null);
    expect(read.service).toBeNull();
    expect(read.findings.map((finding) => finding.code)).toEqual([code]);
    expect(JSON.stringify(read)).not.toMatch(/s3cret|pa\/ss|:12/);
  });

  test('MOTC writes [CIF,4CIF]', () => {
    const read = readUrl('http://117.56.1.1/mjpg?res=[CIF,4CIF] a#top', null);
    expect(read.service).toEqual({ kind: 'mjpeg', url: 'http://117.56.1.1/mjpg?res=%5BCIF,4CIF%5D%20a' });
  });

  test('user and password move into credentials and are shown nowhere', () => {
    const read = readUrl('rtsp://admin:s%40cret@10.1.2.3:554/live?randhash=77&a=1', null);
    expect(read.service).toEqual({
      kind: 'rtsp',
      url: 'rtsp://10.1.2.3:554/live?a=1',
      credentials: { username: 'admin', password: 's@cret' },
    });
    expect(read.findings.map(({ code }) => code)).toEqual(['credentials_in_url']);
    expect(JSON.stringify(read.findings)).not.toMatch(/admin|cret/);
  });

  test('a hint stands in where the URL tells nothing, and not where it does', () => {
    expect(readUrl('http://10.1.2.3/x', 'snapshot')).toMatchObject({
      isKindGuessed: false,
      service: { kind: 'snapshot' },
    });
    expect(readUrl('rtsp://10.1.2.3/x', 'snapshot').service?.kind).toBe('rtsp');
    expect(readUrl('http://10.1.2.3/x', null).isKindGuessed).toBe(true);
  });

  test('only the place of a URL is shown', () => {
    expect(shownUrl('http://u:p@10.1.2.3/a?key=1')).toBe('http://…@10.1.2.3/a?…');
    expect(shownUrl('u:p@x')).toBe('…@x');
  });

  test('serials of one camera', () => {
    const wra = (serial: string): string => `https://a.example/getImage.aspx?mode=S&CCTV_SN=0x${serial}`;
    expect(isSameUrl(wra('A'.repeat(70)), wra('B'.repeat(70)))).toBe(true);
    expect(isSameUrl(wra('A'.repeat(70)), wra('B'.repeat(70)).replace('mode=S', 'mode=L'))).toBe(false);
    expect(isSameUrl('http://a.example/?CCTV_SN=1', 'http://a.example/?CCTV_SN=2')).toBe(false);
    expect(isSameUrl('http://a.example/x?randhash=1', 'http://a.example/x')).toBe(true);
  });
});

describe('headings', () => {
  test.each([
    ['國道1號 (向西)', 270, 20],
    ['橋頭（向東北）', 45, 12],
    ['向南', 180, 20],
    ['I-5 at Main - Looking West', 270, 20],
    ['facing north-east', 45, 12],
    ['SouthWest Facing lens', 225, 12],
    ['Highway 7 - (Looking North)', 0, 20],
  ])('%s looks to %d', (text, azimuthDeg, azimuthAccuracyDeg) => {
    expect(headingOf(text)).toMatchObject({ azimuthDeg, azimuthAccuracyDeg });
  });

  test.each([
    '往西',
    '(往西)',
    '南向',
    '(南向)',
    '南下',
    '向東路口',
    '右側車流往北',
    '西桿',
    'West pole',
    'I-5 NB',
    'Northbound at Main',
    'Looking Down',
    'Looking North Street',
    '(向西) (向東)',
    '(向東西)',
    '',
  ])('%s tells no azimuth', (text) => {
    expect(headingOf(text)).toBeNull();
  });
});

test('names stand in one line', () => {
  expect(cleanLine(' 台南 \r\n 橋\t2\u3000')).toBe('台南 橋 2');
});

test.each([
  ['wra-flood', '[{"CameraID":"1","ImageUrl":"x","Longitude_4326":"1"}]', 'x.json'],
  ['geojson', '{"features":[],"type":"FeatureCollection"}', ''],
  ['geojson', '', 'x.GeoJSON'],
  ['ndjson', '{"localId":"1"}\n{"localId":"2"}\n', ''],
  ['json', '{"items":[{"localId":"1"}]}', ''],
  [null, 'a,b,c', 'x.csv'],
  [null, '[{"a":1}]', 'x.json'],
])('%s is guessed', (profile, text, name) => {
  expect(guessProfile(bytes(text), name)).toBe(profile);
});
