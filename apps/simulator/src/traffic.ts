import { blend, depthCode, disc, type Pixel, projected, type Rgb, scan } from './canvas.js';
import type { Light } from './light.js';
import { hash } from './noise.js';
import type { EastNorth, Projection, Seen } from './projection.js';
import { type Road, ROADS } from './layout.js';
import { distanceToLine, lengthOf, pointAlong } from './line.js';

// Looked up once: within Jest's contexts a global costs ten times as much.
const { floor, hypot, max } = Math;

/** Vehicles beyond are left out, metres. */
const REACH_M = 420;

interface Body {
  readonly kind: 'scooter' | 'car' | 'van';
  readonly widthM: number;
  readonly lengthM: number;
}
const SCOOTER: Body = { kind: 'scooter', widthM: 0.75, lengthM: 1.9 };
const CAR: Body = { kind: 'car', widthM: 1.8, lengthM: 4.3 };
const VAN: Body = { kind: 'van', widthM: 2.1, lengthM: 6.4 };

const COLOURS: readonly Rgb[] = [
  [226, 226, 224],
  [40, 44, 52],
  [150, 154, 160],
  [168, 36, 34],
  [46, 78, 138],
  [200, 168, 52],
  [92, 104, 96],
];

/** A vehicle at one moment, in metres from P1. */
export interface Vehicle {
  readonly at: EastNorth;
  /** Unit vector of its way. */
  readonly ahead: EastNorth;
  readonly body: Body;
  readonly rgb: Rgb;
}

/** Roads on which a camera can make out vehicles. */
export const roadsNear = (foot: EastNorth): readonly Road[] =>
  ROADS.filter(({ line }) => distanceToLine(foot, line) < REACH_M);

/** What is on these roads at a moment, within sight of a camera; traffic keeps to the right. */
export function vehiclesAt(roads: readonly Road[], foot: EastNorth, atMs: number): readonly Vehicle[] {
  return roads.flatMap((road) => {
    const { line, widthM, lanes, speedMS, gapM } = road;
    const r = ROADS.indexOf(road); // all cameras see the same vehicles
    const found: Vehicle[] = [];
    const length = lengthOf(line);
    const count = floor(length / gapM);
    for (let lane = 0; lane < lanes; lane++) {
      const way = lane % 2 === 0 ? 1 : -1;
      const across = way * (0.5 + (lane >> 1)) * (widthM / lanes);
      const speed = speedMS * (1 - 0.12 * (lane >> 1));
      for (let i = 0; i < count; i++) {
        const chance = hash(r * 64 + lane, i);
        const travelled = (i + ((chance & 255) / 255) * 0.8) * gapM + (atMs / 1_000) * speed;
        const s = ((travelled % length) + length) % length;
        const { at, right } = pointAlong(line, way > 0 ? s : length - s);
        const place: EastNorth = [at[0] + right[0] * across, at[1] + right[1] * across];
        if (hypot(place[0] - foot[0], place[1] - foot[1]) > REACH_M) continue;
        const kind = (chance >> 8) % 10;
        found.push({
          at: place,
          ahead: [-right[1] * way, right[0] * way],
          body: speedMS < 20 && kind < 4 ? SCOOTER : kind < 8 ? CAR : VAN,
          rgb: COLOURS[(chance >> 12) % COLOURS.length] ?? [200, 200, 200],
        });
      }
    }
    return found;
  });
}

/** Where vehicles are painted: a picture, and how deep it is. */
export interface Stage {
  readonly rgb: Uint8ClampedArray;
  readonly depth: Uint8Array;
  readonly projection: Projection;
  readonly foot: EastNorth;
  readonly light: Light;
}

/** Paints vehicles into a picture, far to near, behind whatever stands before them. */
export function drawVehicles(stage: Stage, vehicles: readonly Vehicle[]): void {
  const seen = vehicles
    .map((vehicle) => ({ vehicle, depthM: place(stage, vehicle.at, 0)[2] }))
    .filter(({ depthM }) => depthM > 3)
    .sort((a, b) => b.depthM - a.depthM);
  for (const { vehicle, depthM } of seen) drawVehicle(stage, vehicle, depthM);
}

const place = ({ projection, foot }: Stage, [e, n]: EastNorth, aboveM: number): Seen =>
  projection.seen([e - foot[0], n - foot[1]], aboveM);

