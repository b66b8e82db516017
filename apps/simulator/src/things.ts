import { type Canvas, disc, hazy, type Paint, type Pixel, projected, type Rgb } from './canvas.js';
import { hash } from './noise.js';
import { eastNorth, type EastNorth, type Projection, type Seen } from './projection.js';
import { type House, type Marker, MARKER_BALL_M, MARKER_STAFF_M, MARKERS, type Standing } from './layout.js';
import type { World } from './world.js';

// Looked up once: within Jest's contexts a global costs ten times as much.
const { abs, floor, hypot, max, round } = Math;

/** Things beyond are left out, metres. */
const REACH_M = { houses: 900, trees: 700, lamps: 420, staffs: 260 } as const;

/** Something that stands, and how far it is: the far ones are drawn first. */
interface Thing {
  readonly depthM: number;
  readonly draw: () => void;
}

/** Draws what stands on the ground, far to near. `foot` is the camera's, from P1. */
export function drawThings(canvas: Canvas, projection: Projection, foot: EastNorth, world: World): void {
  const brush = new Brush(canvas, projection, foot);
  const things: Thing[] = [];
  const add = (at: EastNorth, reachM: number, draw: () => void): void => {
    const [right, , depthM] = brush.seen(at, 0);
    const isAhead = depthM > -15 && abs(right) < abs(depthM) * 2 + 30;
    if (isAhead && hypot(at[0] - foot[0], at[1] - foot[1]) < reachM) things.push({ depthM, draw });
  };
  for (const house of world.houses) add(middleOf(house), REACH_M.houses, () => drawHouse(brush, house));
  for (const tree of world.trees) add(tree.at, REACH_M.trees, () => drawTree(brush, tree));
  for (const lamp of world.lamps) add(lamp.at, REACH_M.lamps, () => drawLamp(brush, lamp));
  for (const { from, to } of world.railings) add(from, REACH_M.staffs, () => drawRailing(brush, from, to));
  for (const staff of world.staffs) add(staff.at, REACH_M.staffs, () => drawStaff(brush, staff));
  for (const marker of MARKERS) {
    const at = eastNorth(projection.pose.position, marker.position);
    add([at[0] + foot[0], at[1] + foot[1]], REACH_M.houses, () => drawMarker(brush, marker, at));
  }
  for (const lamp of world.lamps) shineLamp(brush, lamp);
  things.sort((a, b) => b.depthM - a.depthM);
  for (const { draw } of things) draw();
}

const middleOf = ({ corners: [a, , c] }: House): EastNorth => [(a[0] + c[0]) / 2, (a[1] + c[1]) / 2];

/** A canvas with a camera before it. Places are metres from P1. */
class Brush {
  constructor(
    readonly canvas: Canvas,
    readonly projection: Projection,
    private readonly foot: EastNorth,
  ) {}

  seen([e, n]: EastNorth, aboveM: number): Seen {
    return this.projection.seen([e - this.foot[0], n - this.foot[1]], aboveM);
  }

  face(points: readonly Seen[], paint: Paint): void {
    this.canvas.face(this.projection, points, paint);
  }

  /** Whether a wall, its corners clockwise as seen from above, turns its outer side to the camera. */
  isFacing([ae, an]: EastNorth, [be, bn]: EastNorth): boolean {
    return (be - ae) * (this.foot[1] - an) - (bn - an) * (this.foot[0] - ae) > 0;
  }

  /** An upright line of a width that is never thinner than can be seen. */
  pole(at: EastNorth, fromM: number, toM: number, widthM: number, paint: Paint): void {
    const [bottom, top] = [this.seen(at, fromM), this.seen(at, toM)];
    if (bottom[2] < 1 || top[2] < 1) return;
    const [[x0, y0], [x1, y1]] = [this.projection.pixel(bottom), this.projection.pixel(top)];
    const half = max(0.35, (this.projection.focalPx * widthM) / bottom[2] / 2);
    const quad: readonly Pixel[] = [
      [x0 - half, y0],
      [x0 + half, y0],
      [x1 + half, y1],
      [x1 - half, y1],
    ];
    this.canvas.fill(quad, bottom[2], paint);
  }
}

