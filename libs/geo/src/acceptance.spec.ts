import { describe, expect, test } from '@jest/globals';
import geographiclib from 'geographiclib-geodesic';
import {
  areaCoverage,
  clearOver,
  modelOf,
  type Surroundings,
  type Building,
  coverageViewOf,
  footprintFeature,
  footprintOf,
  fromGeoPose,
  fromOrientedImagery,
  fromOsmTags,
  fromSphericalSector,
  fromViewingFrustum,
  type GeoCamera,
  groundDistance,
  HeightArray,
  knownOf,
  levelOf,
  lineCoverage,
  lineOfSight,
  LocalFrame,
  type LonLat,
  occluderOf,
  type Sight,
  sight,
  toGeoPose,
  toOrientedImagery,
  toSphericalSector,
  toViewingFrustum,
  turningFootprint,
  turningOf,
  type View,
} from './index.js';

// Numbers of the acceptance list (view.md, "Done means"): T follow two published studies with synthetic coordinates.

const RAD = Math.PI / 180;
const NOW = Date.parse('2026-01-01T00:00:00Z');

const P1: LonLat = [120.295, 23.079];
const P2: LonLat = [120.298904, 23.079];

/** The place at a bearing and ground distance. */
function at(origin: LonLat, bearingDeg: number, groundM: number): LonLat {
  return new LocalFrame(origin).toLonLat(groundM * Math.sin(bearingDeg * RAD), groundM * Math.cos(bearingDeg * RAD));
}

function look(camera: GeoCamera, bearingDeg: number, groundM: number, heightM = 0): Sight {
  return sight(camera, { position: at(camera.location.coordinates, bearingDeg, groundM), heightM }, { atMs: NOW });
}

/** Vertices of the footprint as bearing and ground distance. */
function corners(camera: GeoCamera): { bearing: number; m: number; position: LonLat }[] {
  const frame = new LocalFrame(camera.location.coordinates);
  return footprintOf(camera)!
    .geometry.coordinates.flat(2)
    .map((position) => {
      const { e, n } = frame.toEnu(position, 0);
      return { bearing: (Math.atan2(e, n) / RAD + 360) % 360, m: Math.hypot(e, n), position };
    });
}

function hasCorner(camera: GeoCamera, bearing: number, m: number): void {
  const best = Math.min(...corners(camera).map((c) => Math.hypot(c.m - m, ((c.bearing - bearing) * RAD * m) / 1)));
  // Seven decimals of a degree are a centimetre.
  expect(best).toBeLessThan(0.02);
}

const OGC: LonLat = [103.868811, 1.327909];
const T04: GeoCamera = {
  location: { coordinates: OGC },
  heightM: 6,
  view: {
    azimuthDeg: 123,
    tiltDeg: -2,
    hfovDeg: 46,
    vfovDeg: (2 * Math.atan(Math.tan(23 * RAD) / 1.33)) / RAD,
    farM: 50,
  },
};

describe('places and distances', () => {
  const cameras: Record<string, LonLat> = {
    1639: [120.290608, 23.079451],
    497: [120.296464, 23.077916],
    44: [120.297928, 23.080806],
  };
  const near = (place: LonLat, radiusM: number) =>
    Object.entries(cameras)
      .map(([id, position]) => [id, groundDistance(place, position)] as const)
      .filter(([, m]) => m <= radiusM)
      .sort((a, b) => a[1] - b[1])
      .map(([id, m]) => `${id} ${m.toFixed(1)}`);

  test('T-01: order and distances about two places', () => {
    expect(near(P1, 500)).toEqual(['497 192.1', '44 360.6', '1639 452.8']);
    expect(near(P2, 500)).toEqual(['44 223.6', '497 277.3']);
  });

  test('T-02, T-03: metres on the ellipsoid, not units of a map', () => {
    expect(groundDistance(P1, [120.295, 23.083506])).toBeCloseTo(499.0, 1);
    expect(groundDistance(P1, [120.295, 23.074476])).toBeCloseTo(501.0, 1);
    expect(groundDistance(P1, [120.295, 23.083334])).toBeCloseTo(480.0, 1);
  });

  test('ground distance agrees with Karney on a hundred lines, the whole globe over', () => {
    const geodesic = geographiclib.Geodesic.WGS84;
    for (let i = 0; i < 100; i++) {
      const a: LonLat = [((i * 37) % 360) - 180, ((i * 53) % 179) - 89.3];
      const b: LonLat = [((i * 71 + i * i) % 340) - 170, ((i * 29) % 160) - 80.1];
      const wanted = geodesic.Inverse(a[1], a[0], b[1], b[0]).s12!;
      const isOpposite = wanted > 19_900_000;
      expect(Math.abs(groundDistance(a, b) - wanted)).toBeLessThan(isOpposite ? 0.006 * wanted : 1e-3);
    }
    expect(groundDistance(P1, P1)).toBe(0);
    expect(groundDistance([0, 0], [180, 0])).toBeGreaterThan(19_900_000);
    expect(groundDistance([179.9995, 10], [-179.9995, 10])).toBeCloseTo(geodesic.Inverse(10, 0, 10, 0.001).s12!, 4);
  });
});

