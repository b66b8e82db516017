import { describe, expect, test } from '@jest/globals';
import { type Box, type Named, overlap, placeLabels, widthOf } from './map-labels.js';

const SHEET: Box = { left: 0, top: 0, right: 900, bottom: 700 };
const named = (x: number, y: number, name = 'Sinshih bridge, downstream', azimuthDeg: number | null = null): Named => ({
  x,
  y,
  name,
  azimuthDeg,
});

/** Cameras of a town by a simple rule: crowded in the middle, some at one place. */
const TOWN = Array.from({ length: 60 }, (_, i) => {
  const angle = i * 2.4;
  const distance = 6 * i;
  return named(450 + distance * Math.cos(angle), 350 + 0.7 * distance * Math.sin(angle), `Camera ${i} of the town`);
});

describe('names on a map', () => {
  test('lie on no other name, on no mark, and on the sheet', () => {
    const labels = placeLabels([...TOWN, TOWN[40]!], SHEET);
    const boxes = labels.flatMap((label) => (label === null ? [] : [label.box]));
    expect(boxes.length).toBeGreaterThan(50);
    for (const [i, box] of boxes.entries()) {
      expect(boxes.slice(i + 1).filter((other) => overlap(box, other))).toEqual([]);
      expect(TOWN.filter(({ x, y }) => overlap(box, { left: x - 6, right: x + 6, top: y - 6, bottom: y + 6 }))).toEqual(
        [],
      );
      expect(box.left >= 0 && box.right <= 900 && box.top >= 0 && box.bottom <= 700).toBe(true);
      expect(box.right - box.left).toBeGreaterThan(90);
    }
  });

  test('where there is no room a name is left out, and no other suffers', () => {
    const many = Array.from({ length: 300 }, (_, i) => named(450 + (i % 3), 350));
    const labels = placeLabels(many, SHEET);
    expect(labels.filter((label) => label !== null).length).toBeGreaterThan(10);
    expect(labels).toContain(null);
    expect(placeLabels([named(5, 5, 'n'.repeat(400))], SHEET)).toEqual([null]);
  });

  test('a lone name stands right of its camera, out of its view, without a line; far ones are led to', () => {
    const [plain] = placeLabels([named(450, 350)], SHEET);
    expect(plain).toMatchObject({ anchor: 'start', leader: null });
    expect(plain!.box.left).toBeGreaterThan(455);
    const [eastward] = placeLabels([named(450, 350, 'Gate', 90)], SHEET);
    expect(eastward!.box.right).toBeLessThan(446);
    const led = placeLabels(TOWN.slice(0, 20), SHEET).filter((label) => label?.leader);
    expect(led.length).toBeGreaterThan(3);
    for (const label of led) {
      const [, , x, y] = label!.leader!;
      expect(overlap(label!.box, { left: x - 3, right: x + 3, top: y - 3, bottom: y + 3 })).toBe(true);
    }
  });

  test('a cost keeps names away from where it is high', () => {
    const onRight = (box: Box): number => (box.right > 460 ? 40 : 0);
    const [label] = placeLabels([named(450, 350, 'Gate')], SHEET, onRight);
    expect(label!.box.right).toBeLessThan(461);
  });

  test('wide letters take more room than narrow ones, Chinese ones the most', () => {
    expect(widthOf('iiii')).toBeLessThan(widthOf('aaaa'));
    expect(widthOf('aaaa')).toBeLessThan(widthOf('mmmm'));
    expect(widthOf('mmmm')).toBeLessThan(widthOf('新市橋下'));
  });
});
