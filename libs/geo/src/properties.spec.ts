import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cellPolygons } from './cell-rings.js';
import {
  axesOf,
  footprintOf,
  type Frustum,
  frustumOf,
  fromGeoPose,
  fromOrientedImagery,
  fromOsmTags,
  fromSphericalSector,
  fromViewingFrustum,
  type GeoCamera,
  HeightArray,
  inFrustum,
  inPlane,
  isBlockedBy,
  knownOf,
  type Lens,
  LENSES,
  lineOfSight,
  LocalFrame,
  type LonLat,
  ownHostOf,
  pixelOf,
  planeArea,
  planeFootprint,
  planeReach,
  poseOf,
  pxPerM,
  reachOf,
  sees,
  sight,
  toGeoPose,
  toMultiPolygon,
  toOrientedImagery,
  toViewingFrustum,
  turningReachOf,
  type View,
  viewshed,
} from './index.js';

import { randomFrom } from '#testing';

const RAD = Math.PI / 180;

interface Shot {
  readonly view: View;
  readonly heightM: number;
  readonly frustum: Frustum;
}

function shot(random: () => number, lens: Lens = 'pinhole', more: View = {}): Shot {
  const farM = 5 + random() ** 2 * 500;
  const flat = lens === 'equirectangular' || lens === 'cylindrical';
  const widest = lens === 'fisheye_orthographic' ? 139 : 180;
  const angles: View =
    lens === 'pinhole'
      ? { hfovDeg: 1 + random() * 150, vfovDeg: 1 + random() * 130 }
      : flat
        ? { hfovDeg: 20 + random() * 340, vfovDeg: 20 + random() * 140 }
        : { hfovDeg: 40 + random() * widest };
  const view: View = {
    azimuthDeg: random() * 360,
    tiltDeg: flat ? (random() - 0.5) * 20 : Math.min(90, -90 + random() * 110),
    rollDeg: flat || random() < 0.5 ? 0 : (random() - 0.5) * 360,
    nearM: random() < 0.5 ? 0 : random() * farM * 1.1,
    farM,
    imageWidthPx: 1920,
    imageHeightPx: 1080,
    lens,
    ...angles,
    ...more,
  };
  const heightM = 0.5 + random() * 30;
  return { view, heightM, frustum: frustumOf(view, knownOf({ view, heightM }))! };
}

/** A place on the ground about as far as the view reaches, denser near the camera. */
function ground(random: () => number, farM: number): { e: number; n: number } {
  const angle = random() * 2 * Math.PI;
  const distance = Math.sqrt(random()) * 1.1 * farM * (random() < 0.3 ? 0.1 : 1);
  return { e: distance * Math.sin(angle), n: distance * Math.cos(angle) };
}