describe('T-04: the camera of the OGC example', () => {
  test('footprint', () => {
    expect(knownOf(T04).vfovDeg).toBeCloseTo(35.4, 2);
    const footprint = footprintOf(T04)!;
    expect(footprint.groundNearM).toBeCloseTo(16.757, 3);
    expect(footprint.groundFarM).toBeCloseTo(49.639, 3);
    expect(footprint.clamped).toBe(true);
    hasCorner(T04, 99.755, 18.237);
    hasCorner(T04, 146.245, 18.237);
    hasCorner(T04, 99.918, 49.639);
    hasCorner(T04, 146.082, 49.639);
    const positions = corners(T04).map(({ position }) => position.join(' '));
    expect(positions).toEqual(expect.arrayContaining(['103.8692504 1.3278317', '103.8690599 1.3275365']));
    expect(at(OGC, 123, 49.639).map((deg) => deg.toFixed(7))).toEqual(['103.8691851', '1.3276645']);
  });

  test.each([
    [123, 40, 0, null],
    [101, 40, 0, null],
    [145, 40, 0, null],
    [123, 18, 0, null],
    [99, 40, 0, 'left_of_view'],
    [147, 40, 0, 'right_of_view'],
    [123, 51, 0, 'out_of_range'],
    [123, 15, 0, 'below_view'],
    [303, 20, 0, 'behind'],
    [123, 30, 20, 'above_view'],
  ] as const)('bearing %d, %d m, %d m up: %s', (bearing, m, up, reason) => {
    expect(look(T04, bearing, m, up)).toMatchObject({ sees: reason === null, reason });
  });

  test('too near, and in the camera itself', () => {
    const camera = { ...T04, view: { ...T04.view, nearM: 20 } };
    expect(look(camera, 123, 18).reason).toBe('too_near');
    expect(look(T04, 0, 0, 6).reason).toBe('too_near');
  });

  test('other systems, there and back', () => {
    const pose = { azimuthDeg: 123, tiltDeg: -2, rollDeg: 0 };
    const geoPose = toGeoPose(OGC, 6, pose);
    expect(geoPose.angles).toEqual({ yaw: -33, pitch: 2, roll: 0 });
    expect(fromGeoPose(geoPose)).toEqual(pose);
    const arcgis = toOrientedImagery(T04)!;
    expect(arcgis.CameraPitch).toBe(88);
    const back = fromOrientedImagery(arcgis);
    expect(back.view).toMatchObject({ azimuthDeg: 123, tiltDeg: -2 });
    expect(back.view.farM).toBeCloseTo(50, 9);
    const frustum = toViewingFrustum(T04)!;
    expect(frustum.properties).toMatchObject({
      pose: { angles: { yaw: 123, pitch: -2, roll: 0 }, position: { z: -6 } },
      frustumAxis: 'X',
      upAxis: '-Z',
      fov: 46,
      length: 50,
    });
    expect(frustum.properties.aspectRatio).toBeCloseTo(1.33, 12);
    const again = fromViewingFrustum(JSON.parse(JSON.stringify(frustum)))!;
    expect(again).toMatchObject({ heightM: 6, view: { ...pose, hfovDeg: 46, farM: 50 } });
    expect(again.view.vfovDeg).toBeCloseTo(T04.view!.vfovDeg!, 9);
  });
});

