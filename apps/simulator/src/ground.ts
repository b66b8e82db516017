import { type Canvas, depthCode, HAZE, hazeShare, type Paint, type Rgb } from './canvas.js';
import { hash, MASK, SIDE } from './noise.js';
import type { EastNorth, Projection, Seen } from './projection.js';
import type { Beds } from './beds.js';
import { type Road, ROADS } from './layout.js';
import { distanceToLine } from './line.js';

// Looked up once: within Jest's contexts a global costs ten times as much.
const { floor, hypot, min, round } = Math;

/** Beyond this nothing but haze is told apart, metres. */
const SIGHT_M = 4_500;

/** Paddies, vegetables, fallow land. */
const FIELDS: readonly Rgb[] = [
  [98, 126, 66],
  [120, 140, 72],
  [86, 112, 60],
  [142, 140, 84],
  [132, 118, 90],
  [108, 132, 92],
];

/** Fields, banks and the place of water, for every pixel below the horizon. `foot` is the camera's, from P1. */
export function drawGround(canvas: Canvas, projection: Projection, foot: EastNorth, beds: Beds): void {
  const { rgb, depth, river, size } = canvas;
  const soil = new Soil(canvas.texture);
  const [stepE, stepN] = projection.step;
  for (let y = 0; y < size.heightPx; y++) {
    // Without roll a row of pixels is a level line on the ground: it has one depth.
    const [fromE, fromN, up] = projection.ray(0.5, y + 0.5);
    const depthM = up < 0 ? projection.pose.heightM / -up : 2 * SIGHT_M;
    if (depthM > SIGHT_M) continue;
    const code = depthCode(depthM);
    const haze = hazeShare(depthM);
    for (let x = 0, i = y * size.widthPx; x < size.widthPx; x++, i++) {
      const e = foot[0] + (fromE + x * stepE) * depthM;
      const n = foot[1] + (fromN + x * stepN) * depthM;
      const isBed = beds.find(e, n);
      if (isBed) soil.bank(e, n, beds.share, depthM);
      else soil.field(e, n, depthM);
      const shade = soil.shade * (1 - haze);
      rgb[i * 3] = soil.rgb[0] * shade + HAZE[0] * haze;
      rgb[i * 3 + 1] = soil.rgb[1] * shade + HAZE[1] * haze;
      rgb[i * 3 + 2] = soil.rgb[2] * shade + HAZE[2] * haze;
      depth[i] = code;
      river[i] = isBed ? riverCode(beds.share, beds.low) : 0;
    }
  }
}

/** One byte for a place in a river's bed: 1 in the middle, 128 at the edge of low water, 255 at the crest of the bank. */
const riverCode = (share: number, low: number): number =>
  1 + round(share < low ? (127 * share) / low : 127 + (127 * (share - low)) / (1 - low));

/** Code of the water's edge at a level from 0, low, to 1, just below the crest. */
export const edgeCode = (level: number): number => 128 + 121 * level;

const PATH: Rgb = [126, 116, 92];
const CREST: Rgb = [168, 164, 154];
const GRASS: Rgb = [92, 112, 66];
const REVETMENT: Rgb = [138, 130, 114];

/** Colours of the ground, asked for every pixel; the answer lies in its members. */
class Soil {
  rgb: Rgb = PATH;
  shade = 1;

  constructor(private readonly texture: Float32Array) {}

  field(e: number, n: number, depthM: number): void {
    const column = floor(e / 54);
    const row = floor(n / 37);
    this.shade = 1;
    this.rgb = PATH;
    if (e - column * 54 < 0.9 || n - row * 37 < 0.9) return;
    const kind = hash(column, row);
    this.rgb = FIELDS[kind % FIELDS.length] ?? PATH;
    // Furrows along the longer side near by; patches far away. What would be finer than a pixel fades.
    const furrow = kind & 1 ? this.texel(n * 22, e * 1.5) : this.texel(e * 22, n * 1.5);
    const patch = this.texel(e * 1.9 + n * 0.4, n * 1.9);
    this.shade = 1 + 0.36 * furrow * min(1, 25 / depthM) + 0.42 * patch;
  }