describe('V-04: the footprint is what the view sees', () => {
  test('pinhole: 1,000 cameras, 40 places each', () => {
    const random = randomFrom(1);
    let judged = 0;
    for (let i = 0; i < 1000; i++) {
      const { frustum: f, heightM } = shot(random);
      const { polygons } = planeFootprint(f, heightM, 0.25);
      for (let k = 0; k < 40; k++) {
        const { e, n } = ground(random, f.farM);
        const seen = inFrustum(f, { e, n, u: -heightM });
        const slant = Math.hypot(e, n, heightM);
        const atEdge = [Math.abs(seen.margin), Math.abs(slant / f.farM - 1), Math.abs(slant / f.nearM - 1)];
        if (Math.min(...atEdge) < 3e-4) continue;
        judged++;
        if (inPlane(polygons, e, n) !== sees(f, e, n, -heightM)) {
          throw new Error(`footprint and sees differ at ${e}, ${n} of ${JSON.stringify(f)}, ${heightM} m up`);
        }
      }
    }
    expect(judged).toBeGreaterThan(37_000);
  });

  test.each(LENSES.slice(1))('%s', (lens) => {
    const random = randomFrom(2);
    const { frustum: f, heightM } = shot(random, lens, { nearM: 0 });
    const { polygons } = planeFootprint(f, heightM, 1);
    const wrong: object[] = [];
    for (let k = 0; k < 300; k++) {
      const { e, n } = ground(random, f.farM);
      const seen = inFrustum(f, { e, n, u: -heightM });
      const atFar = Math.abs(Math.hypot(e, n, heightM) / f.farM - 1) < 3e-3;
      if (Math.abs(seen.margin) < 0.02 || atFar) continue;
      if (inPlane(polygons, e, n) !== (seen.reason === null)) wrong.push({ e, n, seen });
    }
    expect(wrong).toEqual([]);
  });

  test('with a density: the part of the ground that has it', () => {
    const random = randomFrom(3);
    for (let i = 0; i < 300; i++) {
      const { frustum: f, heightM } = shot(random, 'pinhole', { nearM: 0, vfovDeg: undefined });
      const least = 2 + random() * 60;
      const { polygons } = planeFootprint(f, heightM, 0.25, least);
      for (let k = 0; k < 30; k++) {
        const { e, n } = ground(random, Math.min(f.farM, f.fxPx! / least));
        const seen = inFrustum(f, { e, n, u: -heightM });
        const atEdge = Math.abs(seen.margin) < 3e-4 || Math.abs(Math.hypot(e, n, heightM) / f.farM - 1) < 3e-4;
        if (atEdge || Math.abs((seen.pxPerM ?? 0) / least - 1) < 3e-4) continue;
        expect(inPlane(polygons, e, n)).toBe(seen.reason === null && seen.pxPerM! >= least);
      }
    }
  });

  test('turned by an azimuth, rolled by half a turn', () => {
    const random = randomFrom(4);
    for (let i = 0; i < 500; i++) {
      const { view, heightM, frustum: f } = shot(random);
      const area = (more: View) => {
        const turned = { ...view, ...more };
        return planeArea(planeFootprint(frustumOf(turned, knownOf({ view: turned, heightM }))!, heightM, 1).polygons);
      };
      const here = planeArea(planeFootprint(f, heightM, 1).polygons);
      const tolerance = 1e-9 * Math.max(1, f.farM ** 2);
      expect(Math.abs(area({ azimuthDeg: view.azimuthDeg! + 77.7 }) - here)).toBeLessThan(tolerance);
      expect(Math.abs(area({ rollDeg: view.rollDeg! + 180 }) - here)).toBeLessThan(tolerance);
    }
  });
});