describe('footprints', () => {
  const camera = (location: LonLat, heightM: number, view: View): GeoCamera => ({
    location: { coordinates: location },
    heightM,
    view,
  });

  test('T-05: wholly below the horizon', () => {
    const c = camera(P1, 8, { azimuthDeg: 225, tiltDeg: -35, hfovDeg: 50, vfovDeg: 30, farM: 200 });
    const footprint = footprintOf(c)!;
    expect(footprint).toMatchObject({ clamped: false, farDerived: false, completeness: 'frustum' });
    expect(footprint.groundNearM).toBeCloseTo(6.713, 3);
    expect(footprint.groundFarM).toBeCloseTo(21.98, 3);
    expect(footprint.areaM2).toBeCloseTo(232.66, 2);
    for (const [bearing, m] of [
      [189.98, 8.197],
      [260.02, 8.197],
      [199.39, 24.374],
      [250.61, 24.374],
    ] as const) {
      hasCorner(c, bearing, m);
    }
    expect([6.5, 7, 21.9, 22.1].map((m) => look(c, 225, m).sees)).toEqual([false, true, true, false]);
  });

  test('T-06: across the horizon, cut by the far end', () => {
    const c = camera(P1, 6, { azimuthDeg: 90, tiltDeg: -20, hfovDeg: 60, vfovDeg: 34, farM: 100 });
    const footprint = footprintOf(c)!;
    expect(footprint.clamped).toBe(true);
    expect(footprint.groundNearM).toBeCloseTo(7.962, 3);
    expect(footprint.groundFarM).toBeCloseTo(99.82, 3);
    expect(footprint.areaM2).toBeCloseTo(5106.8, 1);
    const beyond = footprintOf(camera(P1, 6, { ...c.view, farM: 200 }))!;
    expect(beyond.groundFarM).toBeCloseTo(114.49, 2);
    const positions = corners(c);
    for (const [bearing, lon, lat] of [
      [60.921, 120.295851, 23.079438],
      [119.079, 120.295851, 23.078562],
    ] as const) {
      hasCorner(c, bearing, 99.82);
      expect(positions.some(({ position: p }) => Math.abs(p[0] - lon) < 6e-7 && Math.abs(p[1] - lat) < 6e-7)).toBe(
        true,
      );
    }
  });

  test('T-07: steep and wide, where a wedge of azimuth ± hfov/2 is wrong', () => {
    const c = camera(P1, 4, { azimuthDeg: 0, tiltDeg: -30, hfovDeg: 106, vfovDeg: 70, farM: 25 });
    expect(footprintOf(c)!.groundNearM).toBeCloseTo(1.865, 3);
    hasCorner(c, 68.755, 5.148);
    hasCorner(c, 291.245, 5.148);
    hasCorner(c, 53.02, 24.678);
    hasCorner(c, 306.98, 24.678);
    expect(look(c, 65, 4.8).sees).toBe(true);
    expect([1.5, 2, 24.6, 24.7, 26].map((m) => look(c, 0, m).sees)).toEqual([false, true, true, false, false]);
  });

  test('nothing on the ground: null, completeness stays', () => {
    const high = camera(P1, 30, { azimuthDeg: 0, tiltDeg: 20, hfovDeg: 20, vfovDeg: 10, farM: 100 });
    expect(footprintOf(high)).toBeNull();
    expect(footprintOf(camera(P1, 30, { ...high.view, tiltDeg: -20, farM: 29 }))).toBeNull();
    expect(footprintFeature(high, '2026-01-01T00:00:00Z')).toEqual({
      type: 'Feature',
      geometry: null,
      properties: {
        areaM2: 0,
        groundNearM: null,
        groundFarM: null,
        clamped: false,
        farDerived: false,
        completeness: 'frustum',
        computedAt: '2026-01-01T00:00:00Z',
      },
    });
  });
});

test('T-08: metres for each level, and both words for a density', () => {
  const view = { focalMm: 4, sensorWidthMm: 5.4, imageWidthPx: 1920, imageHeightPx: 1080 };
  const known = knownOf({ view, heightM: 6 });
  expect(known.hfovDeg).toBeCloseTo(68.04, 2);
  expect(known.fxPx).toBeCloseTo(1422.2, 1);
  const metres = [20, 40, 80, 125, 250, 500, 1500].map((px) => known.fxPx! / px);
  expect(metres.map((m, i) => m.toFixed(i === 6 ? 2 : 1))).toEqual([
    '71.1',
    '35.6',
    '17.8',
    '11.4',
    '5.7',
    '2.8',
    '0.95',
  ]);
  const density = knownOf({ view: { ...T04.view, imageWidthPx: 1920 }, heightM: 6 }).fxPx! / 50;
  expect(density).toBeCloseTo(45.2, 1);
  expect(levelOf(density)).toEqual({ iec2025: 'outline', dori2014: 'detect' });
  expect(levelOf(19.99)).toEqual({ iec2025: 'none', dori2014: 'monitor' });
  expect(levelOf(1500)).toEqual({ iec2025: 'scrutinise', dori2014: 'inspect' });
});

