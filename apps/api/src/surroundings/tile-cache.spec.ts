import { expect, test } from '@jest/globals';
import { TileCache } from './tile-cache.js';

const tileOf = (value: number): Float32Array => new Float32Array(1_000).fill(value);

/** A cache of two tiles, and what it was asked to load. */
function opened(): { readonly get: (...names: string[]) => Promise<(number | null)[]>; readonly loaded: string[] } {
  const cache = new TileCache(2 * 4_500);
  const loaded: string[] = [];
  return {
    loaded,
    get: async (...names) => {
      const tiles = await cache.get(names, (missing) => {
        loaded.push(...missing);
        return missing.map(async (name) => {
          if (name === 'broken') throw new Error('the store does not answer');
          return name === 'none' ? null : tileOf(Number(name));
        });
      });
      return tiles.map((tile) => tile?.[0] ?? null);
    },
  };
}

test('loads a tile once, however many ask for it at once', async () => {
  const { get, loaded } = opened();
  expect(await Promise.all([get('1', '2'), get('2', '1', '1'), get('2')])).toEqual([[1, 2], [2, 1, 1], [2]]);
  expect(loaded).toEqual(['1', '2']);
});

test('forgets what was used longest ago, and remembers that a tile is not there', async () => {
  const { get, loaded } = opened();
  await get('1');
  await get('2');
  await get('none');
  await get('1');
  await get('3');
  expect(loaded.splice(0)).toEqual(['1', '2', 'none', '3']);
  expect(await get('1', 'none', '3')).toEqual([1, null, 3]);
  expect(loaded).toEqual([]);
  expect(await get('2')).toEqual([2]);
  expect(loaded).toEqual(['2']);
});

test('asks again for what could not be loaded', async () => {
  const { get, loaded } = opened();
  await expect(get('broken', '1')).rejects.toThrow('the store does not answer');
  await expect(get('broken')).rejects.toThrow('the store does not answer');
  expect(loaded).toEqual(['broken', '1', 'broken']);
});
