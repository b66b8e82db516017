import { type Canvas, type Rgb, SKY } from './canvas.js';
import { MASK, SIDE } from './noise.js';
import type { LonLat, Projection } from './projection.js';

// Looked up once: within Jest's contexts a global costs ten times as much.
const { cos, floor, hypot, max, min, sin } = Math;

/** How bright the world is, by the height of the sun. */
export interface Light {
  /** What daylight leaves of a colour, a factor for red, green and blue. */
  readonly ambient: Rgb;
  /** Sky at the horizon and above 14 degrees, and its clouds. */
  readonly low: Rgb;
  readonly high: Rgb;
  readonly cloud: Rgb;
  /** Share of the street lamps that burn, 0 to 1. */
  readonly lamps: number;
  /** Sensor noise, standard deviation in grey levels; cameras amplify it in the dark. */
  readonly noise: number;
}

/** Colour of the street lamps, as a factor. */
const LAMP: Rgb = [1.32, 1.06, 0.7];

const PALETTE: readonly (readonly [sunDeg: number, light: Light])[] = [
  [-12, { ambient: [0.3, 0.33, 0.41], low: [74, 66, 70], high: [20, 26, 48], cloud: [64, 60, 68], lamps: 1, noise: 6 }],
  [
    -4,
    {
      ambient: [0.36, 0.38, 0.48],
      low: [158, 126, 112],
      high: [48, 66, 110],
      cloud: [112, 98, 108],
      lamps: 1,
      noise: 5.6,
    },
  ],
  [
    3,
    {
      ambient: [0.74, 0.66, 0.58],
      low: [238, 200, 156],
      high: [104, 136, 180],
      cloud: [232, 198, 176],
      lamps: 0.2,
      noise: 3.6,
    },
  ],
  [
    14,
    {
      ambient: [1, 0.97, 0.92],
      low: [212, 218, 220],
      high: [104, 150, 202],
      cloud: [240, 239, 236],
      lamps: 0,
      noise: 2.6,
    },
  ],
  [
    60,
    {
      ambient: [1.08, 1.07, 1.04],
      low: [208, 218, 226],
      high: [92, 144, 206],
      cloud: [248, 248, 246],
      lamps: 0,
      noise: 2.6,
    },
  ],
];

/** Height of the sun's middle above the horizon, degrees, to half a degree: Astronomical Almanac's low-precision form. */
export function sunElevationDeg(atMs: number, [lon, lat]: LonLat): number {
  const rad = Math.PI / 180;
  const days = atMs / 86_400_000 - 10_957.5;
  const anomaly = (357.528 + 0.985_600_3 * days) * rad;
  const ecliptic = (280.46 + 0.985_647_4 * days + 1.915 * sin(anomaly) + 0.02 * sin(2 * anomaly)) * rad;
  const tilt = 23.439 * rad;
  const declination = Math.asin(sin(tilt) * sin(ecliptic));
  const ascension = Math.atan2(cos(tilt) * sin(ecliptic), cos(ecliptic));
  const hourAngle = (280.46061837 + 360.98564737 * days + lon) * rad - ascension;
  const sine = sin(lat * rad) * sin(declination) + cos(lat * rad) * cos(declination) * cos(hourAngle);
  return Math.asin(sine) / rad;
}

/** The light under a sun so high. */
export function lightAt(sunDeg: number): Light {
  const after = PALETTE.findIndex(([deg]) => deg >= sunDeg);
  const [toDeg, to] = PALETTE[after < 0 ? PALETTE.length - 1 : after] ?? [0, PALETTE[0]?.[1]];
  const [fromDeg, from] = PALETTE[after < 0 ? PALETTE.length - 1 : max(0, after - 1)] ?? [toDeg, to];
  if (to === undefined || from === undefined) throw new Error('bug: the palette is empty');
  const t = toDeg === fromDeg ? 0 : (sunDeg - fromDeg) / (toDeg - fromDeg);
  const mix = (a: number, b: number): number => a + (b - a) * t;
  const blend = (a: Rgb, b: Rgb): Rgb => [mix(a[0], b[0]), mix(a[1], b[1]), mix(a[2], b[2])];
  return {
    ambient: blend(from.ambient, to.ambient),
    low: blend(from.low, to.low),
    high: blend(from.high, to.high),
    cloud: blend(from.cloud, to.cloud),
    lamps: mix(from.lamps, to.lamps),
    noise: mix(from.noise, to.noise),
  };
}

/** Shines a light on a canvas: daylight times colour, lamp light where it falls, and a sky with drifting clouds. */
export function illuminate(
  { rgb, depth, glow, size, texture }: Canvas,
  projection: Projection,
  light: Light,
  atMs: number,
  into: Uint8ClampedArray,
): void {
  const [red, green, blue] = light.ambient;
  const lamp = light.lamps / 255;
  for (let i = 0, at = 0; i < depth.length; i++, at += 3) {
    if (depth[i] === SKY) continue;
    const shine = (glow[i] ?? 0) * lamp;
    into[at] = (rgb[at] ?? 0) * (red + shine * LAMP[0]);
    into[at + 1] = (rgb[at + 1] ?? 0) * (green + shine * LAMP[1]);
    into[at + 2] = (rgb[at + 2] ?? 0) * (blue + shine * LAMP[2]);
  }
  drawSky({ rgb: into, depth, size, texture }, projection, light, floor(atMs / 4_000));
}

function drawSky(
  { rgb, depth, size, texture }: Pick<Canvas, 'rgb' | 'depth' | 'size' | 'texture'>,
  projection: Projection,
  { low, high, cloud }: Light,
  drift: number,
): void {
  const [stepE, stepN] = projection.step;
  for (let y = 0; y < size.heightPx; y++) {
    const [fromE, fromN, up] = projection.ray(0.5, y + 0.5);
    if (up < -0.02) return;
    for (let x = 0, i = y * size.widthPx; x < size.widthPx; x++, i++) {
      if (depth[i] !== SKY) continue;
      const e = fromE + x * stepE;
      const n = fromN + x * stepN;
      // Clouds lie on a plane, so that they grow smaller and flatter towards the horizon.
      const slope = max(0.004, up / hypot(e, n));
      const scale = 26 / (slope + 0.09);
      const puff = texture[(floor(n * scale) & MASK) * SIDE + (floor(e * scale + drift) & MASK)] ?? 0;
      const height = min(1, slope / 0.25) ** 0.7;
      const cover = max(0, min(1, 0.42 + puff * 1.5)) * min(1, 0.25 + slope * 6);
      for (let c = 0 as 0 | 1 | 2; c < 3; c++) {
        const clear = low[c] + (high[c] - low[c]) * height;
        rgb[i * 3 + c] = clear + (cloud[c] - clear) * cover;
      }
    }
  }
}
