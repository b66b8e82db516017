import { beforeAll, describe, expect, test } from '@jest/globals';
import { lightAt, sunElevationDeg } from './light.js';
import { eastNorth, type EastNorth, offset, type LonLat, Projection } from './projection.js';
import { DRAWN, makeTables, Scene, type Tables } from './scene.js';
import { STREET } from './street.js';
import { Beds } from './beds.js';
import { local, MARKERS, P1, P2, placeAt, RIVERS, ROADS } from './layout.js';
import { distanceToLine } from './line.js';
import { buildWorld, type World } from './world.js';

const rad = (deg: number): number => (deg * Math.PI) / 180;
const cameraOf = (authority: string, localId: string) => {
  const found = STREET.find(({ document }) => document.authority === authority && document.localId === localId);
  if (found === undefined) throw new Error(`no ${authority}/${localId}`);
  return found;
};

/** view.md, sections 1 to 3, written out once more. */
function predicted(authority: string, localId: string, [lon, lat]: LonLat, widthPx: number): readonly [number, number] {
  const { pose } = cameraOf(authority, localId);
  const [lon0, lat0] = pose.position;
  const phi = rad((lat + lat0) / 2);
  const e2 = 0.00669437999014;
  const w = Math.sqrt(1 - e2 * Math.sin(phi) ** 2);
  const [n, m] = [6378137 / w, (6378137 * (1 - e2)) / w ** 3];
  const g = 0.5 * rad(lon - lon0) * Math.sin(phi);
  const [eb, nb] = [n * Math.cos(phi) * rad(lon - lon0), m * rad(lat - lat0)];
  const p = [eb * Math.cos(g) - nb * Math.sin(g), eb * Math.sin(g) + nb * Math.cos(g), 0];
  p[2] = -pose.heightM - ((6 / 7) * (p[0]! ** 2 + p[1]! ** 2)) / (2 * 6371008.8);
  const [a, t] = [rad(pose.azimuthDeg), rad(pose.tiltDeg)];
  const f = [Math.sin(a) * Math.cos(t), Math.cos(a) * Math.cos(t), Math.sin(t)];
  const r = [Math.cos(a), -Math.sin(a), 0];
  const d = [Math.sin(t) * Math.sin(a), Math.sin(t) * Math.cos(a), -Math.cos(t)];
  const dot = (axis: number[]): number => axis.reduce((sum, x, i) => sum + x * p[i]!, 0);
  const fx = widthPx / 2 / Math.tan(rad(pose.hfovDeg) / 2);
  return [widthPx / 2 + (fx * dot(r)) / dot(f), (widthPx * 9) / 32 + (fx * dot(d)) / dot(f)];
}

describe('projection', () => {
  test.each([
    ['demo-roads', 'B', P1],
    ['demo-water', '497', P1],
    ['demo-water', '44', P2],
  ] as const)('%s %s puts a place where view.md says', (authority, localId, place) => {
    const projection = new Projection(cameraOf(authority, localId).pose, { widthPx: 1920, heightPx: 1080 });
    const [x, y] = projection.pixelOf(place) ?? [0, 0];
    const [u, v] = predicted(authority, localId, place, 1920);
    expect(x).toBeCloseTo(u, 6);
    expect(y).toBeCloseTo(v, 6);
  });

  test('rays and pixels are inverse; behind is no pixel', () => {
    const projection = new Projection(cameraOf('demo-roads', 'A').pose, DRAWN);
    const [e, n, u] = projection.ray(500, 300);
    const [x, y, z] = projection.seen([e * 30, n * 30], projection.pose.heightM + u * 30);
    const [px, py] = projection.pixel([x, y, z]);
    expect(z).toBeCloseTo(30, 3);
    expect(px).toBeCloseTo(500, 2);
    expect(py).toBeCloseTo(300, 2);
    expect(projection.pixelOf(P1)).toBeNull();
  });

  test('metres and places are inverse', () => {
    for (const at of [
      [1_490, 1_092],
      [-1_700, -1_300],
    ] as const) {
      const [e, n] = eastNorth(P1, offset(P1, at[0], at[1]));
      expect(Math.hypot(e - at[0], n - at[1])).toBeLessThan(0.3);
    }
    expect(Math.hypot(...local([120.296464, 23.077916]))).toBeCloseTo(192.1, 1); // domain.md: 497 to P1
  });
});

