import { MASK, SIDE } from './noise.js';
import type { Projection, Seen, Size } from './projection.js';

// Looked up once: within Jest's contexts a global costs ten times as much.
const { ceil, cos, exp, floor, log2, max, min, round, sin } = Math;

export type Rgb = readonly [red: number, green: number, blue: number];
export type Pixel = readonly [x: number, y: number];

/** How a surface looks. */
export interface Paint {
  readonly rgb: Rgb;
  /** Roughness, 0 smooth to 1. */
  readonly grain?: number;
  /** Lamp light that falls on it or comes out of it at night, 0 to 255. */
  readonly glow?: number;
  /** 0 unseen to 1 solid. */
  readonly alpha?: number;
}

/** Points nearer than this are cut off before they are projected, metres. */
const NEAR_M = 0.4;

/** Depth that only the sky has. */
export const SKY = 255;

/** A depth in steps of 3.7 %, which one byte holds from half a metre to five kilometres. */
export const depthCode = (depthM: number): number => max(0, min(SKY - 1, round((log2(max(0.5, depthM)) + 1) * 19)));

/** Colour that distance turns everything into, and the distance that does it by 63 %. */
export const HAZE: Rgb = [176, 186, 194];
const HAZE_M = 2_600;

/** Share of a colour that the air takes away over a distance, 0 to 1. */
export const hazeShare = (depthM: number): number => 1 - exp(-depthM / HAZE_M);

/** A colour as seen through the air. */
export function hazy([red, green, blue]: Rgb, depthM: number): Rgb {
  const t = hazeShare(depthM);
  return [red + (HAZE[0] - red) * t, green + (HAZE[1] - green) * t, blue + (HAZE[2] - blue) * t];
}

/**
 * What stands still in a view, one value a pixel: colour in plain daylight, depth, lamp light, and where the river may
 * rise to. Drawn from far to near.
 */
export class Canvas {
  readonly rgb: Uint8ClampedArray;
  readonly depth: Uint8Array;
  readonly glow: Uint8ClampedArray;
  /** 0 for dry land; else 1 and the distance from the middle of the river in 1/254 of its bed. */
  readonly river: Uint8Array;

  constructor(
    readonly size: Size,
    readonly texture: Float32Array,
  ) {
    const pixels = size.widthPx * size.heightPx;
    this.rgb = new Uint8ClampedArray(pixels * 3);
    this.depth = new Uint8Array(pixels).fill(SKY);
    this.glow = new Uint8ClampedArray(pixels);
    this.river = new Uint8Array(pixels);
  }

  /** Draws a convex face given in a camera's axes. */
  face(projection: Projection, points: readonly Seen[], paint: Paint): void {
    const { pixels, depthM } = projected(projection, points);
    if (pixels.length > 2) this.fill(pixels, depthM, paint);
  }

  /** Draws a convex face that lies on the ground, whose depth is that of each pixel already. */
  ground(projection: Projection, points: readonly Seen[], paint: Paint, overWater: boolean): void {
    const { pixels, depthM } = projected(projection, points);
    if (pixels.length < 3) return;
    const [red, green, blue] = hazy(paint.rgb, depthM);
    scan(pixels, this.size, (i, cover) => {
      if (this.depth[i] === SKY || (!overWater && this.river[i] !== 0)) return;
      const shade = 1 + (paint.grain ?? 0) * this.grainAt(i);
      blend(this.rgb, i * 3, red * shade, green * shade, blue * shade, cover * (paint.alpha ?? 1));
      if (cover > 0.5) this.river[i] = 0;
    });
  }

  /** Draws a convex polygon of pixels at one depth. */
  fill(pixels: readonly Pixel[], depthM: number, paint: Paint): void {
    const { grain = 0, glow = 0, alpha = 1 } = paint;
    const [red, green, blue] = hazy(paint.rgb, depthM);
    const code = depthCode(depthM);
    const { rgb, size } = this;
    scan(pixels, size, (i, cover) => {
      const share = cover * alpha;
      const shade = 1 + grain * this.grainAt(i);
      const at = i * 3;
      blend(rgb, at, red * shade, green * shade, blue * shade, share);
      this.glow[i] = (this.glow[i] ?? 0) + (glow - (this.glow[i] ?? 0)) * share;
      if (share > 0.5) {
        this.depth[i] = code;
        this.river[i] = 0;
      }
    });
  }

  private grainAt(i: number): number {
    const x = i % this.size.widthPx;
    const y = (i - x) / this.size.widthPx;
    return this.texture[((y * 5) & MASK) * SIDE + ((x * 5 + y) & MASK)] ?? 0;
  }

  /** Adds lamp light to what is already drawn. */
  shine(pixels: readonly Pixel[], amount: number): void {
    scan(pixels, this.size, (i, cover) => {
      this.glow[i] = (this.glow[i] ?? 0) + amount * cover;
    });
  }
}

