import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { type BuildingFields, type BuildingFinding, readBuildings } from './index.js';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

async function* chunksOf(bytes: Uint8Array, ...ends: number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const end of [...ends, bytes.length]) {
    yield bytes.subarray(from, end);
    from = end;
  }
}

async function read(file: AsyncIterable<Uint8Array> | string, fields: BuildingFields = {}): Promise<BuildingFinding[]> {
  const found: BuildingFinding[] = [];
  for await (const one of readBuildings(typeof file === 'string' ? chunksOf(utf8(file)) : file, fields))
    found.push(one);
  return found;
}

/** In short: `1:12.5`, `1:3-12.5` for one with a base, `2!code`, `!!code` for a refusal. */
const inShort = (found: readonly BuildingFinding[]): string[] =>
  found.map((one) => {
    if ('refused' in one) return `!!${one.refused.code}`;
    if ('problem' in one) return `${one.problem.feature}!${one.problem.code}`;
    const { feature, baseM, topM } = one.building;
    return `${feature}:${baseM === 0 ? '' : `${baseM}-`}${topM}`;
  });

const SQUARE = [
  [120.1, 23.1],
  [120.2, 23.1],
  [120.2, 23.2],
  [120.1, 23.1],
] as const;
const COURT = [
  [120.15, 23.11],
  [120.16, 23.11],
  [120.16, 23.12],
  [120.15, 23.11],
] as const;

const house = (properties: object | null, more: object = {}): object => ({
  type: 'Feature',
  properties,
  geometry: { type: 'Polygon', coordinates: [SQUARE] },
  ...more,
});
const polygon = (...rings: unknown[]): object =>
  house({ height: 5 }, { geometry: { type: 'Polygon', coordinates: rings } });
const collection = (features: readonly unknown[], more: object = {}): string =>
  JSON.stringify({ type: 'FeatureCollection', ...more, features });

