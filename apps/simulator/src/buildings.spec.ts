import { describe, expect, test } from '@jest/globals';
import { type Building, occluderOf, sight } from '#geo';
import { buildingsOf } from './buildings.js';
import { BUILDING, HOUSES_DATE, MARKERS } from './layout.js';
import { STREET } from './street.js';
import { buildWorld } from './world.js';

const { houses } = buildWorld(
  STREET.map(({ pose }) => pose.position),
  1,
);
const { features } = buildingsOf(houses);

describe('houses as data', () => {
  test('every house is one closed ring of five positions with its height, anticlockwise as GeoJSON wants', () => {
    expect(features).toHaveLength(houses.length);
    for (const [i, { properties, geometry }] of features.entries()) {
      const [ring = []] = geometry.coordinates;
      expect(ring).toHaveLength(5);
      expect(ring[0]).toEqual(ring[4]);
      const area = ring.slice(1).reduce((sum, [x, y], k) => sum + ring[k]![0] * y - x * ring[k]![1], 0);
      expect(area).toBeGreaterThan(0);
      expect(properties.heightM).toBeCloseTo(houses[i]!.heightM, 6);
    }
  });

  test('the building of section 11 is among them, to a centimetre', () => {
    const { west, south, east, north, heightM } = BUILDING;
    const ring = features[0]?.geometry.coordinates[0] ?? [];
    expect(features[0]?.properties).toEqual({ heightM });
    for (const [i, [lon, lat]] of [[west, south] as const, [east, south] as const, [east, north] as const].entries()) {
      expect(Math.abs(ring[i]![0] - lon)).toBeLessThan(1.1e-7);
      expect(Math.abs(ring[i]![1] - lat)).toBeLessThan(1.1e-7);
    }
  });

  test('the building of section 11 hides P1 from C; no other house hides a marker from a camera', () => {
    const prisms = features.map(({ properties, geometry }): Building => ({
      rings: geometry.coordinates,
      baseM: 0,
      topM: properties.heightM,
    }));
    const words = (standing: readonly Building[]): string[] =>
      STREET.flatMap(({ document }) =>
        MARKERS.map(({ name, position }) => {
          const occlude = occluderOf({ buildings: { prisms: standing, date: HOUSES_DATE } });
          const { sees, reason } = sight(document, { position }, { atMs: 0, occlude });
          return `${document.localId} ${name} ${sees ? 'yes' : String(reason)}`;
        }),
      );
    const [without, within] = [words([]), words(prisms)];
    expect(within.filter((word, i) => word !== without[i])).toEqual(['C P1 occluded_by_building']);
    expect(words(prisms.slice(1))).toEqual(without);
    expect(within.filter((word) => word.endsWith(' yes'))).toEqual([
      '497 P1 yes',
      '44 P2 yes',
      '1715 upper canal yes',
      'B P1 yes',
      'D junction yes',
      'L Fuxing Road yes',
    ]);
  });
});