describe('V-04: the reach holds all that is seen', () => {
  test('on the plane: visible and possible targets from 10 m under to 10 m over the ground', () => {
    const random = randomFrom(5);
    let seenCount = 0;
    for (let i = 0; i < 1200; i++) {
      const { frustum: f, heightM } = shot(random);
      const widen = random() < 0.5 ? 0 : random() * 0.2;
      const slab = { lowU: -heightM - 10, highU: -heightM + 10 };
      const ring = planeReach(f, slab, widen, 0.5);
      const hull = ring === null ? [] : [[ring]];
      for (let k = 0; k < 40; k++) {
        const x = (random() * 2 - 1) * f.tanH * (widen > 0 ? 1 + random() * 0.3 : 1);
        const y = (random() * 2 - 1) * f.tanV * (widen > 0 ? 1 + random() * 0.3 : 1);
        const [e, n, u] = [f.fE + x * f.rE + y * f.dE, f.fN + x * f.rN + y * f.dN, f.fU + x * f.rU + y * f.dU];
        const length = Math.hypot(e, n, u);
        // Half of them at a height of the slab, the others at any distance or at the very end.
        const toSlab = ((slab.lowU + 20 * random()) / u) * length;
        const distance = random() < 0.5 ? toSlab : random() < 0.3 ? f.farM : f.nearM + (f.farM - f.nearM) * random();
        const at = { e: (e / length) * distance, n: (n / length) * distance, u: (u / length) * distance };
        if (!(distance > 0) || at.u < slab.lowU || at.u > slab.highU) continue;
        const seen = inFrustum(f, at);
        if (seen.reason !== null && !(seen.aside && seen.margin > -widen)) continue;
        seenCount++;
        if (!inPlane(hull, at.e, at.n)) throw new Error(`outside: ${JSON.stringify({ at, f, heightM, widen })}`);
      }
    }
    expect(seenCount).toBeGreaterThan(9000);
  });

  test('on the globe: whatever sight says of a place, to 20 km and to 79° of latitude', () => {
    const random = randomFrom(6);
    let seenCount = 0;
    for (let i = 0; i < 250; i++) {
      const farM = random() < 0.5 ? 200 : 20_000;
      const camera: GeoCamera = {
        location: { coordinates: [random() * 360 - 180, (random() * 2 - 1) * 79] },
        heightM: 5 + random() * 60,
        positionAccuracyM: random() < 0.5 ? undefined : random() * 20,
        view: {
          azimuthDeg: random() * 360,
          tiltDeg: -random() * 4,
          hfovDeg: 20 + random() * 60,
          vfovDeg: 10 + random() * 20,
          farM,
          ...(random() < 0.5 ? {} : { azimuthAccuracyDeg: random() * 5, tiltAccuracyDeg: random() * 2 }),
        },
      };
      const polygons = (reachOf(camera)?.coordinates ?? []).map((rings) => rings.map((ring) => ring.slice(1).flat()));
      for (let k = 0; k < 40; k++) {
        const bearing = (camera.view!.azimuthDeg! + (random() * 2 - 1) * (camera.view!.hfovDeg! / 2 + 12)) * RAD;
        const distance = random() < 0.3 ? farM * 0.99999 : farM * random();
        const frame = new LocalFrame(camera.location.coordinates);
        const position = frame.toLonLat(distance * Math.sin(bearing), distance * Math.cos(bearing));
        const seen = sight(camera, { position, heightM: random() * 20 - 10 }, { atMs: 0 });
        if (!seen.sees) continue;
        seenCount++;
        if (!inPlane(polygons, ...(position as [number, number]))) {
          throw new Error(`outside: ${JSON.stringify({ camera, position, seen })}`);
        }
      }
    }
    expect(seenCount).toBeGreaterThan(1200);
  });

  test('of a turning camera: whatever a legal aim shows', () => {
    const random = randomFrom(7);
    let seenCount = 0;
    for (let i = 0; i < 150; i++) {
      const from = Math.floor(random() * 360);
      const camera: GeoCamera = {
        location: { coordinates: [120, 23] },
        heightM: 8,
        mobility: 'ptz',
        ptz: {
          azimuthMinDeg: from,
          azimuthMaxDeg: (from + random() * 200) % 360,
          tiltMinDeg: -60,
          tiltMaxDeg: 10,
          hfovWideDeg: 20 + random() * 50,
          hfovTeleDeg: 2,
        },
        view: { farM: 150, imageWidthPx: 1920, imageHeightPx: 1080 },
      };
      const polygons = turningReachOf(camera)!.coordinates.map((rings) => rings.map((ring) => ring.slice(1).flat()));
      for (let k = 0; k < 40; k++) {
        const { e, n } = ground(random, 150);
        const position = new LocalFrame([120, 23]).toLonLat(e, n);
        if (!sight(camera, { position }, { atMs: 0, basis: 'reach' }).sees) continue;
        seenCount++;
        expect(inPlane(polygons, ...(position as [number, number]))).toBe(true);
      }
    }
    expect(seenCount).toBeGreaterThan(1500);
  });
});

describe('density', () => {
  test('V-04: px/m times depth is fx', () => {
    const random = randomFrom(8);
    for (let i = 0; i < 1000; i++) {
      const { frustum: f } = shot(random, 'pinhole', { vfovDeg: undefined });
      const [x, y, z] = [random() * 20 - 10, random() * 20 - 10, random() * 100 + 0.1];
      expect(Math.abs((pxPerM(f, x, y, z)! * z) / f.fxPx! - 1)).toBeLessThan(1e-12);
      expect(pxPerM(f, x, y, -z)).toBeNull();
    }
  });

  test.each(LENSES)('%s: the worst of all directions across the ray, measured in the image', (lens) => {
    const random = randomFrom(9);
    for (let i = 0; i < 40; i++) {
      // Square pixels nearly: a degree of direction would matter with others.
      const { frustum: f } = shot(random, lens, lens === 'pinhole' ? { hfovDeg: 60, vfovDeg: 40 } : {});
      const half = Math.min(f.halfH, 1.2) * 0.9;
      const off = random() * half;
      const turn = random() * 2 * Math.PI;
      const slant = 5 + random() * 50;
      const p = [Math.sin(off) * Math.cos(turn), Math.sin(off) * Math.sin(turn), Math.cos(off)].map(
        (v) => v * slant,
      ) as [number, number, number];
      const [x, y, z] = p;
      const level = Math.hypot(x, z);
      const first = [z / level, 0, -x / level] as const;
      const second = [(y * first[2]) / slant, (z * first[0] - x * first[2]) / slant, (-y * first[0]) / slant] as const;
      const step = 1e-4;
      let least = Infinity;
      for (let k = 0; k < 180; k++) {
        const [a, b] = [Math.cos(k * RAD), Math.sin(k * RAD)];
        const d = [0, 1, 2].map((axis) => step * (a * first[axis]! + b * second[axis]!)) as [number, number, number];
        const plus = pixelOf(f, x + d[0], y + d[1], z + d[2])!;
        const minus = pixelOf(f, x - d[0], y - d[1], z - d[2])!;
        least = Math.min(least, Math.hypot(plus.u - minus.u, plus.v - minus.v) / (2 * step));
      }
      expect(Math.abs(pxPerM(f, x, y, z)! / least - 1)).toBeLessThan(1e-3);
    }
  });
});

