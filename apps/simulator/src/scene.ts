import { Canvas } from './canvas.js';
import { drawGround, drawRoads, edgeCode } from './ground.js';
import { illuminate, type Light, lightAt, sunElevationDeg } from './light.js';
import { hash, MASK, sensorNoise, smoothNoise } from './noise.js';
import { type EastNorth, type Pose, Projection, type Size } from './projection.js';
import { drawThings } from './things.js';
import { drawVehicles, roadsNear, vehiclesAt } from './traffic.js';
import { Beds } from './beds.js';
import { local, type Road } from './layout.js';
import type { World } from './world.js';

// Looked up once: within Jest's contexts a global costs ten times as much.
const { floor, min, round } = Math;

/** All scenes are drawn in this size, pixels; other sizes are made from it. */
export const DRAWN: Size = { widthPx: 640, heightPx: 360 };

/** How long one light is good for, milliseconds. */
const LIGHT_MS = 60_000;

/** Tables that all scenes of a street share. */
export interface Tables {
  readonly texture: Float32Array;
  readonly noise: Int8Array;
}

export const makeTables = (seed: number): Tables => ({
  texture: smoothNoise(seed, [4, 8, 16, 32, 64, 128]),
  noise: sensorNoise(seed + 1),
});

/** Pixels that the river may cover. */
interface Water {
  readonly pixel: Int32Array;
  /** Texel of the ripples at each: down the river in the low byte, across it above. Of the broad swell likewise. */
  readonly ripple: Uint16Array;
  readonly swell: Uint16Array;
  /** How much ripples show, 0 to 255: they fade where they are finer than a pixel. */
  readonly strength: Uint8Array;
}

/** What one camera sees: drawn once, lit once a minute, and for every frame only what moves. */
export class Scene {
  private readonly projection: Projection;
  private readonly foot: EastNorth;
  private readonly canvas: Canvas;
  private readonly lit: Uint8ClampedArray;
  private readonly roads: readonly Road[];
  private readonly water: Water;
  private light: { readonly of: Light; readonly untilMs: number } | null = null;

  constructor(
    readonly pose: Pose,
    world: World,
    private readonly tables: Tables,
  ) {
    this.projection = new Projection(pose, DRAWN);
    this.foot = local(pose.position);
    this.canvas = new Canvas(DRAWN, tables.texture);
    this.lit = new Uint8ClampedArray(this.canvas.rgb.length);
    this.roads = roadsNear(this.foot);
    const beds = new Beds(this.foot, 800);
    drawGround(this.canvas, this.projection, this.foot, beds);
    drawRoads(this.canvas, this.projection, this.foot);
    drawThings(this.canvas, this.projection, this.foot, world);
    this.water = this.findWater(beds);
  }

  /**
   * The view at a moment as red, green, blue bytes.
   * @param level how high the water stands, 0 low to 1 at the crest of the bank
   * @param frame number of the frame: another one has other noise
   */
  draw(atMs: number, level: number, frame: number): Uint8ClampedArray {
    const light = this.lightOf(atMs);
    const rgb = new Uint8ClampedArray(this.lit);
    this.drawWater(rgb, light, level, atMs);
    const stage = { rgb, depth: this.canvas.depth, projection: this.projection, foot: this.foot, light };
    drawVehicles(stage, vehiclesAt(this.roads, this.foot, atMs));
    addNoise(rgb, this.tables.noise, light.noise, frame);
    return rgb;
  }

  private lightOf(atMs: number): Light {
    if (this.light === null || atMs >= this.light.untilMs || atMs < this.light.untilMs - LIGHT_MS) {
      const of = lightAt(sunElevationDeg(atMs, this.pose.position));
      illuminate(this.canvas, this.projection, of, atMs, this.lit);
      this.light = { of, untilMs: atMs + LIGHT_MS };
    }
    return this.light.of;
  }

