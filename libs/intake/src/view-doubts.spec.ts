import { describe, expect, test } from '@jest/globals';
import { intake } from './intake.js';

/** Codes and suggestions of warnings about views, row by row. */
function doubts(...views: readonly object[]): (string | undefined)[][] {
  const rows = views.map((view, i) => ({
    localId: String(i),
    name: `Camera ${i}`,
    location: { type: 'Point', coordinates: [120 + i / 100, 23] },
    services: [{ kind: 'snapshot', url: `http://10.1.2.3/${i}.jpg` }],
    view,
  }));
  const bytes = new TextEncoder().encode(JSON.stringify(rows));
  const result = intake('json', bytes, { authority: { slug: 'wra' }, now: Date.now() });
  if ('refused' in result) throw new Error(result.refused.detail);
  return result.rows.map(({ problems }) => problems.flatMap(({ code, suggestion }) => [code, suggestion]));
}

describe('tilts counted from the nadir', () => {
  test('are suspected where every tilt of a file lies about 90, and nothing is changed', () => {
    expect(doubts({ tiltDeg: 70 }, { tiltDeg: 88 }, { tiltDeg: 90 }, {})).toEqual([
      ['tilt_looks_converted', '-20'],
      ['tilt_looks_converted', '-2'],
      ['tilt_looks_converted', '0'],
      [],
    ]);
  });

  test('are not suspected of one camera, nor where one looks down', () => {
    expect(doubts({ tiltDeg: 70 }, { tiltDeg: 80 })).toEqual([[], []]);
    expect(doubts({ tiltDeg: 70 }, { tiltDeg: 80 }, { tiltDeg: -5 })).toEqual([[], [], []]);
  });
});

describe('angles that do not fit the picture', () => {
  const view = { hfovDeg: 60, imageWidthPx: 1_920, imageHeightPx: 1_080 };
  test('are named', () => {
    expect(doubts({ ...view, vfovDeg: 60 })).toEqual([['fov_aspect_mismatch', undefined]]);
  });

  test('within a tenth, of another lens, or of an unknown picture are not', () => {
    expect(doubts({ ...view, vfovDeg: 34 }, { ...view, vfovDeg: 36 })).toEqual([[], []]);
    expect(doubts({ ...view, vfovDeg: 60, lens: 'fisheye' }, { hfovDeg: 60, vfovDeg: 60 })).toEqual([[], []]);
  });
});
