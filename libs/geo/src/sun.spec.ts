import { describe, expect, test } from '@jest/globals';
import type { LonLat } from './camera.js';
import { sunElevationDeg } from './sun.js';

describe('the height of the sun', () => {
  // By the definitions of solstice, equinox and pole; times by the equation of time.
  test.each<[string, LonLat, string, number]>([
    ['at noon of the June solstice above the Tropic of Cancer', [0, 23.44], '2026-06-21T12:02:00Z', 90],
    ['at noon of an equinox at the equator', [0, 0], '2026-03-20T12:07:30Z', 90],
    ['at the north pole in June', [0, 90], '2026-06-21T03:00:00Z', 23.44],
    ['at the north pole in December', [77, 90], '2026-12-21T15:00:00Z', -23.44],
    ['at midnight of an equinox at the equator', [0, 0], '2026-03-20T00:07:30Z', -90],
    ['at noon in Tainan in November', [120.29, 23.08], '2026-11-27T03:46:00Z', 90 - 23.08 - 21.1],
  ])('%s', (_what, place, at, expected) => {
    expect(Math.abs(sunElevationDeg(place, Date.parse(at)) - expected)).toBeLessThan(0.4);
  });

  // NOAA's solar calculator: apparent sunrise, refraction and the sun's half diameter included, is at -0.83 degrees.
  test.each<[string, LonLat, string]>([
    ['London, 1 May 2020', [-0.1278, 51.5074], '2020-05-01T04:33:00Z'],
    ['Tainan, 27 November 2026', [120.29, 23.08], '2026-11-26T22:19:00Z'],
    ['Vancouver, 21 December 2026, sunset', [-123.12, 49.28], '2026-12-22T00:16:00Z'],
  ])('is about -0.8 at the rim of the day: %s', (_where, place, at) => {
    expect(Math.abs(sunElevationDeg(place, Date.parse(at)) + 0.83)).toBeLessThan(0.4);
  });

  test('is a height, wherever and whenever', () => {
    for (let i = 0; i < 500; i += 1) {
      const place: LonLat = [((i * 37) % 361) - 180, ((i * 53) % 181) - 90];
      const height = sunElevationDeg(place, i * 9e9);
      expect(height >= -90 && height <= 90).toBe(true);
    }
  });
});
