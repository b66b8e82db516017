import { describe, expect, test } from '@jest/globals';
import { AreaDocument, check, parseBbox, parseGeometry, parsePoint, parsePolygon, PointDocument } from './index.js';

/** Codes of what is wrong with a geometry in a document; none where it is taken. */
function faultsOf(type: typeof PointDocument | typeof AreaDocument, geometry: unknown): readonly string[] {
  const checked = check<PointDocument | AreaDocument>(type, geometry);
  return 'problems' in checked ? checked.problems.map(({ code }) => code) : [];
}

const ring = (positions: number): number[][] => {
  const turns = Array.from({ length: positions - 1 }, (_, i) => (i / (positions - 1)) * 2 * Math.PI);
  const round = turns.map((turn) => [120 + Math.cos(turn), 23 + Math.sin(turn)]);
  return [...round, round[0] ?? []];
};
const SQUARE = [
  [120, 23],
  [121, 23],
  [121, 24],
  [120, 23],
];

describe('GEO-1: geometry of documents', () => {
  test.each<[string, unknown, string]>([
    ['no finite number', { type: 'Point', coordinates: JSON.parse('[1e999, 23]') as unknown }, 'position_out_of_range'],
    ['NaN', { type: 'Point', coordinates: [Number.NaN, 23] }, 'position_out_of_range'],
    ['text', { type: 'Point', coordinates: ['120', '23'] }, 'type'],
    ['null', { type: 'Point', coordinates: [null, 23] }, 'type'],
    ['a longitude beyond 180', { type: 'Point', coordinates: [180.0000001, 23] }, 'position_out_of_range'],
    ['exchanged ordinates', { type: 'Point', coordinates: [23, 120] }, 'position_out_of_range'],
    ['one ordinate', { type: 'Point', coordinates: [120] }, 'type'],
    ['a height', { type: 'Point', coordinates: [120, 23, 4] }, 'elevation_in_coordinates'],
    ['another type', { type: 'MultiPoint', coordinates: [[120, 23]] }, 'enum'],
    [
      'a crs',
      { type: 'Point', coordinates: [120, 23], crs: { type: 'name', properties: { name: 'EPSG:3826' } } },
      'unknown_member',
    ],
    ['a bbox', { type: 'Point', coordinates: [120, 23], bbox: [0, 0, 1, 1] }, 'unknown_member'],
  ])('a point with %s is refused', (_, geometry, code) => {
    expect(faultsOf(PointDocument, geometry)).toContain(code);
  });

  test.each<[string, unknown, string]>([
    ['2,001 positions', { type: 'Polygon', coordinates: [ring(2_001)] }, 'length'],
    [
      '2,004 positions of 501 rings',
      { type: 'Polygon', coordinates: Array.from({ length: 501 }, () => SQUARE) },
      'length',
    ],
    ['an open ring', { type: 'Polygon', coordinates: [SQUARE.slice(0, 3).concat([[120.5, 23]])] }, 'geometry'],
    ['three positions', { type: 'Polygon', coordinates: [SQUARE.slice(0, 3)] }, 'geometry'],
    ['a level too many', { type: 'Polygon', coordinates: [[SQUARE]] }, 'geometry'],
    ['a level too few', { type: 'Polygon', coordinates: SQUARE }, 'geometry'],
    ['five levels', { type: 'MultiPolygon', coordinates: [[[SQUARE]]] }, 'geometry'],
    ['no ring', { type: 'Polygon', coordinates: [] }, 'geometry'],
    ['an empty polygon', { type: 'MultiPolygon', coordinates: [[]] }, 'geometry'],
    [
      'no finite number',
      {
        type: 'Polygon',
        coordinates: [
          [
            [120, 23],
            [121, Infinity],
            [121, 24],
            [120, 23],
          ],
        ],
      },
      'position_out_of_range',
    ],
    ['a crs', { type: 'Polygon', coordinates: [SQUARE], crs: { type: 'name' } }, 'unknown_member'],
  ])('an area with %s is refused', (_, geometry, code) => {
    expect(faultsOf(AreaDocument, geometry)).toContain(code);
  });

  test('what is within the limits is taken', () => {
    expect(faultsOf(PointDocument, { type: 'Point', coordinates: [-180, 90] })).toEqual([]);
    expect(faultsOf(AreaDocument, { type: 'Polygon', coordinates: [ring(2_000)] })).toEqual([]);
    expect(faultsOf(AreaDocument, { type: 'MultiPolygon', coordinates: [[SQUARE], [SQUARE]] })).toEqual([]);
  });
});

describe('GEO-1: geometry of queries', () => {
  const wkt = (positions: readonly (readonly number[])[]): string =>
    `POLYGON((${positions.map((position) => position.join(' ')).join(',')}))`;

  test.each([
    ['501 positions', wkt(ring(501))],
    [
      '501 positions of many rings',
      `POLYGON(${Array.from({ length: 126 }, () => wkt(SQUARE).slice(8, -1)).join(',')})`,
    ],
    ['no finite number', 'POLYGON((120 23,121 23,1e999 24,120 23))'],
    ['a word', 'POLYGON((120 23,121 NaN,121 24,120 23))'],
    ['a hexadecimal number', 'POLYGON((0x78 23,121 23,121 24,0x78 23))'],
    ['three ordinates', 'POLYGON((120 23 1,121 23 1,121 24 1,120 23 1))'],
    ['an open ring', 'POLYGON((120 23,121 23,121 24,120.1 23))'],
    ['20,000 brackets', `POLYGON${'('.repeat(20_000)}`],
    ['another SRID', `SRID=3826;${wkt(SQUARE)}`],
    ['something behind it', `${wkt(SQUARE)};select 1`],
  ])('a polygon with %s is refused', (_, given) => {
    expect(parsePolygon(given)).toHaveProperty('finding');
    expect(parseGeometry(given)).toHaveProperty('finding');
  });

  test.each(['', ',', '120', '120,23,4', 'NaN,23', 'Infinity,23', '1e999,23', '0x78,23', '120;23', '181,0', '0,91'])(
    'the place %j is refused',
    (given) => expect(parsePoint(given)).toHaveProperty('finding'),
  );

  test.each(['1,2,3', '1,2,3,4,5', '1,2,3,1e999', '120,24,121,23', '-181,0,0,1'])('the box %j is refused', (given) => {
    expect(parseBbox(given)).toHaveProperty('finding');
  });

  test('what is within the limits is taken', () => {
    expect(parsePolygon(wkt(ring(500)))).toHaveProperty('value');
    expect(parsePoint('120.29,23.08')).toEqual({ value: [120.29, 23.08] });
  });
});