describe('frames', () => {
  test('lon/lat there and back within 0.1 mm, anywhere', () => {
    const place = fc.record({
      lon: fc.double({ min: -180, max: 180, noNaN: true }),
      lat: fc.double({ min: -89.9999, max: 89.9999, noNaN: true }),
      e: fc.double({ min: -5000, max: 5000, noNaN: true }),
      n: fc.double({ min: -5000, max: 5000, noNaN: true }),
      z: fc.double({ min: -100, max: 4000, noNaN: true }),
    });
    fc.assert(
      fc.property(place, ({ lon, lat, e, n, z }) => {
        const frame = new LocalFrame([lon, lat], 10);
        const position = frame.toLonLat(e, n, z);
        const back = frame.toEnu(position, z);
        return Math.abs(position[0]) <= 180 && Math.hypot(back.e - e, back.n - n) <= 1e-4;
      }),
      { numRuns: 3000, seed: 10 },
    );
  });

  test('the mid-latitude formula against exact ECEF at 5 km', () => {
    for (const [lat, toleranceM] of [
      [0, 0.0011],
      [45, 0.0011],
      [60, 0.0011],
      [75, 0.003],
      [79.9, 0.01],
    ] as const) {
      // Just beyond 80° the exact path runs: the same place from a frame that is forced there tells the error.
      const frame = new LocalFrame([10, lat], 0, 0);
      const exact = new LocalFrame([10, lat], 0, 0);
      Object.assign(exact, { exactly: true });
      for (let bearing = 0; bearing < 360; bearing += 15) {
        const position = exact.toLonLat(5000 * Math.sin(bearing * RAD), 5000 * Math.cos(bearing * RAD));
        const [a, b] = [frame.toEnu(position, 0), exact.toEnu(position, 0)];
        expect(Math.hypot(a.e - b.e, a.n - b.n)).toBeLessThan(toleranceM);
      }
    }
  });

  test('drop by curvature and refraction', () => {
    const drop = (m: number) => -new LocalFrame([0, 0]).toEnu([m / 111_319.49, 0], 0).u;
    expect([1000, 3000, 5000].map((m) => drop(m).toFixed(m === 1000 ? 3 : 2))).toEqual(['0.067', '0.61', '1.68']);
  });

  const around = (origin: LonLat, farM: number, more: View = {}, heightM = 6) =>
    footprintOf({
      location: { coordinates: origin },
      heightM,
      view: { azimuthDeg: 0, tiltDeg: -90, hfovDeg: 179, vfovDeg: 179, farM, ...more },
    })!;

  /** Area of GeoJSON rings, m², by the sphere of the latitude's own radius; good to 1 % anywhere. */
  function sphereArea(rings: readonly (readonly LonLat[])[]): number {
    return rings.reduce((sum, ring) => {
      const part = ring.slice(1).reduce((each, [lon, lat], i) => {
        const [lastLon, lastLat] = ring[i]!;
        // 1 - sin is small at a pole: written so that nothing cancels.
        const over = (deg: number) =>
          deg >= 0 ? -2 * Math.sin(((90 - deg) * RAD) / 2) ** 2 : 2 * Math.sin(((90 + deg) * RAD) / 2) ** 2 - 2;
        return each - ((lon - lastLon) * RAD * (over(lat) + over(lastLat))) / 2;
      }, 0);
      return sum + part * 6.3996e6 ** 2;
    }, 0);
  }

  test.each([
    ['at the north pole', [17, 90], 1],
    ['20 m from the north pole', [-120, 89.9998], 1],
    ['20 m from the south pole', [45, -89.9998], 1],
    ['150 m from the north pole, the pole in view', [178, 89.9987], 1],
  ] as const)('a disc %s is closed over the pole', (_, origin, parts) => {
    const footprint = around(origin, 200);
    const polygons = footprint.geometry.coordinates;
    expect(polygons).toHaveLength(parts);
    const pole = origin[1] > 0 ? 90 : -90;
    const ring = polygons[0]![0]!;
    expect(ring).toEqual(
      expect.arrayContaining([
        [180, pole],
        [-180, pole],
      ]),
    );
    expect(ring[0]).toEqual(ring.at(-1));
    for (const [lon] of ring) expect(Math.abs(lon)).toBeLessThanOrEqual(180);
    expect(Math.abs(sphereArea(polygons.flat()) / footprint.areaM2 - 1)).toBeLessThan(0.02);
  });

  test('a ring round the pole: the near disc holds it', () => {
    const footprint = around([0, 89.9999], 200, { nearM: 60 });
    const polygons = footprint.geometry.coordinates;
    expect(polygons.map((rings) => rings.length)).toEqual([1]);
    expect(Math.abs(sphereArea(polygons.flat()) / footprint.areaM2 - 1)).toBeLessThan(0.02);
    expect(polygons.flat(2).some(([, lat]) => lat === 90)).toBe(false);
  });

  test('a hole beside the pole and over the antimeridian', () => {
    const footprint = around([180, 89.9995], 200, { nearM: 30 });
    const polygons = footprint.geometry.coordinates;
    expect(Math.abs(sphereArea(polygons.flat()) / footprint.areaM2 - 1)).toBeLessThan(0.02);
  });

  test.each([179.9999, -179.9999, 180, -180])('a ring with a hole at longitude %d is split, area kept', (lon) => {
    const footprint = around([lon, -16.8], 50, { nearM: 20 });
    const polygons = footprint.geometry.coordinates;
    expect(polygons).toHaveLength(2);
    const frame = new LocalFrame([lon, -16.8]);
    const flat = polygons.map((rings) =>
      rings.map((ring) =>
        ring.slice(1).flatMap((position) => {
          expect(Math.abs(position[0])).toBeLessThanOrEqual(180);
          const { e, n } = frame.toEnu(position, 0);
          return [e, n];
        }),
      ),
    );
    expect(Math.abs(planeArea(flat) / footprint.areaM2 - 1)).toBeLessThan(1e-3);
    for (const rings of flat)
      expect(rings.map((ring) => planeArea([[ring]]) > 0)).toEqual([true, ...rings.slice(1).map(() => false)]);
  });

  test('what rounding flattens is left out', () => {
    expect(toMultiPolygon(new LocalFrame([0, 0]), [[[0, 0, 1e-4, 0, 0, 1e-4]]])).toBeNull();
  });
});