describe('scene', () => {
  let world: World;
  let tables: Tables;
  const noon = Date.UTC(2026, 10, 27, 4);

  beforeAll(() => {
    tables = makeTables(1);
    world = buildWorld(
      STREET.map(({ pose }) => pose.position),
      1,
    );
  });

  /** Middle of what is magenta in a picture, or null. */
  function magentaIn(rgb: Uint8ClampedArray): readonly [number, number] | null {
    let [sumX, sumY, count] = [0, 0, 0];
    for (let i = 0; i < rgb.length; i += 3) {
      const [red, green, blue] = [rgb[i]!, rgb[i + 1]!, rgb[i + 2]!];
      if (red < 150 || red - green < 90 || blue - green < 50) continue;
      sumX += ((i / 3) % DRAWN.widthPx) + 0.5;
      sumY += Math.floor(i / 3 / DRAWN.widthPx) + 0.5;
      count += 1;
    }
    return count < 5 ? null : [sumX / count, sumY / count];
  }

  test.each([
    ['demo-roads', 'B', P1],
    ['demo-water', '497', P1],
    ['demo-water', '44', P2],
  ] as const)('%s %s shows the marker at the predicted pixel, by day and night', (authority, localId, place) => {
    const scene = new Scene(cameraOf(authority, localId).pose, world, tables);
    const [u, v] = predicted(authority, localId, place, DRAWN.widthPx);
    for (const at of [noon, noon + 12 * 3_600_000]) {
      // A vehicle may stand before it: one of several moments shows it whole.
      const misses = [0, 5_000, 10_000, 15_000].map((ms) => {
        const [x, y] = magentaIn(scene.draw(at + ms, 0.2, ms)) ?? [NaN, NaN];
        return Math.hypot(x - u, y - v);
      });
      expect(Math.min(...misses.filter((miss) => !Number.isNaN(miss)))).toBeLessThan(1);
    }
  });

  test('the building hides P1 from camera C, and A looks away from it', () => {
    for (const id of ['A', 'C']) {
      const scene = new Scene(cameraOf('demo-roads', id).pose, world, tables);
      expect(magentaIn(scene.draw(noon, 0.2, 1))).toBeNull();
    }
  });

  test('noise, traffic and water move; the same moment and frame number draw the same', () => {
    const scene = new Scene(cameraOf('demo-water', '1639').pose, world, tables);
    const first = scene.draw(noon, 0.2, 1);
    const { abs } = Math;
    const difference = (other: Uint8ClampedArray): number => {
      let sum = 0;
      for (let i = 0; i < first.length; i++) sum += abs(first[i]! - other[i]!);
      return sum / first.length;
    };
    expect(difference(scene.draw(noon, 0.2, 1))).toBe(0);
    expect(difference(scene.draw(noon, 0.2, 2))).toBeGreaterThan(1);
    expect(difference(scene.draw(noon + 1_000, 0.2, 1))).toBeGreaterThan(1);
    expect(difference(scene.draw(noon, 0.9, 1))).toBeGreaterThan(3); // higher water covers the banks
  });

  test('nothing stands in a road, in a river or before a lens', () => {
    const beds = new Beds();
    const corners = world.houses.slice(1).flatMap((house) => house.corners);
    const isInRoad = (at: EastNorth): boolean =>
      ROADS.some(({ line, widthM }) => distanceToLine(at, line) < widthM / 2);
    expect(corners.filter((at) => isInRoad(at) || beds.find(...at))).toEqual([]);
    expect(world.trees.filter(({ at }) => isInRoad(at) || beds.find(...at))).toEqual([]);
    const lenses = STREET.map(({ pose }) => local(pose.position));
    const isBefore = ([e, n]: EastNorth): boolean => lenses.some((lens) => Math.hypot(lens[0] - e, lens[1] - n) < 12);
    expect([...corners, ...world.trees.map(({ at }) => at)].filter(isBefore)).toEqual([]);
    expect(world.houses.length).toBeGreaterThan(300);
    expect(world.railings.length).toBeGreaterThan(20);
  });

  test('another seed builds another town, the same one the same', () => {
    const again = (seed: number): World => buildWorld([P1], seed);
    expect(again(7)).toEqual(again(7));
    expect(again(7).houses).not.toEqual(again(8).houses);
  });
});

test('gauges stand by the water that they measure', () => {
  for (const { name, position } of MARKERS.filter(({ name: one }) => one === '284' || one === '88')) {
    const canal = RIVERS.find((river) => river.name === 'canal');
    expect([name, distanceToLine(local(position), canal?.line ?? []) < 12]).toEqual([name, true]);
  }
  expect(eastNorth(P1, placeAt([100, 0]))[0]).toBeCloseTo(100, 2);
});

test('the sun stands where it should, and lights the lamps', () => {
  const tainan: LonLat = [120.295, 23.079];
  expect(sunElevationDeg(Date.UTC(2026, 5, 21, 4, 1), tainan)).toBeGreaterThan(89); // near the tropic at midsummer noon
  expect(sunElevationDeg(Date.UTC(2026, 11, 21, 3, 57), tainan)).toBeCloseTo(43.5, 0);
  expect(Math.abs(sunElevationDeg(Date.UTC(2026, 2, 20, 22, 1), tainan))).toBeLessThan(1.2); // equinox sunrise about 06:01
  expect(lightAt(-30).lamps).toBe(1);
  expect(lightAt(40).lamps).toBe(0);
  expect(lightAt(90)).toEqual(lightAt(60));
  expect(lightAt(8.5).ambient[0]).toBeGreaterThan(lightAt(4).ambient[0]);
});