describe('T-09: three cameras and a house', () => {
  const wide: View = {
    tiltDeg: -10,
    hfovDeg: 60,
    vfovDeg: 35.98,
    farM: 200,
    imageWidthPx: 1920,
    azimuthDeg: 270,
    source: 'survey',
  };
  const A: GeoCamera = {
    location: { coordinates: [120.294414, 23.079] },
    heightM: 6,
    view: wide,
    positionSource: 'survey',
  };
  const C: GeoCamera = { ...A, location: { coordinates: [120.295878, 23.079] } };
  const B: GeoCamera = {
    location: { coordinates: [120.295, 23.080987] },
    heightM: 8,
    positionSource: 'survey',
    view: {
      azimuthDeg: 180,
      tiltDeg: -5,
      hfovDeg: 30,
      vfovDeg: 17.14,
      farM: 300,
      imageWidthPx: 3840,
      source: 'survey',
    },
  };
  const house: Building = {
    rings: [
      [
        [120.29539, 23.07891],
        [120.295488, 23.07891],
        [120.295488, 23.07909],
        [120.29539, 23.07909],
        [120.29539, 23.07891],
      ],
    ],
    baseM: 0,
    topM: 10,
  };

  test('who sees P1, and how well', () => {
    const [a, b, c] = [A, B, C].map((camera) => sight(camera, { position: P1 }, { atMs: NOW })) as [
      Sight,
      Sight,
      Sight,
    ];
    expect([a, c, b].map(({ distanceM }) => distanceM.toFixed(1))).toEqual(['60.0', '90.0', '220.1']);
    expect(a).toMatchObject({ sees: false, reason: 'behind', certainty: null, pxPerM: null });
    expect(b.pxPerM).toBeCloseTo(32.6, 1);
    expect(b.level).toEqual({ iec2025: 'overview', dori2014: 'detect' });
    expect(c.pxPerM).toBeCloseTo(18.5, 1);
    expect(c.level).toEqual({ iec2025: 'none', dori2014: 'monitor' });
    expect(b.occlusion).toEqual({ model: 'none_computed', modelDate: null, result: 'unknown' });
  });

  test('behind a house of 10 m', () => {
    const occlude = occluderOf({ buildings: { prisms: [house], date: '2025-06-01' } });
    const [b, c] = [B, C].map((camera) => sight(camera, { position: P1 }, { atMs: NOW, occlude })) as [Sight, Sight];
    const occlusion = { model: 'buildings', modelDate: '2025-06-01' };
    expect(b).toMatchObject({ sees: true, occlusion: { ...occlusion, result: 'clear' } });
    expect(c).toMatchObject({
      sees: false,
      reason: 'occluded_by_building',
      occlusion: { ...occlusion, result: 'blocked' },
    });
    // The line is 3.33 m high at the far wall of the house: one of 3.3 m does not hide the place, one of 3.4 m does.
    const hides = (topM: number): boolean =>
      !sight(
        C,
        { position: P1 },
        { atMs: NOW, occlude: occluderOf({ buildings: { prisms: [{ ...house, topM }], date: null } }) },
      ).sees;
    expect([hides(2.6), hides(3.3), hides(3.4)]).toEqual([false, true, true]);
  });
});

test('T-10: a line that falls from 4 to 3 m over an obstacle', () => {
  const from: LonLat = P1;
  const east = (m: number, n: number): LonLat => new LocalFrame(from).toLonLat(m, n);
  const wall = (topM: number): Building => ({
    rings: [[east(20, -5), east(30, -5), east(30, 5), east(20, 5)]],
    baseM: 0,
    topM,
  });
  const line = { from, fromZM: 6, to: east(60, 0), toZM: 0, lengthM: 60 };
  const result = (topM: number) => occluderOf({ buildings: { prisms: [wall(topM)], date: null } })(line).result;
  expect([2.5, 2.99, 3.01, 5].map(result)).toEqual(['clear', 'clear', 'blocked', 'blocked']);
});

test('T-11: directions of OpenStreetMap', () => {
  const holds = (range: string, azimuth: number): boolean => {
    const { rangeDeg } = fromOsmTags({ 'camera:direction': range, 'camera:type': 'panning' });
    const [from, to] = rangeDeg!;
    const ptz = { azimuthMinDeg: from, azimuthMaxDeg: to };
    const camera = { location: { coordinates: P1 }, heightM: 6, mobility: 'panning', ptz, view: { farM: 50 } };
    return look(camera, azimuth, 20).sees;
  };
  expect([holds('90-270', 180), holds('90-270', 0)]).toEqual([true, false]);
  expect([holds('270-90', 180), holds('270-90', 0)]).toEqual([false, true]);
  for (const all of ['0-360', '0-359']) expect([0, 90, 180, 359.5].every((azimuth) => holds(all, azimuth))).toBe(true);
  expect(fromOsmTags({ 'camera:direction': 'NE' }).azimuthDeg).toBe(45);
  expect(fromOsmTags({ 'camera:direction': 'street' }).azimuthDeg).toBeNull();
});

test('T-12: a sector of turning', () => {
  const camera: GeoCamera = {
    location: { coordinates: OGC },
    heightM: 6,
    mobility: 'ptz',
    ptz: { azimuthMinDeg: 23, azimuthMaxDeg: 223, tiltMinDeg: -90, tiltMaxDeg: 25 },
    view: { farM: 50 },
  };
  expect(look(camera, 123, 40)).toMatchObject({ sees: true, basis: 'reach', certainty: 'certain', pxPerM: null });
  expect(look(camera, 300, 40)).toMatchObject({ sees: false, basis: 'reach' });
  const sector = toSphericalSector(camera)!;
  expect(sector.properties).toMatchObject({ radius: 50, minAzim: 23, maxAzim: 223, minElev: -90, maxElev: 25 });
  expect(fromSphericalSector(JSON.parse(JSON.stringify(sector)))).toEqual({
    ptz: camera.ptz,
    view: { nearM: 0, farM: 50 },
    heightM: 6,
  });
  const [[ring]] = turningFootprint(turningOf(camera)!, 6, RAD) as [[number[]]];
  expect(ring.length / 2).toBeGreaterThan(200);
});