/** What is held is then what is needed: garbage is collected when the machine finds time. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

describe('forms of the file', () => {
  const features = [
    house({ height: 1, name: 'quote " brace } bracket ] comma , backslash \\' }),
    house({ height: 2, name: '樓', nested: [{ features: [[]] }] }),
    house(null),
  ];
  const expected = ['1:1', '2:2', '3!height_missing'];
  const lines = features.map((one) => JSON.stringify(one));

  test.each<[string, string]>([
    ['a collection', collection(features)],
    ['a collection, indented', JSON.stringify(JSON.parse(collection(features)), null, 2)],
    [
      'with members before and after',
      collection(features, { bbox: [1, 2, 3, 4], name: '"features":[' }).replace(/}$/, ',"x":[1,{}]}'),
    ],
    ['with its type at the end', `{"features" :\n[${lines.join(' , ')}],"type":"FeatureCollection"}`],
    ['with a byte order mark', `\uFEFF${collection(features)}`],
    ['a feature a line', `${lines.join('\n')}\n`],
    ['a feature a line, as Windows ends them', lines.join('\r\n')],
    ['a text sequence', lines.map((line) => `\u001e${line}\n`).join('')],
    ['a text sequence, indented', features.map((one) => `\u001e${JSON.stringify(one, null, 1)}\n`).join('')],
    ['two collections', `${collection(features.slice(0, 2))}\n${collection(features.slice(2))}`],
  ])('%s, however it is cut into chunks', async (_form, text) => {
    const bytes = utf8(text);
    const whole = await read(text);
    expect(inShort(whole)).toEqual(expected);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      expect([cut, await read(chunksOf(bytes, cut, Math.min(cut + 3, bytes.length)))]).toEqual([cut, whole]);
    }
    const single = Array.from({ length: bytes.length }, (_, i) => i);
    expect(await read(chunksOf(bytes, ...single))).toEqual(whole);
  });

  test('an empty collection has no buildings and no problems', async () => {
    expect(await read('{"type":"FeatureCollection","features":[ ]}')).toEqual([]);
  });

  test('one collection of 40 MB passes with little memory', async () => {
    const line = utf8(`${JSON.stringify(house({ height: 3, name: 'x'.repeat(300) }))},`);
    async function* file(): AsyncGenerator<Uint8Array> {
      yield utf8('{"type":"FeatureCollection","features":[');
      for (let i = 0; i < 80_000; i += 1) yield line;
      yield utf8('{}]}');
    }
    let count = 0;
    let most = 0;
    // Specs that ran before in this process may have left some.
    collectGarbage();
    const before = process.memoryUsage().arrayBuffers;
    for await (const one of readBuildings(file())) {
      if ('building' in one) count += 1;
      if (count % 20_000 !== 0) continue;
      collectGarbage();
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    expect(count).toBe(80_000);
    expect(most).toBeLessThan(15_000_000);
  });
});

describe('files that are refused', () => {
  const good = JSON.stringify(house({ height: 1 }));
  test.each<[string, string, string[], RegExp]>([
    ['nothing', '', ['!!not_data'], /empty/],
    ['blanks', ' \n', ['!!not_data'], /empty/],
    ['a page', '<!doctype html><html></html>', ['!!not_data'], /FeatureCollection.*byte 0/],
    ['a bare list', `[${good}]`, ['!!not_data'], /FeatureCollection/],
    ['another JSON', '{"type":"Topology","objects":{}}', ['!!not_data'], /FeatureCollection/],
    ['a bare geometry', '{"type":"Polygon","coordinates":[]}', ['!!not_data'], /FeatureCollection/],
    ['features of something else', `{"type":"Fields","features":[${good}]}`, ['!!not_data'], /FeatureCollection/],
    ['no type to the end', `{"features":[${good}]}`, ['1:1', '!!not_data'], /FeatureCollection/],
    [
      'one that is cut off',
      `{"type":"FeatureCollection","features":[${good},{"type"`,
      ['1:1', '!!not_data'],
      /cut off/,
    ],
    [
      'one that is cut off between features',
      `{"type":"FeatureCollection","features":[${good},`,
      ['1:1', '!!not_data'],
      /cut off/,
    ],
    ['something between lines', `${good}\nhello\n${good}`, ['1:1', '!!not_data'], /byte \d+/],
    ['brackets that do not fit', `{"type":"FeatureCollection","features":[${good}}`, ['!!not_data'], /closing bracket/],
    ['features twice', `{"type":"FeatureCollection","features":[],"features":[]}`, ['!!not_data'], /twice/],
  ])('%s', async (_what, text, expected, detail) => {
    const found = await read(text);
    expect(inShort(found)).toEqual(expected);
    const last = found.at(-1);
    expect(last !== undefined && 'refused' in last ? last.refused.detail : '').toMatch(detail);
  });

  const crs = (name: string) => ({ crs: { type: 'name', properties: { name } } });
  test.each([
    ['urn:ogc:def:crs:OGC:1.3:CRS84', ['1:1']],
    ['EPSG:4326', ['1:1']],
    ['urn:ogc:def:crs:EPSG::4326', ['1:1']],
    ['urn:ogc:def:crs:EPSG::3826', ['!!unsupported']],
    ['EPSG:14326', ['!!unsupported']],
  ])('crs %s, before the features', async (name, expected) => {
    expect(inShort(await read(collection([house({ height: 1 })], crs(name))))).toEqual(expected);
  });

  test('another crs after the features, or on a feature of its own', async () => {
    const text = collection([house({ height: 1 })]).replace(/}$/, `,"crs":${JSON.stringify(crs('EPSG:3857').crs)}}`);
    expect(inShort(await read(text))).toEqual(['1:1', '!!unsupported']);
    expect(inShort(await read(JSON.stringify(house({ height: 1 }, crs('EPSG:3857')))))).toEqual(['!!unsupported']);
    expect(inShort(await read(collection([], { crs: { type: 'link' } })))).toEqual(['!!unsupported']);
  });
});

describe('features that are left out', () => {
  test.each<[string, string, string]>([
    ['no JSON', '{"type":"Feature",}', '2!not_data'],
    ['nothing', '', '2!not_data'],
    ['no feature', '{"type":"Polygon"}', '2!type'],
    ['a number', '17', '2!type'],
    ['no geometry', JSON.stringify(house({ height: 1 }, { geometry: null })), '2!geometry'],
    [
      'a point',
      JSON.stringify(house({ height: 1 }, { geometry: { type: 'Point', coordinates: [1, 2] } })),
      '2!geometry',
    ],
    ['no ring', JSON.stringify(polygon()), '2!geometry'],
    ['a ring that is none', JSON.stringify(polygon('x')), '2!geometry'],
    ['three positions', JSON.stringify(polygon(SQUARE.slice(1))), '2!geometry'],
    ['an open ring', JSON.stringify(polygon([...SQUARE.slice(0, 3), [120.1, 23.15]])), '2!geometry'],
    ['a hole that is open', JSON.stringify(polygon(SQUARE, [...COURT.slice(0, 3), [120.1, 23.15]])), '2!geometry'],
    ['a latitude of 120', JSON.stringify(polygon(SQUARE.map(([lon, lat]) => [lat, lon]))), '2!position_out_of_range'],
    ['an endless number', JSON.stringify(polygon(SQUARE)).replaceAll('120.2', '1e999'), '2!geometry'],
    ['text for a number', JSON.stringify(polygon(SQUARE)).replaceAll('120.2', '"120.2"'), '2!geometry'],
    [
      'half the globe',
      JSON.stringify(
        polygon([
          [-179, 1],
          [179, 1],
          [179, 2],
          [-179, 1],
        ]),
      ),
      '2!geometry',
    ],
    ['larger than 1 MiB', JSON.stringify(house({ height: 1, name: 'x'.repeat(1_048_576) })), '2!feature_too_large'],
  ])('%s', async (_what, text, expected) => {
    const good = JSON.stringify(house({ height: 1 }));
    const file = `{"type":"FeatureCollection","features":[${good},${text},${good}]}`;
    expect(inShort(await read(file))).toEqual(['1:1', expected, '3:1']);
    const bytes = utf8(file);
    const half = Math.floor(bytes.length / 2);
    expect(inShort(await read(chunksOf(bytes, half)))).toEqual(['1:1', expected, '3:1']);
  });

  test('a line of 3 MiB is passed over, whatever it holds, and the next one is read', async () => {
    const huge = JSON.stringify(house({ height: 1, name: '{["'.repeat(1_048_576) }));
    const file = `${huge}\n${JSON.stringify(house({ height: 2 }))}\n`;
    expect(inShort(await read(file))).toEqual(['1!feature_too_large', '2:2']);
  });

  test('bytes that are no UTF-8', async () => {
    const bytes = utf8(collection([house({ height: 1, name: '@' }), house({ height: 2 })]));
    bytes[bytes.indexOf(0x40)] = 0xff;
    expect(inShort(await read(chunksOf(bytes)))).toEqual(['1!not_data', '2:2']);
  });

  test('a text of a sequence that was cut off, even within a word', async () => {
    const good = JSON.stringify(house({ height: 2 }));
    for (const cut of ['{"type":"Feature","prop', '{"type":"Feature",', '{']) {
      expect(inShort(await read(`\u001e${cut}\n\u001e${good}\n`))).toEqual(['1!not_data', '2:2']);
    }
  });
});

describe('heights', () => {
  const short = async (properties: object, fields?: BuildingFields): Promise<string> =>
    inShort(await read(collection([house(properties)]), fields)).join();

  test.each<[object, string]>([
    [{ heightM: 12.5 }, '1:12.5'],
    [{ height: '12.5' }, '1:12.5'],
    [{ height: '12.5 m' }, '1:12.5'],
    [{ height: ' 7m ' }, '1:7'],
    [{ measuredHeight: 8 }, '1:8'],
    [{ render_height: 9, render_min_height: 4 }, '1:4-9'],
    [{ height: 9, min_height: '4 m' }, '1:4-9'],
    [{ height: 9, baseM: -2 }, '1:-2-9'],
    [{ heightM: 1, height: 2 }, '1:1'],
    [{ heightM: null, height: 2 }, '1:2'],
    [{ heightM: '', measuredHeight: 3 }, '1:3'],
    [{ height: '12,5' }, '1!bad_number'],
    [{ height: '40 ft' }, '1!bad_number'],
    [{ height: "40'" }, '1!bad_number'],
    [{ height: true }, '1!bad_number'],
    [{ height: 9, min_height: 'low' }, '1!bad_number'],
    [{ height: 2_001 }, '1!range'],
    [{ height: 0 }, '1!range'],
    [{ height: 3, min_height: 3 }, '1!range'],
    [{ levels: 4, 'building:levels': 4 }, '1!height_missing'],
    [{ height: -9999 }, '1!height_missing'],
    [{}, '1!height_missing'],
  ])('%j', async (properties, expected) => {
    expect(await short(properties)).toBe(expected);
  });

  test('a field that is named is the only one that counts', async () => {
    const properties = { height: 5, min_height: 1, h_max: 7, h_min: '2' };
    expect(await short(properties, { heightFrom: 'h_max' })).toBe('1:1-7');
    expect(await short(properties, { heightFrom: 'h_max', baseFrom: 'h_min' })).toBe('1:2-7');
    expect(await short(properties, { heightFrom: 'other' })).toBe('1!height_missing');
    expect(await short(properties, { heightFrom: 'toString' })).toBe('1!height_missing');
  });
});

test('a value is quoted without half a character', async () => {
  const [found] = await read(collection([house({ height: `${'x'.repeat(55)}🏠🏠🏠` })]));
  expect(found).toMatchObject({
    problem: { code: 'bad_number', detail: expect.stringMatching(/^\P{Surrogate}+\.\.\.$/u) },
  });
});

describe('shapes', () => {
  test('holes stay, third ordinates go', async () => {
    const raised = SQUARE.map((position) => [...position, 31.5]);
    const [found] = await read(collection([polygon(raised, COURT)]));
    expect(found).toEqual({ building: { feature: 1, baseM: 0, topM: 5, rings: [SQUARE, COURT] } });
  });

  test('several polygons are several buildings of one feature', async () => {
    const geometry = { type: 'MultiPolygon', coordinates: [[SQUARE], [COURT]] };
    const found = await read(collection([house({ height: 5 }, { geometry }), house({ height: 6 })]));
    expect(inShort(found)).toEqual(['1:5', '1:5', '2:6']);
    expect(found[1]).toMatchObject({ building: { rings: [COURT] } });
  });

  test('a bad polygon among several leaves the feature out', async () => {
    const geometry = { type: 'MultiPolygon', coordinates: [[SQUARE], [COURT.slice(1)]] };
    expect(inShort(await read(collection([house({ height: 5 }, { geometry })])))).toEqual(['1!geometry']);
  });
});