describe('lines', () => {
  const random = randomFrom(12);
  const columns = 201;
  const waves = Array.from({ length: 30 }, () => [random() * 6.3, random() * 6.3, random()] as const);
  const terrain = new HeightArray(
    columns,
    columns,
    Float32Array.from({ length: columns * columns }, (_, i) =>
      waves.reduce((sum, [turn, phase, size], k) => {
        const along = (i % columns) * Math.cos(turn) + Math.floor(i / columns) * Math.sin(turn);
        return sum + ((4 * size) / (1 + k * 0.6)) * Math.sin((2 * Math.PI * along * (1 + k * 0.6)) / 200 + phase);
      }, 0),
    ),
  );
  const end = (column: number, row: number, up: number) => ({
    column,
    row,
    zM: terrain.at(Math.round(column), Math.round(row)) + up,
  });

  test('V-04: without curvature a line is as clear one way as the other', () => {
    for (let i = 0; i < 1500; i++) {
      const [from, to] = [0, 1].map(() => end(random() * 200, random() * 200, 1 + random() * 6)) as [
        ReturnType<typeof end>,
        ReturnType<typeof end>,
      ];
      const lengthM = Math.hypot(to.column - from.column, to.row - from.row);
      const there = lineOfSight(terrain, from, to, { lengthM, curvature: 0 });
      const back = lineOfSight(terrain, to, from, { lengthM, curvature: 0 });
      expect(back.result).toBe(there.result);
    }
  });

  test('the sweep agrees with a line to every cell', () => {
    const from = end(100, 100, 6);
    const swept = viewshed(terrain, from, { columnM: 1, rowM: 1, farM: 95 });
    let [cells, agree, clear] = [0, 0, 0];
    swept.cells.forEach((cell, i) => {
      if (cell === 2) return;
      const column = swept.column + (i % swept.columns);
      const row = swept.row + Math.floor(i / swept.columns);
      const lengthM = Math.hypot(column - 100, row - 100);
      const { result } = lineOfSight(terrain, from, end(column, row, 0), { lengthM });
      cells++;
      if (result === 'clear') clear++;
      if ((result === 'clear') === (cell === 1)) agree++;
    });
    expect(cells).toBeGreaterThan(28_000);
    expect(clear / cells).toBeGreaterThan(0.1);
    expect(clear / cells).toBeLessThan(0.9);
    expect(agree / cells).toBeGreaterThan(0.995);
  });

  test('holes in the heights: skipped, unknown over 30 %, and an end outside', () => {
    const holed = (share: number) =>
      new HeightArray(
        101,
        3,
        Float32Array.from({ length: 303 }, (_, i) => (i % 101 < share * 101 ? -9999 : 0)),
        -9999,
      );
    const line = (share: number, toColumn = 100) =>
      lineOfSight(holed(share), { column: 0, row: 1, zM: 5 }, { column: toColumn, row: 1, zM: 5 }, { lengthM: 100 })
        .result;
    expect([line(0), line(0.25), line(0.35), line(0, 101)]).toEqual(['clear', 'clear', 'unknown', 'unknown']);
  });

  test("a surface model holds the camera's own house: what blocks before the first clear crossing is ignored", () => {
    // Posts 2 m apart on one row: own house over posts 0 to 2, and another one over `other`.
    const street = (other: number) =>
      new HeightArray(
        60,
        3,
        Float32Array.from({ length: 180 }, (_, i) => (i % 60 <= 2 || i % 60 === other ? 15 : 0)),
      );
    const line = (other: number, ownHostM: number, column = 40) =>
      lineOfSight(
        street(other),
        { column: 0, row: 1, zM: 6 },
        { column, row: 1, zM: 0 },
        { lengthM: 2 * column, ownHostM },
      ).result;
    expect([line(-1, 0), line(-1, 5), line(-1, ownHostOf(2))]).toEqual(['blocked', 'clear', 'clear']);
    // A second house is none of the camera's, nor is one that goes on beyond the limit.
    expect([line(20, 5), line(3, 5), line(3, 9)]).toEqual(['blocked', 'blocked', 'clear']);
    // At an angle, where crossings of columns and rows alternate.
    const block = new HeightArray(
      60,
      60,
      Float32Array.from({ length: 3600 }, (_, i) => (i % 60 <= 2 && i < 180 ? 15 : 0)),
    );
    const aslant = (ownHostM: number) =>
      lineOfSight(block, { column: 0.3, row: 0.2, zM: 6 }, { column: 40, row: 33, zM: 0 }, { lengthM: 103, ownHostM })
        .result;
    expect([aslant(0), aslant(12)]).toEqual(['blocked', 'clear']);
    expect([ownHostOf(1), ownHostOf(10)]).toEqual([5, 25]);
  });

  test('prisms: a hole in the middle of a house, a camera on its wall, a line straight down', () => {
    const ring = (half: number): number[] => [-half, 50 - half, half, 50 - half, half, 50 + half, -half, 50 + half];
    const court = { rings: [ring(20), ring(10)], baseM: 0, topM: 12 };
    const point = (e: number, n: number, u: number) => ({ e, n, u });
    expect(isBlockedBy(court, point(0, 45, 5), point(0, 55, 1))).toBe(false);
    expect(isBlockedBy(court, point(0, 45, 5), point(0, 80, 1))).toBe(true);
    const house = { rings: [ring(20)], baseM: 0, topM: 12 };
    expect(isBlockedBy(house, point(0, 30, 5), point(0, 0, 0))).toBe(false);
    expect(isBlockedBy(house, point(0, 69, 5), point(0, 100, 0))).toBe(false);
    expect(isBlockedBy(house, point(0, 69, 13), point(0, 100, 0))).toBe(false);
    expect(isBlockedBy(house, point(0, 60, 13), point(0, 100, 0))).toBe(true);
    expect(isBlockedBy(house, point(0, 50, 30), point(0, 50, 0))).toBe(true);
    expect(isBlockedBy(house, point(0, 50, 30), point(0, 50, 12))).toBe(false);
  });
});