  private findWater(beds: Beds): Water {
    const { river, size } = this.canvas;
    const pixel = new Int32Array(river.reduce((sum, code) => sum + (code === 0 ? 0 : 1), 0));
    for (let i = 0, k = 0; i < river.length; i++) if (river[i] !== 0) pixel[k++] = i;
    const [ripple, swell] = [new Uint16Array(pixel.length), new Uint16Array(pixel.length)];
    const strength = new Uint8Array(pixel.length);
    const texel = (x: number, y: number): number => ((floor(y) & MASK) << 8) | (floor(x) & MASK);
    for (let k = 0; k < pixel.length; k++) {
      const x = (pixel[k] ?? 0) % size.widthPx;
      const [e, n, u] = this.projection.ray(x + 0.5, ((pixel[k] ?? 0) - x) / size.widthPx + 0.5);
      const depthM = this.pose.heightM / -u;
      if (!beds.find(this.foot[0] + e * depthM, this.foot[1] + n * depthM)) continue;
      ripple[k] = texel(beds.alongM * 22, beds.acrossM * 7);
      swell[k] = texel(beds.alongM * 2, beds.acrossM * 0.9);
      strength[k] = 64 + 191 * min(1, 55 / depthM);
    }
    return { pixel, ripple, swell, strength };
  }

  private drawWater(rgb: Uint8ClampedArray, light: Light, level: number, atMs: number): void {
    const { pixel, ripple, swell, strength } = this.water;
    const { river, texture, glow } = this.canvas;
    const flow = floor((atMs / 1_000) * 22);
    const [drift, rise] = [flow >> 1, (flow >> 2) << 8];
    // Muddy water carries the colour of the ground and throws back a third of the sky.
    const mud = 0.62 + 0.2 * level;
    const tint = (c: 0 | 1 | 2, own: number): number =>
      own * mud * light.ambient[c] + 0.11 * (light.low[c] + light.high[c]);
    const [red, green, blue] = [tint(0, 126), tint(1, 118), tint(2, 84)];
    const edge = edgeCode(level);
    for (let k = 0; k < pixel.length; k++) {
      const i = pixel[k] ?? 0;
      const code = river[i] ?? 0;
      if (code > edge) continue;
      const [r, w] = [ripple[k] ?? 0, swell[k] ?? 0];
      const wave = texture[(r & 0xff00) | ((r - flow) & MASK)] ?? 0;
      const broad = texture[((w + rise) & 0xff00) | ((w - drift) & MASK)] ?? 0;
      const foam = code > edge - 3 ? 0.22 : 0;
      const shade = 1 + ((strength[k] ?? 0) / 255) * wave + 0.24 * broad + foam;
      const lamp = ((glow[i] ?? 0) / 255) * light.lamps * 60;
      const at = i * 3;
      rgb[at] = red * shade + lamp;
      rgb[at + 1] = green * shade + lamp * 0.85;
      rgb[at + 2] = blue * shade + lamp * 0.55;
    }
  }
}

/** Adds grey noise of a standard deviation to a frame. */
function addNoise(rgb: Uint8ClampedArray, noise: Int8Array, deviation: number, frame: number): void {
  const { widthPx, heightPx } = DRAWN;
  const amplitude = round(deviation * 16);
  for (let y = 0, at = 0; y < heightPx; y++) {
    // Pairs of rows begin at chance places of the field, so that it never shows as a pattern.
    const chance = hash(y >> 1, frame);
    const row = (((chance & 127) << 1) | (y & 1)) << 8;
    const start = (chance >> 8) & 254;
    for (let x = 0; x < widthPx; x++, at += 3) {
      const n = ((noise[row | ((start + x) & MASK)] ?? 0) * amplitude) >> 8;
      rgb[at] = (rgb[at] ?? 0) + n;
      rgb[at + 1] = (rgb[at + 1] ?? 0) + n;
      rgb[at + 2] = (rgb[at + 2] ?? 0) + n;
    }
  }
}