test('T-16: completeness, step by step', () => {
  const camera = (view: View, heightM?: number): GeoCamera => ({ location: { coordinates: P1 }, view, heightM });
  const steps: [GeoCamera, string, string | null][] = [
    [{ location: { coordinates: P1 } }, 'point', 'no_view'],
    [camera({ tiltDeg: -10, hfovDeg: 60, farM: 100 }, 6), 'point', 'no_view'],
    [camera({ azimuthDeg: 90 }), 'direction', 'no_view'],
    [camera({ azimuthDeg: 90, hfovDeg: 60 }), 'direction', 'no_view'],
    [camera({ azimuthDeg: 90, hfovDeg: 60, farM: 100 }), 'sector', null],
    [camera({ azimuthDeg: 90, hfovDeg: 60, farM: 100, tiltDeg: -10, vfovDeg: 34 }, 6), 'frustum', null],
  ];
  for (const [each, completeness, reason] of steps) {
    expect(knownOf(each).completeness).toBe(completeness);
    const seen = look(each, 90, 30);
    expect(seen.reason).toBe(reason);
    if (reason === null) expect(seen.certainty).toBe(completeness === 'sector' ? 'possible' : 'probable');
    else expect([footprintOf(each), seen.sees, seen.level]).toEqual([null, false, null]);
  }
  expect(toViewingFrustum(steps[0]![0])).toBeNull();
  const sector = steps[4]![0];
  expect(footprintOf(sector)!.areaM2).toBeCloseTo((Math.PI * 100 ** 2) / 6, -1);
  expect(look(sector, 200, 30).reason).toBe('behind');
  expect(look(sector, 55, 30).reason).toBe('left_of_view');
  expect(look(sector, 90, 101).reason).toBe('out_of_range');
  expect(knownOf(camera({ azimuthDeg: 90, tiltDeg: 0, hfovDeg: 180, vfovDeg: 60, farM: 10 }, 6)).missing).toEqual([
    '/view/hfovDeg',
    '/view/vfovDeg',
  ]);
});

test('a far end that only follows from the lens is at most probable', () => {
  const view: View = {
    azimuthDeg: 0,
    tiltDeg: -10,
    hfovDeg: 60,
    imageWidthPx: 1920,
    imageHeightPx: 1080,
    source: 'survey',
  };
  const camera: GeoCamera = { location: { coordinates: P1 }, heightM: 6, positionSource: 'survey', view };
  const known = knownOf(camera);
  expect(known).toMatchObject({ farDerived: true, completeness: 'frustum' });
  expect(known.farM).toBeCloseTo(960 / Math.tan(30 * RAD) / 5, 9);
  expect(look(camera, 0, 40)).toMatchObject({ sees: true, certainty: 'probable', farDerived: true });
  expect(look({ ...camera, view: { ...view, farM: 300 } }, 0, 40).certainty).toBe('certain');
  expect(knownOf({ view: { hfovDeg: 60, imageWidthPx: 100 }, heightM: 6 }).farM).toBe(30);
  expect(knownOf({ view: { hfovDeg: 1, imageWidthPx: 3840 }, heightM: 6 }).farM).toBe(2000);
});

test('V-02: how far flat ground is seen over the curve of the earth', () => {
  const flat = new HeightArray(2, 600, new Float32Array(1200));
  const lastSeen = (eyeM: number): number => {
    let last = 0;
    for (let post = 1; post < 600; post++) {
      const options = { lengthM: 20 * post, curvature: 6 / 7, earthRadiusM: 6371008.8 };
      const line = lineOfSight(flat, { column: 0, row: 0, zM: eyeM }, { column: 0, row: post, zM: 0 }, options);
      if (line.result === 'clear') last = 20 * post;
    }
    return last;
  };
  expect([lastSeen(3), lastSeen(5)]).toEqual([6680, 8620]);
});

describe('V-03: how sure', () => {
  const sure: GeoCamera = {
    ...T04,
    positionSource: 'survey',
    positionAccuracyM: 0.3,
    view: { ...T04.view, source: 'survey', azimuthAccuracyDeg: 3 },
  };
  const unsure: GeoCamera = { ...T04, positionSource: 'unknown', view: { ...T04.view, source: 'unknown' } };
  test.each([
    [sure, 123, 'certain', null],
    [sure, 101, 'probable', null],
    [sure, 99, 'possible', null],
    [sure, 95, 'possible', null],
    [sure, 85, null, 'left_of_view'],
    [unsure, 123, 'probable', null],
    [unsure, 101, 'probable', null],
    [unsure, 99, null, 'left_of_view'],
  ] as const)('%#', (...[camera, bearing, certainty, reason]) => {
    const seen = look(camera, bearing, 40);
    expect(seen).toMatchObject({ sees: certainty !== null, certainty, reason });
    if (certainty === 'possible') {
      expect(seen.pixel).toBeNull();
      expect(seen.edgeMarginDeg).toBeLessThan(0);
    }
  });
});