test('cells to polygons: their area, their inside, holes within holes', () => {
  const random = randomFrom(13);
  for (let i = 0; i < 60; i++) {
    const [columns, rows, share] = [1 + Math.floor(random() * 24), 1 + Math.floor(random() * 24), random()];
    const marks = Array.from({ length: columns * rows }, () => random() < share);
    const polygons = cellPolygons({ columns, rows, isMarked: (cell) => marks[cell]! });
    expect(planeArea(polygons)).toBe(marks.filter(Boolean).length);
    const wrong = marks.filter(
      (mark, cell) => inPlane(polygons, (cell % columns) + 0.5, Math.floor(cell / columns) + 0.5) !== mark,
    );
    expect(wrong).toEqual([]);
    for (const [outer, ...holes] of polygons) {
      expect(planeArea([[outer!]])).toBeGreaterThan(0);
      for (const hole of holes) {
        expect(planeArea([[hole]])).toBeLessThan(0);
        // Just inside a hole's own corner lies within the outer ring.
        expect(
          inPlane([[outer!]], hole[0]! + 0.5, hole[1]! - 0.5) || inPlane([[outer!]], hole[0]! - 0.5, hole[1]! + 0.5),
        ).toBe(true);
      }
    }
  }
});

describe('other systems', () => {
  const pose = fc.record({
    azimuthDeg: fc.double({ min: 0, max: 359.999, noNaN: true }),
    tiltDeg: fc.double({ min: -89, max: 89, noNaN: true }),
    rollDeg: fc.double({ min: -89, max: 89, noNaN: true }),
  });
  const same = (a: View, b: View, tolerance = 1e-9) =>
    (['azimuthDeg', 'tiltDeg', 'rollDeg'] as const).every((name) => {
      const off = Math.abs(a[name]! - b[name]!);
      return Math.min(off, 360 - off) < tolerance;
    });

  test('there and back to 1e-9', () => {
    fc.assert(
      fc.property(pose, (p) => {
        const view: View = { ...p, hfovDeg: 60, vfovDeg: 34, farM: 100 };
        const camera: GeoCamera = { location: { coordinates: [0, 0] }, heightM: 6, view };
        return (
          same(p, poseOf(axesOf(p)), 1e-8) &&
          same(p, fromGeoPose(toGeoPose([0, 0], 0, p))) &&
          same(p, fromOrientedImagery(toOrientedImagery(camera)!).view) &&
          same(p, fromViewingFrustum(toViewingFrustum(camera))!.view)
        );
      }),
      { numRuns: 300, seed: 14 },
    );
  });

  test('a frustum with any axes, GeoPose frames, names of the draft', () => {
    const feature = (
      members: object,
      name = 'http://www.opengis.net/def/samplingFeatureType/x-CS-TBD/1.0/ViewingFrustum',
    ) => ({
      type: 'Feature',
      properties: { featureType: name, fov: 46, aspectRatio: 1.33, ...members },
    });
    const angles = { yaw: 123, pitch: -2, roll: 0 };
    const ned = { type: 'RelativePose', referenceFrame: 'http://www.opengis.net/def/cs/OGC/0/NED', angles };
    const read = (members: object) => fromViewingFrustum(feature(members))!.view;
    const looking = { azimuthDeg: 123, tiltDeg: -2, rollDeg: 0 };
    expect(same(read({ pose: ned }), looking)).toBe(true);
    expect(
      same(read({ pose: ned, frustumAxis: 'Y', upAxis: '-Z' }), { azimuthDeg: 213, tiltDeg: 0, rollDeg: -2 }, 1e-6),
    ).toBe(true);
    expect(
      same(read({ pose: ned, frustumAxis: '-X', upAxis: '-Z' }), { azimuthDeg: 303, tiltDeg: 2, rollDeg: 0 }, 1e-6),
    ).toBe(true);
    expect(
      same(read({ pose: ned, frustumAxis: 'Z', upAxis: 'X' }), { azimuthDeg: 303, tiltDeg: -88, rollDeg: 180 }, 1e-6),
    ).toBe(true);
    const enu = { type: 'GeoPose', position: {}, angles: { yaw: -33, pitch: 2, roll: 0 } };
    expect(same(read({ pose: enu }), looking)).toBe(true);
    expect(
      same(read({ pose: enu, frustumAxis: '-Y', upAxis: 'Z' }), { azimuthDeg: 213, tiltDeg: 0, rollDeg: -2 }, 1e-6),
    ).toBe(true);
    expect(same(read({ pose: { ...ned, type: 'GeoPose', ltpReferenceFrame: '…/NED' } }), looking)).toBe(true);
    expect(fromViewingFrustum(feature({ pose: ned }, 'cs:ViewingFrustum'))?.heightM).toBeUndefined();
    expect(fromViewingFrustum(feature({ pose: { ...ned, position: { z: -7 } } }))?.heightM).toBe(7);
    expect(fromViewingFrustum(feature({ pose: ned, aspectRatio: undefined }))?.view.lens).toBe('fisheye');
    for (const other of [null, [], 'x', feature({}), feature({ pose: ned }, 'other'), { properties: null }]) {
      expect(fromViewingFrustum(other)).toBeNull();
      expect(fromSphericalSector(other)).toBeNull();
    }
  });

  test('sectors by the text of the draft, past 360 and turned by a pose', () => {
    const sector = (members: object) =>
      fromSphericalSector({
        properties: { featureType: 'cs:SphericalSector', radius: 50, innerRadius: 2, ...members },
      })!.ptz;
    expect(sector({ minAzimuth: 300, maxAzimuth: 420 })).toMatchObject({ azimuthMinDeg: 300, azimuthMaxDeg: 60 });
    expect(sector({})).toEqual({ azimuthMinDeg: 0, azimuthMaxDeg: 360, tiltMinDeg: -90, tiltMaxDeg: 90 });
    const pose = { type: 'RelativePose', angles: { yaw: 10, pitch: 0, roll: 0 } };
    expect(sector({ minAzim: 0, maxAzim: 90, pose })).toMatchObject({ azimuthMinDeg: 10, azimuthMaxDeg: 100 });
  });

  test('roll beyond ±90 is none that ArcGIS knows; unknown stays unknown', () => {
    expect(toOrientedImagery({ view: { rollDeg: 91 } })).toBeNull();
    expect(toOrientedImagery({ view: {} })).toMatchObject({ CameraHeading: -999, CameraPitch: undefined });
    expect(fromOrientedImagery({ CameraHeading: -999, CameraPitch: 60, NearDistance: 0 }).view).toMatchObject({
      azimuthDeg: undefined,
      tiltDeg: -30,
      nearM: 0,
      farM: undefined,
    });
  });

  test.each([
    ['-30', 330],
    ['360', 0],
    ['SSW', 202.5],
    ['nw', 315],
    ['45°', 45],
    ['270230', null],
    ['NB', null],
    ['forward', null],
    ['', null],
    ['79;230', null],
  ] as const)('direction %j of OpenStreetMap is %s', (text, azimuth) => {
    expect(fromOsmTags({ 'camera:direction': text }).azimuthDeg).toBe(azimuth);
    expect(fromOsmTags({ direction: text }).azimuthDeg).toBe(azimuth);
  });

  test('ranges, tilts and heights of OpenStreetMap', () => {
    const fixed = fromOsmTags({
      'camera:direction': '350-50',
      'camera:type': 'fixed',
      'camera:angle': '15',
      height: "12'",
    });
    expect(fixed).toMatchObject({ azimuthDeg: 20, hfovDeg: 60, spanDeg: 60, tiltDeg: -15, mobility: 'fixed' });
    expect(fixed.heightM).toBeCloseTo(3.6576, 9);
    expect(fromOsmTags({ 'camera:direction': '0-270', 'camera:type': 'fixed' }).azimuthDeg).toBeNull();
    expect(fromOsmTags({ 'camera:direction': '270-90', 'camera:type': 'panning' })).toMatchObject({
      azimuthDeg: null,
      middleDeg: 0,
      rangeDeg: [270, 90],
    });
    expect(fromOsmTags({ height: '6 m' }).heightM).toBe(6);
    expect(fromOsmTags({ height: 'tall', 'camera:angle': 'down' })).toMatchObject({ heightM: null, tiltDeg: null });
  });
});
