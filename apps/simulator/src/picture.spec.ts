import { beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { type Asked, Picture } from './picture.js';
import type { Look } from './look.js';
import { makeTables } from './scene.js';
import { STREET } from './street.js';
import { buildWorld } from './world.js';

const ASKED: Asked = { widthPx: 640, heightPx: 360, compression: 30 };
const LIVE = { kind: 'live' as Look, sinceMs: 0 };
const midnight = Date.UTC(2026, 10, 26, 16);

/** Share of the 10 × 10 cells of a 160 × 90 grey decode whose deviation is below 2 (probing.md, section 7). */
function flatShare(grey: Uint8Array): number {
  let flat = 0;
  for (let cell = 0; cell < 144; cell++) {
    const at = Math.floor(cell / 16) * 1_600 + (cell % 16) * 10;
    let [sum, squares] = [0, 0];
    for (let i = 0; i < 100; i++) {
      const value = grey[at + Math.floor(i / 10) * 160 + (i % 10)]!;
      sum += value;
      squares += value * value;
    }
    if (squares / 100 - (sum / 100) ** 2 < 4) flat += 1;
  }
  return flat / 144;
}

describe('pictures', () => {
  const pictures = new Map<string, Picture>();

  beforeAll(() => {
    const world = buildWorld(
      STREET.map(({ pose }) => pose.position),
      1,
    );
    const tables = makeTables(1);
    for (const { document, pose, isRising } of STREET) {
      pictures.set(document.localId, new Picture({ name: 'Canal', label: 'a/b', pose, isRising }, world, tables));
    }
  });

  const greyOf = async (id: string, atMs: number): Promise<Uint8Array> => {
    const { bytes } = await pictures.get(id)!.frame(ASKED, atMs, -1, LIVE);
    return sharp(bytes).greyscale().resize(160, 90, { fit: 'fill' }).raw().toBuffer();
  };

  // The emptiest views, and one with a close wall.
  test.each(['497', '44', '1760', 'C'])('%s trips no flag at any hour', async (id) => {
    for (const hour of [0, 5, 6, 9, 12, 17, 17.9, 19]) {
      const atMs = midnight + hour * 3_600_000;
      const [first, second] = [await greyOf(id, atMs), await greyOf(id, atMs + 200)];
      const mean = first.reduce((sum, value) => sum + value, 0) / first.length;
      const change = first.reduce((sum, value, i) => sum + Math.abs(value - second[i]!), 0) / first.length;
      expect([id, hour, flatShare(first) < 0.1]).toEqual([id, hour, true]);
      expect(change).toBeGreaterThan(0.6); // frozen: below 0.255
      expect(mean).toBeGreaterThan(hour > 7 && hour < 17 ? 90 : 32); // dark: below 40 by day; black: below 16
      expect(mean).toBeLessThan(180);
    }
  });

  test('are kept for viewers that will do with one so old, until something happens', async () => {
    const picture = pictures.get('497')!;
    const noon = midnight + 12 * 3_600_000;
    const first = await picture.frame(ASKED, noon, 0, LIVE);
    expect(await picture.frame(ASKED, noon + 199, 200, LIVE)).toBe(first);
    expect(await picture.frame(ASKED, noon + 200, 200, LIVE)).not.toBe(first);
    expect(await picture.frame({ ...ASKED, compression: 31 }, noon + 210, 200, LIVE)).not.toBe(first);

    const frozen = { kind: 'frozen' as Look, sinceMs: noon + 250 };
    const still = await picture.frame(ASKED, noon + 260, 200, frozen);
    expect(still.takenAtMs).toBe(noon + 250);
    const later = await picture.frame(ASKED, noon + 9_000_000, 200, frozen);
    expect(later.bytes.equals(still.bytes)).toBe(true);
    const again = await picture.frame(ASKED, noon + 9_000_001, 200, { ...frozen, sinceMs: noon + 9_000_000 });
    expect(again.bytes.equals(still.bytes)).toBe(false);
  });

  test('say that they are simulated, and when: eight hours ahead of UTC, with seconds', async () => {
    const strip = async (atMs: number): Promise<Buffer> => {
      const { bytes } = await pictures.get('497')!.frame(ASKED, atMs, -1, { kind: 'frozen_clock', sinceMs: midnight });
      return sharp(bytes)
        .extract({ left: 400, top: 340, width: 240, height: 20 })
        .greyscale()
        .threshold(150)
        .raw()
        .toBuffer();
    };
    const [a, b] = [await strip(midnight + 1_000), await strip(midnight + 2_000)];
    const changed = [...a.keys()].filter((i) => a[i] !== b[i]).map((i) => i % 240);
    // Only the last digit: 6 dots of 2 pixels from the right margin, and a pixel for the JPEG.
    expect(Math.min(...changed)).toBeGreaterThan(240 - 6 - 12 - 2);
    const { bytes } = await pictures.get('497')!.frame(ASKED, midnight, -1, LIVE);
    const word = await sharp(bytes).extract({ left: 526, top: 4, width: 108, height: 16 }).raw().toBuffer();
    let yellow = 0;
    for (let i = 0; i < word.length; i += 3) if (word[i]! > 190 && word[i]! - word[i + 2]! > 80) yellow += 1;
    expect(yellow).toBeGreaterThan(150);
  });
});