const STOREY_M = 3.2;

function drawHouse(brush: Brush, { corners, heightM, rgb }: House): void {
  const clockwise = [...corners].reverse();
  clockwise.forEach((from, i) => {
    const to = clockwise[(i + 1) % clockwise.length] ?? from;
    if (brush.isFacing(from, to)) drawWall(brush, from, to, heightM, rgb);
  });
  if (brush.projection.pose.heightM > heightM) {
    const roof = corners.map((corner) => brush.seen(corner, heightM));
    brush.face(roof, { rgb: [120, 112, 106], grain: 0.3 });
  }
}

function drawWall(brush: Brush, from: EastNorth, to: EastNorth, heightM: number, rgb: Rgb): void {
  const [e, n] = [to[0] - from[0], to[1] - from[1]];
  const lengthM = hypot(e, n);
  // Walls that face the noon sun are lighter.
  const shade = 0.84 - 0.16 * (-e / lengthM) + 0.06 * (n / lengthM);
  const colour: Rgb = [rgb[0] * shade, rgb[1] * shade, rgb[2] * shade];
  const at = (along: number, aboveM: number): Seen => brush.seen([from[0] + e * along, from[1] + n * along], aboveM);
  const wall = (a: number, b: number, lowM: number, highM: number, paint: Paint): void =>
    brush.face([at(a, lowM), at(b, lowM), at(b, highM), at(a, highM)], paint);
  wall(0, 1, 0, heightM, { rgb: colour, grain: 0.24, glow: 26 });
  const depthM = at(0.5, heightM / 2)[2];
  if (depthM < 1 || (brush.projection.focalPx * lengthM) / depthM < 14) return;

  wall(0, 1, heightM - 0.5, heightM, { rgb: [colour[0] * 0.8, colour[1] * 0.8, colour[2] * 0.8], grain: 0.2 });
  const columns = max(1, floor(lengthM / 2.7));
  const storeys = max(1, floor(heightM / STOREY_M));
  for (let column = 0; column < columns; column++) {
    const [left, right] = [(column + 0.24) / columns, (column + 0.76) / columns];
    for (let storey = 0; storey < storeys; storey++) {
      const floorM = storey * STOREY_M;
      const chance = hash(round(from[0] * 7 + column * 31), round(from[1] * 5 + storey * 17));
      const lit = chance % 5 < 2;
      if (storey === 0 && chance % 3 > 0) {
        const door: Rgb = chance % 2 === 0 ? [128, 134, 136] : [98, 112, 128];
        wall(left - 0.12 / columns, right + 0.12 / columns, 0.1, 2.6, { rgb: door, grain: 0.3, glow: 30 });
      } else {
        const glass: Rgb = lit ? [134, 126, 104] : [74, 88, 100];
        wall(left, right, floorM + 1, floorM + 2.4, { rgb: glass, grain: 0.35, glow: lit ? 255 : 10 });
      }
    }
    if (column % 2 === 0) wall(left - 0.1 / columns, left, 0, heightM, { rgb: colour, grain: 0.5, alpha: 0.35 });
  }
}

const LEAVES: readonly Rgb[] = [
  [62, 86, 46],
  [74, 100, 54],
  [52, 76, 44],
];

function drawTree(brush: Brush, { at, heightM }: Standing): void {
  const crown = brush.seen(at, heightM * 0.62);
  if (crown[2] < 3) return;
  brush.pole(at, 0, heightM * 0.5, 0.34, { rgb: [88, 72, 56], grain: 0.3 });
  const scale = (brush.projection.focalPx * heightM) / crown[2];
  const [x, y] = brush.projection.pixel(crown);
  const seed = hash(round(at[0] * 10), round(at[1] * 10));
  for (let i = 0; i < 6; i++) {
    const part = hash(seed, i);
    const [dx, dy] = [((part & 255) / 255 - 0.5) * 0.5, (((part >> 8) & 255) / 255 - 0.5) * 0.42];
    const size = 0.19 + ((part >> 16) & 63) / 500;
    const rgb = LEAVES[part % LEAVES.length] ?? [62, 86, 46];
    const light = 1.16 - dy;
    brush.canvas.fill(disc([x + dx * scale, y + dy * scale], size * scale, size * scale * 0.9, 10), crown[2], {
      rgb: [rgb[0] * light, rgb[1] * light, rgb[2] * light],
      grain: 0.75,
      glow: 16,
    });
  }
}