test('a declared position widens a view nearby, an undeclared one never', () => {
  const off = (positionAccuracyM: number | undefined, m: number) =>
    look({ ...T04, positionSource: 'geocoded', positionAccuracyM }, 97, m).certainty;
  expect([off(2, 40), off(2, 20), off(undefined, 20)]).toEqual(['possible', 'possible', null]);
  expect([off(0.5, 40), off(0.5, 20)]).toEqual([null, 'possible']);
});

describe('turning cameras', () => {
  const ptz: GeoCamera = { location: { coordinates: P1 }, heightM: 6, mobility: 'ptz', view: { farM: 100 } };
  const target = { position: at(P1, 90, 40) };

  test('V-08: without limits at most possible; without a view no current one', () => {
    expect(sight(ptz, target, { atMs: NOW, basis: 'reach' })).toMatchObject({
      sees: true,
      certainty: 'possible',
      basis: 'reach',
    });
    expect(sight(ptz, target, { atMs: NOW, basis: 'current' })).toMatchObject({
      sees: false,
      reason: 'no_view',
      basis: 'current',
    });
    expect(sight({ ...ptz, view: {} }, target, { atMs: NOW, basis: 'reach' })).toMatchObject({ reason: 'no_view' });
  });

  test('a pose of five minutes ago is its own, an older one is possible', () => {
    const view: View = { azimuthDeg: 90, tiltDeg: -8, hfovDeg: 60, vfovDeg: 34, farM: 100, source: 'survey' };
    const seen = (agoS: number | null): Sight =>
      sight(
        {
          ...ptz,
          positionSource: 'survey',
          view: { ...view, ...(agoS === null ? {} : { at: new Date(NOW - agoS * 1000).toISOString() }) },
        },
        target,
        { atMs: NOW },
      );
    expect(seen(300)).toMatchObject({ basis: 'current', certainty: 'certain' });
    expect(seen(301).certainty).toBe('possible');
    expect(seen(null).certainty).toBe('possible');
  });

  test('reach commands the camera, and names the preset that shows the place', () => {
    const limits = {
      azimuthMinDeg: 0,
      azimuthMaxDeg: 180,
      tiltMinDeg: -60,
      tiltMaxDeg: 10,
      hfovWideDeg: 60,
      hfovTeleDeg: 4,
    };
    const presets = [
      { id: 'west', azimuthDeg: 270, tiltDeg: -8, hfovDeg: 40, vfovDeg: 24 },
      { id: 'east', azimuthDeg: 92, tiltDeg: -8, hfovDeg: 40, vfovDeg: 24 },
    ];
    const view = { farM: 100, imageWidthPx: 1920, imageHeightPx: 1080 };
    const camera: GeoCamera = { ...ptz, ptz: limits, presets, view };
    const seen = sight(camera, target, { atMs: NOW });
    expect(seen).toMatchObject({ sees: true, basis: 'reach', certainty: 'certain', preset: 'east' });
    expect(seen.command!.azimuthDeg).toBeCloseTo(90, 4);
    expect(seen.command!.tiltDeg).toBeCloseTo(Math.atan2(-6, 40) / RAD, 2);
    expect(seen.command!.hfovDeg).toBeCloseTo(4, 9);
    // Behind the limits only the preset speaks.
    const west = sight(camera, { position: at(P1, 270, 40) }, { atMs: NOW });
    expect(west).toMatchObject({ sees: true, basis: 'preset', preset: 'west' });
  });
});

describe('retired cameras, models and levels of ground', () => {
  test('retired comes first', () => {
    expect(look({ ...T04, lifecycle: 'retired' }, 123, 40)).toMatchObject({
      sees: false,
      reason: 'retired',
      pixel: null,
    });
    expect(look({ location: T04.location, lifecycle: 'retired' }, 123, 40).reason).toBe('retired');
  });

  test('one source of ground at both ends', () => {
    const target = { position: at(OGC, 123, 40) };
    const both = sight(T04, target, { atMs: NOW, groundAt: () => 30 });
    const half = sight(T04, target, { atMs: NOW, groundAt: (position) => (position === OGC ? 30 : null) });
    expect([both.ground, half.ground]).toEqual(['dem', 'flat']);
    expect(both.elevationDeg).toBeCloseTo(half.elevationDeg, 4);
    const down = sight(T04, target, { atMs: NOW, groundAt: (position) => (position === OGC ? 30 : 20) });
    expect(down.reason).toBe('below_view');
  });

  test('terrain blocks; a surface model says "building" where bare earth does not block', () => {
    const grid = (bumpM: number) => {
      const values = new Float32Array(201 * 201);
      for (let column = 0; column < 201; column++) values[80 * 201 + column] = bumpM;
      const step = 1e-5;
      return {
        heights: new HeightArray(201, 201, values),
        first: [OGC[0] - 100 * step, OGC[1] + 100 * step] as const,
        stepLonDeg: step,
        stepLatDeg: step,
        cellM: 1.1,
      };
    };
    const north = { ...T04, view: { ...T04.view, azimuthDeg: 0 } };
    const target = { position: at(OGC, 0, 40) };
    const seen = (terrainM: number | null, dsmM: number | null): Sight =>
      sight(north, target, {
        atMs: NOW,
        occlude: occluderOf({
          ...(terrainM === null ? {} : { terrain: { grid: grid(terrainM), date: '2024' } }),
          ...(dsmM === null ? {} : { dsm: { grid: grid(dsmM), date: '2025' } }),
        }),
      });
    expect(seen(9, null)).toMatchObject({
      reason: 'occluded_by_terrain',
      occlusion: { model: 'terrain', modelDate: '2024' },
    });
    expect(seen(0, null)).toMatchObject({ sees: true, occlusion: { model: 'terrain', result: 'clear' } });
    expect(seen(0, 9)).toMatchObject({
      reason: 'occluded_by_building',
      occlusion: { model: 'dsm', modelDate: '2025' },
    });
    expect(seen(9, 9)).toMatchObject({ reason: 'occluded_by_terrain', occlusion: { model: 'dsm' } });
    // Beyond the raster nobody knows: never a "no".
    const far = { ...north, view: { ...north.view, farM: 500 } };
    const beyond = sight(
      far,
      { position: at(OGC, 0, 200) },
      { atMs: NOW, occlude: occluderOf({ dsm: { grid: grid(9), date: null } }) },
    );
    expect(beyond).toMatchObject({ sees: true, occlusion: { model: 'none_computed', result: 'unknown' } });
  });
});