/** Mixes a colour into three bytes. */
export function blend(
  rgb: Uint8ClampedArray,
  at: number,
  red: number,
  green: number,
  blue: number,
  share: number,
): void {
  rgb[at] = (rgb[at] ?? 0) + (red - (rgb[at] ?? 0)) * share;
  rgb[at + 1] = (rgb[at + 1] ?? 0) + (green - (rgb[at + 1] ?? 0)) * share;
  rgb[at + 2] = (rgb[at + 2] ?? 0) + (blue - (rgb[at + 2] ?? 0)) * share;
}

/** Pixels of a face and its mean depth, after what lies behind the lens is cut off. */
export function projected(
  projection: Projection,
  points: readonly Seen[],
): { readonly pixels: readonly Pixel[]; readonly depthM: number } {
  const kept = inFront(points);
  const depthM = kept.reduce((sum, [, , z]) => sum + z, 0) / max(1, kept.length);
  return { pixels: kept.map((point) => projection.pixel(point)), depthM };
}

/** Sutherland and Hodgman's clip against the plane just before the lens. */
function inFront(points: readonly Seen[]): readonly Seen[] {
  if (points.every(([, , z]) => z >= NEAR_M)) return points;
  const kept: Seen[] = [];
  points.forEach((to, i) => {
    const from = points.at(i - 1) ?? to;
    if (from[2] >= NEAR_M !== to[2] >= NEAR_M) {
      const t = (NEAR_M - from[2]) / (to[2] - from[2]);
      kept.push([from[0] + (to[0] - from[0]) * t, from[1] + (to[1] - from[1]) * t, NEAR_M]);
    }
    if (to[2] >= NEAR_M) kept.push(to);
  });
  return kept;
}

/** Lines across one row of pixels on which coverage is measured. */
const SUBLINES = 4;

/** Coverage of the row at hand; empty between calls. Wider pictures than this are not drawn. */
const cover = new Float32Array(4_096);

/** Left and right end of a polygon on the line at hand. */
const span = new Float64Array(2);

/** Farther than any pixel. */
const FAR = 1e9;

/** Calls back with the share, 0 to 1, of each pixel that a convex polygon covers. */
export function scan(
  pixels: readonly Pixel[],
  { widthPx, heightPx }: Size,
  each: (i: number, cover: number) => void,
): void {
  let [top, bottom, left, right] = [FAR, -FAR, FAR, -FAR];
  for (const [x, y] of pixels) {
    top = min(top, y);
    bottom = max(bottom, y);
    left = min(left, x);
    right = max(right, x);
  }
  if (right <= 0 || left >= widthPx) return;
  const lastRow = min(heightPx - 1, ceil(bottom) - 1);
  for (let row = max(0, floor(top)); row <= lastRow; row++) {
    let first = widthPx;
    let last = -1;
    for (let k = 0; k < SUBLINES; k++) {
      measure(pixels, row + (k + 0.5) / SUBLINES);
      const from = max(0, span[0] ?? 0);
      const to = min(widthPx, span[1] ?? 0);
      if (to <= from) continue;
      const i = floor(from);
      const j = min(widthPx - 1, floor(to));
      first = min(first, i);
      last = max(last, j);
      if (i === j) cover[i] = (cover[i] ?? 0) + (to - from);
      else {
        cover[i] = (cover[i] ?? 0) + (i + 1 - from);
        for (let x = i + 1; x < j; x++) cover[x] = (cover[x] ?? 0) + 1;
        cover[j] = (cover[j] ?? 0) + (to - j);
      }
    }
    for (let x = first; x <= last; x++) {
      const share = cover[x] ?? 0;
      cover[x] = 0;
      if (share > 0) each(row * widthPx + x, share / SUBLINES);
    }
  }
}

function measure(pixels: readonly Pixel[], y: number): void {
  let left = FAR;
  let right = -FAR;
  let from = pixels[pixels.length - 1];
  for (let i = 0; i < pixels.length; i++) {
    const to = pixels[i];
    if (from !== undefined && to !== undefined && from[1] <= y !== to[1] <= y) {
      const x = from[0] + ((to[0] - from[0]) * (y - from[1])) / (to[1] - from[1]);
      left = min(left, x);
      right = max(right, x);
    }
    from = to;
  }
  span[0] = left;
  span[1] = right;
}

/** A circle of pixels, as a polygon. */
export function disc([x, y]: Pixel, radiusX: number, radiusY = radiusX, corners = 16): readonly Pixel[] {
  return Array.from({ length: corners }, (_, i): Pixel => {
    const angle = (2 * Math.PI * i) / corners;
    return [x + radiusX * cos(angle), y + radiusY * sin(angle)];
  });
}
