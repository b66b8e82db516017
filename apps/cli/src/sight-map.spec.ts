import { describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { LocalFrame, type LonLat, type MultiPolygon } from '#geo';
import { type MappedCamera, sightMap } from './sight-map.js';

const CENTRE: LonLat = [120.295, 23.079];
const frame = new LocalFrame(CENTRE);
const at = (eastM: number, northM: number): LonLat => frame.toLonLat(eastM, northM, 0);
const drawnAt = new Date('2026-11-27T06:05:04Z');

const ring = (...corners: readonly (readonly [number, number])[]): [number, number][] =>
  [...corners, corners[0]!].map(([e, n]) => [...at(e, n)] as [number, number]);

/** A square of ground with a square hole in its middle. */
const square = (westM: number, southM: number, sideM: number, holeM = 0): MultiPolygon => {
  const box = (from: number, to: number): [number, number][] =>
    ring(
      [westM + from, southM + from],
      [westM + to, southM + from],
      [westM + to, southM + to],
      [westM + from, southM + to],
    );
  const hole = (sideM - holeM) / 2;
  return { type: 'MultiPolygon', coordinates: [[box(0, sideM), ...(holeM > 0 ? [box(hole, hole + holeM)] : [])]] };
};

const camera = (name: string, position: LonLat, over: Partial<MappedCamera> = {}): MappedCamera => ({
  name,
  authority: 'tainan-wrb',
  position,
  azimuthDeg: 90,
  status: 'online',
  footprint: null,
  reach: null,
  ...over,
});

const draw = (...cameras: readonly MappedCamera[]): string =>
  sightMap(cameras, { centre: CENTRE, radiusM: 1_500, drawnAt }).svg;

/** Where a camera's mark stands, and which way its tip is turned. */
function markOf(svg: string, name: string): { x: number; y: number; turnDeg: number | null } {
  const [, title = '', x = '', y = '', inner = ''] =
    new RegExp(`<g><title>(${name}[^<]*)</title>.*?translate\\(([\\d.]+) ([\\d.]+)\\)">(.*?)</g>`).exec(svg) ?? [];
  if (title === '') throw new Error(`no mark of ${name}`);
  const turn = /rotate\(([\d.]+)\)/.exec(inner)?.[1];
  return { x: Number(x), y: Number(y), turnDeg: turn === undefined ? null : Number(turn) };
}

/** Colour of a pixel as a renderer without media queries paints it. */
async function colourAt(svg: string, x: number, y: number): Promise<readonly number[]> {
  const { data, info } = await sharp(Buffer.from(svg)).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const i = (Math.round(y) * info.width + Math.round(x)) * info.channels;
  return [...data.subarray(i, i + 3)];
}

describe('a map of cameras', () => {
  test('is to scale and has north up: metres between cameras are those of the scale bar', () => {
    const svg = draw(camera('Middle', CENTRE), camera('East', at(700, 0)), camera('North', at(0, 400)));
    const [middle, east, north] = ['Middle', 'East', 'North'].map((name) => markOf(svg, name));
    const [, left, right] = /M([\d.]+) [\d.]+V[\d.]+H([\d.]+)V/.exec(svg.slice(svg.indexOf('class="title"'))) ?? [];
    const metres = Number(/>([\d,]+) m<\/text>/.exec(svg)?.[1]?.replace(',', ''));
    const pxPerM = (Number(right) - Number(left)) / metres;
    expect(pxPerM).toBeGreaterThan(0.1);
    expect((east!.x - middle!.x) / pxPerM).toBeCloseTo(700, 0);
    expect((middle!.y - north!.y) / pxPerM).toBeCloseTo(400, 0);
    expect([east!.y - middle!.y, north!.x - middle!.x].map((px) => Math.abs(px) < 0.11)).toEqual([true, true]);
  });

  test('a tip points where a camera looks; there is none where that is not stated', () => {
    const svg = draw(
      camera('Knows', at(50, 0), { azimuthDeg: 309 }),
      camera('Knows not', at(-50, 0), { azimuthDeg: null }),
    );
    expect(markOf(svg, 'Knows \\(').turnDeg).toBe(309);
    expect(markOf(svg, 'Knows not').turnDeg).toBeNull();
    expect(svg).toContain('where it looks is not stated');
  });

  test('ground is filled in the colour of the status, but for its holes; what a turning camera reaches is dashed', async () => {
    const svg = draw(
      camera('Good', at(-300, 0), { footprint: square(-300, -100, 200, 80) }),
      camera('Bad', at(100, 0), { status: 'offline', footprint: square(100, -100, 200), reach: square(50, -150, 300) }),
    );
    const [good, bad] = [markOf(svg, 'Good'), markOf(svg, 'Bad')];
    const pxPerM = (bad.x - good.x) / 400;
    const look = (eastM: number, northM: number) =>
      colourAt(svg, good.x + (eastM + 300) * pxPerM, good.y - northM * pxPerM);
    const white = [255, 255, 255];
    const [green, hole, red, between] = [
      await look(-275, -75),
      await look(-187, 13),
      await look(275, -75),
      await look(70, -75),
    ];
    expect(green[1]! - green[0]!).toBeGreaterThan(15);
    expect(red[0]! - red[1]!).toBeGreaterThan(30);
    expect([hole, between]).toEqual([white, white]);
    expect(svg.match(/class="reach bad"/g)).toHaveLength(1);
    expect(svg).toMatch(/\.reach \{ fill: none;[^}]*dasharray/);
  });

  test('the legend counts statuses in the words of the wall, and says when and where', () => {
    const svg = draw(
      camera('a', at(0, 0)),
      camera('b', at(90, 0), { status: 'auth_failed' }),
      camera('c', at(0, 90), { status: 'offline' }),
      camera('d', at(90, 90), { status: 'offline' }),
    );
    const words = [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text);
    expect(words).toEqual(
      expect.arrayContaining([
        'online: 1',
        'offline: 2, auth failed: 1',
        '4 cameras within 1,500 m of',
        '23.079° N, 120.295° E',
        '2026-11-27 06:05 UTC',
        'N',
      ]),
    );
    expect(svg).not.toContain('turning camera');
    expect(sightMap([camera('x', [-70.5, -33.4])], { centre: [-70.5, -33.4], radiusM: 9_000, drawnAt }).svg).toMatch(
      /9 km of.*33\.4° S, 70\.5° W/s,
    );
  });

  test('no name becomes an element or breaks the document', async () => {
    const evil = `<script>alert("1")</script> & 'x' \u0000\u001b\ud800\ufffe 橋`;
    const svg = draw(camera(evil, at(0, 0), { authority: '"/><image href="x' }), camera('other', at(90, 0)));
    expect(svg).not.toMatch(/<script|<image/);
    expect(svg).toContain(
      '&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39; \ufffd\ufffd\ufffd\ufffd 橋',
    );
    expect((await sharp(Buffer.from(svg)).metadata()).format).toBe('svg');
  });

  test('what all names end with in brackets is said once; titles keep the whole names', () => {
    const svg = draw(camera('A road (simulated)', at(0, 0)), camera('B road (simulated)', at(200, 0)));
    expect(svg).toContain('>A road</text>');
    expect(svg).toContain('All names end with (simulated).');
    expect(svg).toContain(
      '<title>B road (simulated) (tainan-wrb): online, looks 90°; what it shows is not known</title>',
    );
    const mixed = draw(camera('A road (simulated)', at(0, 0)), camera('B road', at(200, 0)));
    expect(mixed).toContain('>A road (simulated)</text>');
  });

  test('one camera alone, and one over the antimeridian, make a map of sensible size', () => {
    for (const [centre, position] of [
      [CENTRE, CENTRE],
      [
        [179.999, -17],
        [-179.999, -17],
      ],
    ] as const) {
      const { svg, namesLeftOut } = sightMap([camera('One', position)], { centre, radiusM: 500, drawnAt });
      const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg) ?? [];
      expect([Number(width) < 1_500, Number(height) < 1_100, namesLeftOut]).toEqual([true, true, 0]);
      const { x, y } = markOf(svg, 'One');
      expect([x > 24, y > 24, x < Number(width) - 280, y < Number(height)]).toEqual([true, true, true, true]);
    }
  });
});