function drawVehicle(stage: Stage, { at, ahead, body, rgb }: Vehicle, depthM: number): void {
  const corner = (along: number, across: number, aboveM: number): Seen =>
    place(
      stage,
      [
        at[0] + (ahead[0] * along * body.lengthM + ahead[1] * across * body.widthM) / 2,
        at[1] + (ahead[1] * along * body.lengthM - ahead[0] * across * body.widthM) / 2,
      ],
      aboveM,
    );
  const quad = (points: readonly Seen[], colour: Rgb, alpha = 1): void =>
    paint(stage, projected(stage.projection, points).pixels, depthM, colour, alpha);
  const day = lit(stage.light);
  quad([corner(-1.1, -1.3, 0), corner(1.1, -1.3, 0), corner(1.1, 1.3, 0), corner(-1.1, 1.3, 0)], [20, 20, 24], 0.42);

  const [e, n] = [stage.foot[0] - at[0], stage.foot[1] - at[1]];
  const isFront = e * ahead[0] + n * ahead[1] > 0;
  const isRight = e * ahead[1] - n * ahead[0] > 0;
  const [end, side] = [isFront ? 1 : -1, isRight ? 1 : -1];
  const sides: Sides = {
    /** The side that is seen, from one height and half-length to another. */
    flank: (lowM, highM, low, high, colour) =>
      quad(
        [corner(-low, side, lowM), corner(low, side, lowM), corner(high, side, highM), corner(-high, side, highM)],
        colour,
      ),
    /** The end that is seen, likewise. */
    end: (lowM, highM, low, high, colour) =>
      quad(
        [
          corner(end * low, -1, lowM),
          corner(end * low, 1, lowM),
          corner(end * high, 1, highM),
          corner(end * high, -1, highM),
        ],
        colour,
      ),
    top: (aboveM, half, colour) =>
      quad(
        [corner(-half, -1, aboveM), corner(half, -1, aboveM), corner(half, 1, aboveM), corner(-half, 1, aboveM)],
        colour,
      ),
  };
  SHAPES[body.kind](sides, (colour, shade) => day(colour, shade), rgb);
  drawLights(stage, body, corner, isFront, depthM);
}

interface Sides {
  readonly flank: (lowM: number, highM: number, low: number, high: number, colour: Rgb) => void;
  readonly end: (lowM: number, highM: number, low: number, high: number, colour: Rgb) => void;
  readonly top: (aboveM: number, half: number, colour: Rgb) => void;
}

type Tone = (colour: Rgb, shade: number) => Rgb;

const GLASS: Rgb = [62, 74, 86];
const DARK: Rgb = [52, 54, 58];

/** How each kind of vehicle is put together, from below. */
const SHAPES: Readonly<Record<Body['kind'], (sides: Sides, tone: Tone, rgb: Rgb) => void>> = {
  scooter: ({ flank, end, top }, tone, rgb) => {
    flank(0.15, 0.8, 1, 0.85, tone(DARK, 0.9));
    end(0.15, 0.8, 1, 0.85, tone(DARK, 1));
    flank(0.8, 1.4, 0.4, 0.3, tone(rgb, 0.8));
    end(0.8, 1.4, 0.4, 0.3, tone(rgb, 0.92));
    flank(1.4, 1.7, 0.2, 0.16, tone([222, 222, 218], 0.9));
    top(1.7, 0.16, tone([230, 230, 226], 1));
  },
  car: ({ flank, end, top }, tone, rgb) => {
    flank(0.25, 0.86, 1, 1, tone(rgb, 0.72));
    end(0.25, 0.86, 1, 1, tone(rgb, 0.86));
    top(0.86, 1, tone(rgb, 1));
    flank(0.86, 1.5, 0.8, 0.6, tone(GLASS, 0.8));
    end(0.86, 1.5, 0.8, 0.6, tone(GLASS, 1));
    top(1.5, 0.6, tone(rgb, 1.04));
  },
  van: ({ flank, end, top }, tone, rgb) => {
    flank(0.3, 2.8, 1, 1, tone(rgb, 0.72));
    end(0.3, 2.8, 1, 0.97, tone(rgb, 0.86));
    end(1.5, 2.3, 1, 1, tone(GLASS, 0.9));
    top(2.8, 0.97, tone(rgb, 1.04));
  },
};

function drawLights(
  stage: Stage,
  body: Body,
  corner: (along: number, across: number, aboveM: number) => Seen,
  isFront: boolean,
  depthM: number,
): void {
  const { projection, light } = stage;
  const metre = projection.focalPx / depthM;
  const colour: Rgb = isFront ? [255, 244, 214] : [214, 24, 18];
  const radius = max(0.5, (0.13 + 0.14 * light.lamps * (isFront ? 1 : 0.6)) * metre);
  for (const across of body.kind === 'scooter' ? [0] : [-0.74, 0.74]) {
    const lamp = corner(isFront ? 1.02 : -1.02, across, 0.7);
    if (lamp[2] < 2) continue;
    const at = projection.pixel(lamp);
    if (light.lamps > 0.3) paint(stage, disc(at, radius * 3.2, radius * 2.4, 10), depthM, colour, isFront ? 0.28 : 0.2);
    paint(stage, disc(at, radius, radius, 8), depthM, colour, 0.35 + 0.6 * light.lamps);
  }
}

/** Colours of a vehicle in a light; street lamps help a little. */
const lit =
  ({ ambient, lamps }: Light) =>
  (rgb: Rgb, shade: number): Rgb => [
    rgb[0] * shade * (ambient[0] + 0.3 * lamps),
    rgb[1] * shade * (ambient[1] + 0.26 * lamps),
    rgb[2] * shade * (ambient[2] + 0.16 * lamps),
  ];

function paint(stage: Stage, pixels: readonly Pixel[], depthM: number, [red, green, blue]: Rgb, alpha: number): void {
  if (pixels.length < 3) return;
  const code = depthCode(depthM);
  scan(pixels, stage.projection.size, (i, cover) => {
    // One step of tolerance: the ground below the wheels is as near as they are.
    if ((stage.depth[i] ?? 0) + 1 >= code) blend(stage.rgb, i * 3, red, green, blue, cover * alpha);
  });
}