describe('V-09: coverage', () => {
  const frame = new LocalFrame(P1);
  const ring = (points: [number, number][]): LonLat[] => [...points, points[0]!].map(([e, n]) => frame.toLonLat(e, n));
  const view: View = {
    tiltDeg: -45,
    hfovDeg: 60,
    vfovDeg: 35.9833977714,
    farM: 100,
    imageWidthPx: 1920,
    imageHeightPx: 1080,
  };
  const one = { id: 'one', location: { coordinates: P1 }, heightM: 6, view: { ...view, azimuthDeg: 0 } };
  const two = {
    id: 'two',
    location: { coordinates: frame.toLonLat(-8, 6) },
    heightM: 6,
    view: { ...view, azimuthDeg: 90, tiltDeg: -40 },
  };
  const aoi = [
    [
      ring([
        [-10, 0],
        [15, 0],
        [15, 15],
        [-10, 15],
      ]),
    ],
  ];
  const views = [one, two].map((camera) => coverageViewOf(camera, NOW)!);
  const answer = (k: number, list = views, area: LonLat[][][] = aoi) => {
    const coverage = areaCoverage(area, list, { k, cellM: 0.25 });
    if ('refused' in coverage) throw new Error(coverage.refused);
    return coverage;
  };

  test('two views, k 1 and 2', () => {
    const once = answer(1);
    expect(Math.abs(once.coveredM2 / 147.121039231 - 1)).toBeLessThan(0.02);
    expect(Math.abs(once.uncoveredM2 / 227.878960769 - 1)).toBeLessThan(0.02);
    expect(once.coveredFraction + once.uncoveredFraction).toBeCloseTo(1, 12);
    expect(once.occlusion.model).toBe('none_computed');
    expect(Math.abs(answer(2).coveredM2 / 80.1452667739 - 1)).toBeLessThan(0.02);
  });

  test('a camera counts once, whatever its views', () => {
    const twice = [views[0]!, { ...views[1]!, camera: 'one' }];
    expect(answer(2, twice).coveredM2).toBe(0);
    expect(answer(1, twice).coveredM2).toBe(answer(1).coveredM2);
  });

  test('polygons say what the numbers say, with holes', () => {
    const disc = { ...one, view: { ...view, azimuthDeg: 0, tiltDeg: -90, hfovDeg: 100, vfovDeg: 100, nearM: 7 } };
    const coverage = answer(
      1,
      [coverageViewOf(disc, NOW)!],
      [
        [
          ring([
            [-20, -20],
            [20, -20],
            [20, 20],
            [-20, 20],
          ]),
        ],
      ],
    );
    const area = (polygons: readonly (readonly (readonly LonLat[])[])[]) =>
      polygons.reduce((sum, rings) => sum + rings.reduce((part, each) => part + signed(each), 0), 0);
    const signed = (each: readonly LonLat[]) => {
      const points = each.map((position) => frame.toEnu(position, 0));
      return points.reduce((sum, { e, n }, i) => {
        const next = points[(i + 1) % points.length]!;
        return sum + (e * next.n - next.e * n) / 2;
      }, 0);
    };
    expect(coverage.covered!.coordinates.map((rings) => rings.length)).toEqual([2]);
    expect(area(coverage.covered!.coordinates)).toBeCloseTo(coverage.coveredM2, 0);
    // All round it, and the near disc within it.
    expect(coverage.uncovered!.coordinates.map((rings) => rings.length)).toEqual([2, 1]);
    expect(area(coverage.uncovered!.coordinates)).toBeCloseTo(coverage.uncoveredM2, 0);
  });

  test('a line: half of it in view', () => {
    const line = [[frame.toLonLat(0, 0), frame.toLonLat(0, 10), frame.toLonLat(0, 20)]];
    const coverage = lineCoverage(line, [views[0]!], { cellM: 0.05 })!;
    // From the near to the far edge of the footprint, 3.058 to 11.771 m north.
    expect(coverage.coveredM).toBeCloseTo(11.771 - 3.058, 0);
    expect(coverage.coveredM + coverage.uncoveredM).toBeCloseTo(20, 3);
    expect(coverage.covered!.coordinates).toHaveLength(1);
    const [first, corner, last] = coverage.covered!.coordinates[0]!;
    const norths = [first, corner, last].map((position) => frame.toEnu(position!, 0).n);
    [3.058, 10, 11.771].forEach((north, i) => expect(Math.abs(norths[i]! - north)).toBeLessThan(0.06));
    expect(coverage.uncovered!.coordinates).toHaveLength(2);
    expect(lineCoverage(line, [views[0]!], { minPxPerM: 250, cellM: 0.05 })!.coveredM).toBeLessThan(4);
  });

  test('with terrain, a surface model or a house in the way, less is covered', () => {
    const step = 1e-5;
    const [lon, lat] = P1;
    // A ridge, or a house, 8 to 10 m north of the camera.
    const ridge = (heightM: number) => {
      const values = new Float32Array(81 * 81);
      for (let column = 0; column < 81; column++)
        for (let row = 31; row <= 33; row++) values[row * 81 + column] = heightM;
      const heights = new HeightArray(81, 81, values);
      return {
        heights,
        first: [lon - 40 * step, lat + 40 * step] as const,
        stepLonDeg: step,
        stepLatDeg: step,
        cellM: 1.1,
      };
    };
    const house: Building = {
      rings: [
        ring([
          [-9, 7.7],
          [9, 7.7],
          [9, 10],
          [-9, 10],
        ]),
      ],
      baseM: 0,
      topM: 4,
    };
    const covered = (surroundings: Surroundings) => {
      const coverage = areaCoverage(aoi, [views[0]!], {
        cellM: 0.25,
        clearFrom: clearOver(surroundings),
        model: modelOf(surroundings),
      });
      if ('refused' in coverage) throw new Error(coverage.refused);
      return [coverage.occlusion.model, Math.round(coverage.coveredM2)] as const;
    };
    const [, open] = covered({});
    expect(covered({ terrain: { grid: ridge(0), date: null } })).toEqual(['terrain', open]);
    // Of 96 m² some 44 lie before the ridge, 24 on it and the rest on its slopes and hidden behind it.
    for (const [surroundings, model, least, most] of [
      [{ terrain: { grid: ridge(4), date: null } }, 'terrain', 60, 85],
      [{ dsm: { grid: ridge(4), date: null }, terrain: { grid: ridge(0), date: null } }, 'dsm', 35, 48],
      [{ buildings: { prisms: [house], date: null } }, 'buildings', 40, 47],
      [{ buildings: { prisms: [house], date: null }, terrain: { grid: ridge(0), date: null } }, 'buildings', 40, 47],
    ] as const) {
      const [named, m2] = covered(surroundings);
      expect(named).toBe(model);
      expect(m2).toBeGreaterThan(least);
      expect(m2).toBeLessThan(most);
    }
    expect(open).toBe(96);
  });

  test('an area across the antimeridian, one too large, one of nothing', () => {
    const fiji = new LocalFrame([179.9998, -16.8]);
    const east: LonLat[] = [
      [179.999, -16.801],
      [180, -16.801],
      [180, -16.799],
      [179.999, -16.799],
      [179.999, -16.801],
    ];
    const west: LonLat[] = [
      [-180, -16.801],
      [-179.999, -16.801],
      [-179.999, -16.799],
      [-180, -16.799],
      [-180, -16.801],
    ];
    const camera = {
      ...one,
      location: { coordinates: fiji.origin },
      view: { ...view, azimuthDeg: 90, tiltDeg: -10, vfovDeg: 34 },
    };
    const coverage = areaCoverage([[east], [west]], [coverageViewOf(camera, NOW)!]);
    if ('refused' in coverage) throw new Error(coverage.refused);
    expect(coverage.covered!.coordinates.length).toBeGreaterThan(1);
    expect(coverage.coveredM2).toBeGreaterThan(3000);
    expect(coverage.covered!.coordinates.flat(2).every(([lon]) => Math.abs(lon) <= 180)).toBe(true);
    const large: LonLat[] = [
      [120, 23],
      [120.3, 23],
      [120.3, 23.3],
      [120, 23.3],
      [120, 23],
    ];
    expect(areaCoverage([[large]], views)).toMatchObject({ refused: 'area_too_large' });
    expect(areaCoverage([], views)).toEqual({ refused: 'area_empty', areaM2: 0 });
  });
});