function drawLamp(brush: Brush, { at, heightM }: Standing): void {
  brush.pole(at, 0, heightM, 0.16, { rgb: [120, 124, 126], glow: 60 });
  const head = brush.seen(at, heightM);
  if (head[2] < 2) return;
  const radius = max(0.7, (brush.projection.focalPx * 0.17) / head[2]);
  brush.canvas.fill(disc(brush.projection.pixel(head), radius * 1.7, radius), head[2], {
    rgb: [214, 210, 196],
    glow: 255,
  });
}

/** Rings of light on the ground below a lamp, metres; each adds the same, so that it fades outwards. */
const POOL_M = [2, 3.2, 4.4, 5.6, 6.8, 8, 9.4, 11, 12.8, 15, 18, 22] as const;
const POOL_GLOW = 13;

function shineLamp(brush: Brush, { at }: Standing): void {
  const middle = brush.seen(at, 0);
  if (middle[2] < -25 || middle[2] > 420) return;
  for (const radiusM of POOL_M) {
    const ring = disc(at, radiusM, radiusM, 14).map((point) => brush.seen(point, 0));
    const { pixels } = projected(brush.projection, ring);
    if (pixels.length > 2) brush.canvas.shine(pixels, POOL_GLOW);
  }
}

const RAILING: Paint = { rgb: [188, 188, 182], grain: 0.12 };

function drawRailing(brush: Brush, from: EastNorth, to: EastNorth): void {
  for (const [lowM, highM] of [
    [0, 0.35],
    [0.95, 1.1],
    [0.6, 0.68],
  ] as const) {
    brush.face([brush.seen(from, lowM), brush.seen(to, lowM), brush.seen(to, highM), brush.seen(from, highM)], RAILING);
  }
  brush.pole(from, 0, 1.1, 0.12, RAILING);
}

function drawStaff(brush: Brush, { at, heightM }: Standing): void {
  for (let low = 0; low < heightM; low += 0.25) {
    const rgb: Rgb = round(low * 4) % 2 === 0 ? [238, 236, 226] : [38, 40, 46];
    brush.pole(at, low, low + 0.25, 0.42, { rgb, glow: 70 });
  }
}

function drawMarker(brush: Brush, { rgb }: Marker, at: EastNorth): void {
  const middle = brush.projection.seen(at, 0);
  if (middle[2] < 2) return;
  const [x, y] = brush.projection.pixel(middle);
  const metre = brush.projection.focalPx / middle[2];
  const band = MARKER_STAFF_M / 6;
  for (let i = 0; i < 6; i++) {
    const half = max(0.5, 0.11 * metre);
    const [lower, upper] = [i * band, (i + 1) * band].map(
      (aboveM) => brush.projection.pixel(brush.projection.seen(at, aboveM))[1],
    );
    const quad: readonly Pixel[] = [
      [x - half, lower ?? y],
      [x + half, lower ?? y],
      [x + half, upper ?? y],
      [x - half, upper ?? y],
    ];
    brush.canvas.fill(quad, middle[2], { rgb: i % 2 === 0 ? [236, 232, 226] : [208, 30, 36], glow: 150 });
  }
  // The ball keeps its hue in any light and at any distance: it is what a measurement looks for.
  const radius = max(2.2, MARKER_BALL_M * metre);
  const paint = { rgb: unhazed(rgb, middle[2]), glow: 190 };
  brush.canvas.fill(disc([x, y], radius), middle[2], paint);
}

/** The colour that the canvas's haze turns into the one wanted. */
function unhazed(rgb: Rgb, depthM: number): Rgb {
  const black = hazy([0, 0, 0], depthM);
  const white = hazy([255, 255, 255], depthM);
  return [0, 1, 2].map((c) => {
    const [from = 0, to = 255] = [black[c], white[c]];
    return max(0, (((rgb[c] ?? 0) - from) / (to - from)) * 255);
  }) as unknown as Rgb;
}