  bank(e: number, n: number, share: number, depthM: number): void {
    this.shade = 1 + 0.4 * this.texel(e * 5, n * 5) * min(1, 60 / depthM) + 0.2 * this.texel(e * 1.3, n * 1.3);
    this.rgb = share > 0.93 ? CREST : share > 0.72 ? GRASS : REVETMENT;
    if (this.rgb === REVETMENT && floor(share * 24) % 2 !== 0) this.shade *= 0.9;
  }

  private texel(x: number, y: number): number {
    return this.texture[(floor(y) & MASK) * SIDE + (floor(x) & MASK)] ?? 0;
  }
}

const ASPHALT: Paint = { rgb: [92, 94, 98], grain: 0.2 };
const PAVEMENT: Paint = { rgb: [150, 146, 138], grain: 0.22 };
const YARD: Paint = { rgb: [134, 132, 116], grain: 0.2 };
const WHITE: Paint = { rgb: [212, 212, 206], grain: 0.12 };
const YELLOW: Paint = { rgb: [206, 172, 70], grain: 0.12 };

/** Draws the roads on the ground: verges, pavements, asphalt, lines. A road over a river is a bridge. */
export function drawRoads(canvas: Canvas, projection: Projection, foot: EastNorth): void {
  const brush = new GroundBrush(canvas, projection, foot);
  const near = ROADS.filter(({ line }) => distanceToLine(foot, line) < 1_200);
  for (const { line, widthM } of near) brush.strip(line, -widthM / 2 - 7, widthM / 2 + 7, YARD, { overWater: false });
  for (const { line, widthM } of near) brush.strip(line, -widthM / 2 - 1.8, widthM / 2 + 1.8, PAVEMENT);
  for (const { line, widthM } of near) brush.strip(line, -widthM / 2, widthM / 2, ASPHALT);
  for (const road of near) drawLines(brush, road);
}

function drawLines(brush: GroundBrush, { line, widthM, lanes }: Road): void {
  for (const side of [-1, 1]) {
    const edge = side * (widthM / 2 - 0.35);
    brush.strip(line, edge - 0.08, edge + 0.08, WHITE);
  }
  brush.strip(line, -0.18, -0.06, YELLOW);
  brush.strip(line, 0.06, 0.18, YELLOW);
  for (let lane = 1; lane < lanes / 2; lane++) {
    for (const side of [-1, 1]) {
      const at = (side * lane * widthM) / lanes;
      brush.strip(line, at - 0.08, at + 0.08, WHITE, { dashM: 4, gapM: 6 });
    }
  }
}

/** Pieces of a strip are this long at most: each is hazed and clipped by itself, metres. */
const PIECE_M = 40;

/** Paints strips along lines on the ground. */
class GroundBrush {
  constructor(
    private readonly canvas: Canvas,
    private readonly projection: Projection,
    private readonly foot: EastNorth,
  ) {}

  strip(
    line: readonly EastNorth[],
    fromM: number,
    toM: number,
    paint: Paint,
    { dashM = PIECE_M, gapM = 0, overWater = true } = {},
  ): void {
    const reachM = gapM > 0 ? 130 : 1_400;
    for (let i = 1; i < line.length; i++) {
      const [from, to] = [line[i - 1] ?? [0, 0], line[i] ?? [0, 0]];
      const [de, dn] = [to[0] - from[0], to[1] - from[1]];
      const length = hypot(de, dn);
      const [e, n] = [de / length, dn / length];
      for (let s = 0; s < length; s += dashM + gapM) {
        const end = min(length, s + dashM);
        const corner = (along: number, across: number): Seen =>
          this.projection.seen([
            from[0] + e * along + n * across - this.foot[0],
            from[1] + n * along - e * across - this.foot[1],
          ]);
        const quad = [corner(s, fromM), corner(end, fromM), corner(end, toM), corner(s, toM)];
        const depthM = min(...quad.map(([, , z]) => z));
        if (depthM < reachM && quad.some(([, , z]) => z > 0))
          this.canvas.ground(this.projection, quad, paint, overWater);
      }
    }
  }
}
