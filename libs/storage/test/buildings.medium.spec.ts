import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { LonLat } from '#catalog';
import { openTestDatabase, type TestDatabase } from '#testing';
import { Buildings, type NewBuilding } from '../src/buildings.js';

let opened: TestDatabase;
let buildings: Buildings;

beforeAll(async () => {
  opened = await openTestDatabase();
});
afterAll(() => opened.close());
beforeEach(async () => {
  await opened.db.query('truncate building_set, building');
  buildings = new Buildings(opened.db);
});

const idOf = (n: number): string => `01890000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const NOTHING_YET = { features: 0, buildings: 0, leftOut: 0, byCode: {}, problems: [] };

/** A square of 0.001° by its south-western corner. */
const square = (west: number, south: number, more: Partial<NewBuilding> = {}): NewBuilding => {
  // Nine decimals of a degree are a tenth of a millimetre: that much is kept.
  const [east = 0, north = 0] = [west, south].map((deg) => Number((deg + 0.001).toFixed(9)));
  const ring: LonLat[] = [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ];
  return { rings: [ring], baseM: 0, topM: 10, ...more };
};

const begin = (n: number, date = '2025-06-30') =>
  buildings.begin({ id: idOf(n), date, heightFrom: null, baseFrom: null, bytes: 7, createdBy: 'key:a' }, opened.db);

/** A set that is ready. */
async function set(
  n: number,
  date: string,
  list: readonly NewBuilding[],
  box?: readonly [number, number, number, number],
) {
  await begin(n, date);
  await buildings.add(idOf(n), list);
  const positions = list.flatMap(({ rings }) => rings.flat());
  const along = (i: 0 | 1): number[] => positions.map((position) => position[i]);
  const bbox = box ?? [Math.min(...along(0)), Math.min(...along(1)), Math.max(...along(0)), Math.max(...along(1))];
  const counts = { ...NOTHING_YET, features: list.length, buildings: list.length };
  expect(await buildings.finish(idOf(n), { ...counts, lowestM: 10, highestM: 10, bbox: [...bbox] as never })).toBe(
    true,
  );
}

/** Tops of the buildings in a line, sorted. */
async function topsIn(from: LonLat, to: LonLat, limit = 100): Promise<number[]> {
  const [found = []] = await buildings.between([{ from, to }], limit);
  return found.map(({ topM }) => topM).sort((a, b) => a - b);
}

describe('a set', () => {
  test('counts as a whole, when it is ready, and is gone at once when it is removed', async () => {
    const line = [
      [120, 23.0005],
      [120.1, 23.0005],
    ] as const;
    const begun = await begin(1);
    expect(begun).toMatchObject({
      id: idOf(1),
      date: '2025-06-30',
      status: 'importing',
      progress: 0,
      bbox: null,
      finishedAt: null,
    });
    await buildings.add(idOf(1), [square(120.01, 23), square(120.02, 23)]);
    expect(await topsIn(...line)).toEqual([]);
    expect(await buildings.goOn(idOf(1), 0.5, { ...NOTHING_YET, features: 2, buildings: 2 })).toBe(true);
    expect(await buildings.find(idOf(1))).toMatchObject({ status: 'importing', progress: 0.5, buildings: 2 });
    const sum = {
      features: 3,
      buildings: 2,
      leftOut: 1,
      byCode: { height_missing: 1 },
      problems: [{ feature: 3, code: 'height_missing', detail: 'none' }],
      lowestM: 10,
      highestM: 12.5,
      bbox: [120.01, 23, 120.021, 23.001],
    } as const;
    await buildings.finish(idOf(1), sum);
    const ready = await buildings.find(idOf(1));
    expect(ready).toMatchObject({
      ...sum,
      status: 'ready',
      progress: 1,
      problem: null,
      finishedAt: expect.stringMatching(/Z$/),
    });
    expect(await buildings.list({ limit: 10 })).toEqual([ready]);
    // What was asked while nothing was there is no longer believed.
    expect(await topsIn(...line)).toEqual([10, 10]);
    expect(await buildings.remove(idOf(1), opened.db)).toEqual(ready);
    expect(await buildings.remove(idOf(1), opened.db)).toBeNull();
    expect(await buildings.find(idOf(1))).toBeNull();
    expect(await topsIn(...line)).toEqual([]);
    expect(await buildings.sweep(1)).toBe(1);
    expect(await opened.db.query('select from building_set')).toHaveLength(1);
    expect(await buildings.sweep(10)).toBe(1);
    expect(await buildings.sweep(10)).toBe(0);
    expect(await opened.db.query('select from building_set')).toHaveLength(0);
  });

  test('that failed shows why and counts nothing; its buildings are swept, it stays until it is removed', async () => {
    await begin(1);
    await buildings.add(idOf(1), [square(120, 23)]);
    await buildings.fail(idOf(1), 'cut off');
    expect(await buildings.find(idOf(1))).toMatchObject({ status: 'failed', problem: 'cut off' });
    expect(await topsIn([119, 23.0005], [121, 23.0005])).toEqual([]);
    expect(await buildings.add(idOf(1), [square(120, 23)])).toEqual([]);
    expect(await buildings.goOn(idOf(1), 1, NOTHING_YET)).toBe(false);
    expect(await buildings.sweep(10)).toBe(1);
    expect(await buildings.list({ limit: 10 })).toHaveLength(1);
  });

  test('whose importer died is failed; one that goes on is not', async () => {
    await begin(1);
    await begin(2);
    await opened.db.query(`update building_set set lease_until = now() - interval '1 second' where id = '${idOf(1)}'`);
    const shown = await buildings.find(idOf(1));
    expect(shown).toMatchObject({ status: 'failed', problem: expect.stringMatching(/stopped in the middle/) });
    await buildings.sweep(10);
    expect(await buildings.find(idOf(1))).toEqual(shown);
    expect(await buildings.goOn(idOf(1), 1, NOTHING_YET)).toBe(false);
    expect(await buildings.find(idOf(2))).toMatchObject({ status: 'importing' });
  });

  test('lists come in pages', async () => {
    for (const n of [1, 2, 3]) await begin(n);
    expect((await buildings.list({ limit: 2 })).map(({ id }) => id)).toEqual([idOf(1), idOf(2)]);
    expect((await buildings.list({ limit: 2, after: idOf(2) })).map(({ id }) => id)).toEqual([idOf(3)]);
  });

  test('leaves out footprints that cross themselves, and says which', async () => {
    await begin(1);
    const bow: LonLat[] = [
      [120, 23],
      [120.001, 23.001],
      [120.001, 23],
      [120, 23.001],
      [120, 23],
    ];
    const flat: LonLat[] = [
      [120, 23],
      [120.001, 23],
      [120.002, 23],
      [120, 23],
    ];
    const list = [
      square(120, 23),
      square(120, 23, { rings: [bow] }),
      square(120.1, 23),
      square(120, 23, { rings: [flat] }),
    ];
    expect(await buildings.add(idOf(1), list)).toEqual([1, 3]);
    expect(await opened.db.query('select from building')).toHaveLength(2);
  });
});

describe('buildings between', () => {
  test('are those whose footprint the line meets, with rings, heights and date', async () => {
    const court: LonLat[] = [
      [120.0104, 23.0004],
      [120.0106, 23.0004],
      [120.0106, 23.0006],
      [120.0104, 23.0004],
    ];
    const house = square(120.01, 23, { baseM: 2.5, topM: 12.3 });
    const holed = { ...house, rings: [...house.rings, court] };
    await set(1, '2025-06-30', [holed, square(120.02, 23.002, { topM: 20 }), square(120.03, 23, { topM: 30 })]);
    const [first, second, third] = await buildings.between(
      [
        { from: [120, 23.0005], to: [120.025, 23.0005] },
        { from: [120, 24], to: [120.1, 24] },
        { from: [120.0205, 23.0025], to: [120.0305, 23.0005] },
      ],
      10,
    );
    expect(first).toEqual([{ id: expect.anything(), ...holed, date: '2025-06-30' }]);
    expect(second).toEqual([]);
    expect(third?.map(({ topM }) => topM)).toEqual([20, 30]);
  });

  test('a line within a footprint, along its wall, at its corner or of no length meets it; one in its box alone does not', async () => {
    const triangle: LonLat[] = [
      [120, 23],
      [120.01, 23],
      [120, 23.01],
      [120, 23],
    ];
    await set(1, '2025-06-30', [square(0, 0, { rings: [triangle] })]);
    expect(await topsIn([120.001, 23.001], [120.002, 23.002])).toEqual([10]);
    expect(await topsIn([120.001, 23], [120.002, 23])).toEqual([10]);
    expect(await topsIn([120, 22.99], [120, 23])).toEqual([10]);
    expect(await topsIn([120.001, 23.001], [120.001, 23.001])).toEqual([10]);
    expect(await topsIn([120.008, 23.009], [120.009, 23.008])).toEqual([]);
  });

  test('a line across the antimeridian goes the short way', async () => {
    const east = square(-179.995, -17, { topM: 1 });
    await set(
      1,
      '2025-06-30',
      [square(179.99, -17, { topM: 2 }), east, square(0, -17, { topM: 3 })],
      [179.99, -17, -179.99, -16],
    );
    expect(await topsIn([179.98, -16.9995], [-179.98, -16.9995])).toEqual([1, 2]);
    expect(await topsIn([-179.98, -16.9995], [179.98, -16.9995])).toEqual([1, 2]);
    expect(await topsIn([179.97, -17.01725], [-179.98, -16.99225])).toEqual([1]);
    expect(await topsIn([180, -16.9995], [-180, -16.9995])).toEqual([]);
    // At the antimeridian the line is halfway up.
    expect(await topsIn([179.98, -17.0195], [-179.98, -16.9795])).toEqual([]);
    expect(await topsIn([179.985, -17.0045], [-179.985, -16.9945])).toEqual([]);
    expect(await topsIn([179.98, -16.9995], [-179.9949, -16.9995])).toEqual([1, 2]);
    expect(await buildings.find(idOf(1))).toMatchObject({ bbox: [179.99, -17, -179.99, -16] });
  });

  test('the limit is one of each line', async () => {
    await set(
      1,
      '2025-06-30',
      Array.from({ length: 5 }, (_, i) => square(120 + i / 100, 23)),
    );
    const line = { from: [119, 23.0005], to: [121, 23.0005] } as const;
    const found = await buildings.between([line, line], 3);
    expect(found.map((list) => list.length)).toEqual([3, 3]);
  });

  test('of sets that overlap the newest wins where its extent reaches, whatever came first', async () => {
    const line = [
      [119, 23.0005],
      [121, 23.0005],
    ] as const;
    await set(1, '2025-01-01', [square(120, 23, { topM: 25 }), square(120.02, 23, { topM: 26 })]);
    await set(2, '2020-01-01', [square(120.001, 23, { topM: 20 }), square(120.1, 23, { topM: 21 })]);
    await set(3, '2020-01-01', [square(120.1005, 23, { topM: 31 })], [120.05, 22, 120.2, 24]);
    // Set 1 hides 20, whose first corner lies in its extent; set 3, as old as 2 but later, hides 21.
    expect(await topsIn(...line)).toEqual([25, 26, 31]);
    await buildings.remove(idOf(1), opened.db);
    expect(await topsIn(...line)).toEqual([20, 31]);
    await buildings.remove(idOf(3), opened.db);
    expect(await topsIn(...line)).toEqual([20, 21]);
  });

  test('where there is no set at all, the second question asks nothing', async () => {
    let asked = 0;
    const counting = new Proxy(opened.db, {
      get: (target, name, receiver) => {
        if (name === 'query') asked += 1;
        return Reflect.get(target, name, receiver) as unknown;
      },
    });
    const others = new Buildings(counting);
    const line = { from: [119, 23], to: [121, 23] } as const;
    expect(await others.between([line], 10)).toEqual([[]]);
    expect(await others.between([line, line], 10)).toEqual([[], []]);
    expect(asked).toBe(1);
  });
});

test('over 50,000 buildings the lines ride the index of footprints', async () => {
  const { db } = opened;
  await set(1, '2025-06-30', [square(120, 23)], [120, 23, 121, 24]);
  await db.query(`
    insert into building (set_id, footprint, base_m, top_m)
    select '${idOf(1)}', st_makeenvelope(120 + n % 250 * 0.004, 23 + n / 250 * 0.004, 120.001 + n % 250 * 0.004, 23.001 + n / 250 * 0.004, 4326), 0, 9
    from generate_series(1, 50000) as n`);
  // Before and after the server has looked at the table.
  for (const look of ['select 1', 'analyze building']) {
    await db.query(look);
    await db.transaction(async (tx) => {
      let plan = '';
      const watched = new Proxy(tx, {
        get: (target, name, receiver) =>
          name === 'query'
            ? async (text: string, values: unknown[]) => {
                const rows = await target.query<Record<string, string>[]>(`explain ${text}`, values);
                plan += rows.map((row) => row['QUERY PLAN']).join('\n');
                return target.query(text, values);
              }
            : (Reflect.get(target, name, receiver) as unknown),
      });
      const lines = Array.from(
        { length: 20 },
        (_, i) => ({ from: [120.1, 23.1 + i / 100], to: [120.11, 23.11 + i / 100] }) as const,
      );
      const found = await new Buildings(watched).between(lines, 100);
      expect(found.flat().length).toBeGreaterThan(0);
      expect(plan).toContain('building_footprint_idx');
      expect(plan).not.toContain('Seq Scan on building ');
    });
  }
});
