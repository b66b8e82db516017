import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Inspection, Pictures, scanHash } from '#frames';
import { frameOf } from './frame-of.js';

// Contains public sector information licensed under the Open Government Licence v3.0 (Office for National Statistics);
// DriveBC, Province of British Columbia (Apache-2.0); City of Vancouver camera, via kamangir/vancouver-watching (CC0).
const directory = path.join(fileURLToPath(new URL('../../..', import.meta.url)), '..', 'shared', 'data', 'frames');
const isThere = existsSync(directory);
if (!isThere) console.warn('real-frames: skipped, shared/data/frames does not lie beside the checkout');

const pictures = (isThere ? readdirSync(directory, { recursive: true, encoding: 'utf8' }) : [])
  .filter((name) => /\.jpe?g$/.test(name))
  .filter((name) =>
    readFileSync(path.join(directory, name))
      .subarray(0, 3)
      .equals(Buffer.from([0xff, 0xd8, 0xff])),
  );

(isThere ? describe : describe.skip)('30 frames of real cameras', () => {
  let decoder: Pictures;
  const found = new Map<string, Inspection>();
  beforeAll(async () => {
    decoder = await Pictures.start({ workers: 1 });
    for (const name of pictures) {
      found.set(path.basename(name), await decoder.inspect(frameOf(readFileSync(path.join(directory, name)))));
    }
  });
  afterAll(() => decoder.close());

  test('only the smeared one is damaged; one-component progressive, fog and night are fine', () => {
    expect(found.size).toBe(30);
    const damaged = [...found].filter(([, { damage }]) => damage !== null);
    expect(damaged.map(([name, { damage }]) => [name, damage])).toEqual([
      ['TfL-images_20200504_0240_00001.08859.jpg', 'one row is smeared down the lower part of the picture'],
    ]);
  });

  test('drawn cards have 40 % flat cells and more, scenes at most 7 %', () => {
    const cards = [...found].filter(([, { signals }]) => signals!.flatCellsShare >= 0.07).map(([name]) => name);
    expect(cards.sort()).toEqual([
      'NETravelData-images_20200508_1800_NT_A193H1.jpg',
      'TfL-images_20200501_0520_00001.06592.jpg',
    ]);
    for (const name of cards) expect(found.get(name)!.signals!.flatCellsShare).toBeGreaterThanOrEqual(0.4);
  });

  test('no two have the same scan hash', () => {
    const hashes = pictures.map((name) => scanHash(frameOf(readFileSync(path.join(directory, name)))));
    expect(new Set(hashes).size).toBe(30);
  });
});
