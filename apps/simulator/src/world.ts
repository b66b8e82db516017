import { Beds } from './beds.js';
import type { Rgb } from './canvas.js';
import {
  BUILDING,
  type House,
  local,
  P1,
  P2,
  type Railing,
  RIVERS,
  type Road,
  ROADS,
  type Standing,
} from './layout.js';
import { along, distanceToLine, lengthOf, pointAlong } from './line.js';
import { hash, randomOf } from './noise.js';
import type { EastNorth, LonLat } from './projection.js';

// Looked up once: within Jest's contexts a global costs ten times as much.
const { floor, hypot } = Math;

/** Everything that stands in the street, all made from one seed. */
export interface World {
  readonly houses: readonly House[];
  readonly trees: readonly Standing[];
  readonly lamps: readonly Standing[];
  readonly railings: readonly Railing[];
  readonly staffs: readonly Standing[];
}

/** From a camera to the flood place that it is to see, the last one but for {@link BUILDING}: nothing else of ours may stand between. */
const WATCHED: readonly (readonly [from: LonLat, to: LonLat])[] = [
  [[120.295, 23.080987], P1],
  [[120.296464, 23.077916], P1],
  [[120.297928, 23.080806], P2],
  [[120.295878, 23.079], P1],
];
const SIGHTLINES = WATCHED.map(([from, to]) => [local(from), local(to)] as const);

/**
 * Builds the town around cameras that stand at `cameras`: nothing is put in front of a lens, into a road or a river, or
 * between a camera and the flood place that it watches.
 */
export function buildWorld(cameras: readonly LonLat[], seed: number): World {
  const lenses = cameras.map(local);
  const isFree = (at: EastNorth, radiusM: number): boolean =>
    ROADS.every(({ line, widthM }) => distanceToLine(at, line) > widthM / 2 + radiusM) &&
    RIVERS.every(({ line, bedM }) => distanceToLine(at, line) > bedM + 3 + radiusM) &&
    SIGHTLINES.every((line) => distanceToLine(at, line) > 5 + radiusM) &&
    lenses.every(([e, n]) => hypot(at[0] - e, at[1] - n) > 13 + radiusM) &&
    hypot(at[0] - 45, at[1]) > 18 + radiusM;
  return {
    houses: [sectionElevenBuilding(), ...houses(isFree, seed)],
    trees: trees(isFree, seed),
    lamps: ROADS.flatMap((one) => lamps(one)).filter(({ at }) =>
      lenses.every(([e, n]) => hypot(at[0] - e, at[1] - n) > 6),
    ),
    railings: railings(),
    staffs: staffs(),
  };
}

function sectionElevenBuilding(): House {
  const { west, south, east, north, heightM } = BUILDING;
  const corners: House['corners'] = [
    local([west, south]),
    local([east, south]),
    local([east, north]),
    local([west, north]),
  ];
  return { corners, heightM, rgb: [196, 178, 150] };
}

const WALLS: readonly Rgb[] = [
  [204, 196, 182],
  [188, 170, 150],
  [172, 180, 184],
  [206, 188, 160],
  [160, 128, 112],
  [184, 192, 178],
];

function houses(isFree: (at: EastNorth, radiusM: number) => boolean, seed: number): House[] {
  return ROADS.filter(({ name }) => name !== 'Expressway').flatMap(({ line, widthM }, r) => {
    const random = randomOf(hash(seed, r));
    return along(line, () => 17 + 26 * random()).flatMap(({ at, right }) =>
      [-1, 1].flatMap((side): House[] => {
        const [frontM, depthM] = [9 + 7 * random(), 9 + 5 * random()];
        const floors = 1 + floor(3.4 * random());
        const rgb = WALLS[floor(random() * WALLS.length)] ?? [190, 180, 170];
        const away = side * (widthM / 2 + 5 + depthM / 2 + 4 * random());
        const middle: EastNorth = [at[0] + right[0] * away, at[1] + right[1] * away];
        if (random() < 0.4 || !isFree(middle, hypot(frontM, depthM) / 2)) return [];
        const corner = (x: number, y: number): EastNorth => [
          middle[0] + (right[0] * x * depthM - right[1] * y * frontM) / 2,
          middle[1] + (right[1] * x * depthM + right[0] * y * frontM) / 2,
        ];
        return [
          { corners: [corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)], heightM: 0.6 + 3.2 * floors, rgb },
        ];
      }),
    );
  });
}

function trees(isFree: (at: EastNorth, radiusM: number) => boolean, seed: number): Standing[] {
  const random = randomOf(hash(seed, 99));
  const found: Standing[] = [];
  for (let e = -2_300; e < 2_300; e += 38) {
    for (let n = -1_800; n < 1_900; n += 38) {
      const at: EastNorth = [e + 30 * random(), n + 30 * random()];
      const heightM = 3.5 + 5 * random();
      if (random() < 0.22 && isFree(at, 2.5)) found.push({ at, heightM });
    }
  }
  return found;
}

function lamps({ line, widthM }: Road): Standing[] {
  return along(line, () => 34).map(({ at, right }, i) => {
    const away = (i % 2 === 0 ? 1 : -1) * (widthM / 2 + 0.9);
    return { at: [at[0] + right[0] * away, at[1] + right[1] * away], heightM: 8 };
  });
}

/** Both sides of every bridge, in pieces of three metres. */
function railings(): readonly Railing[] {
  const beds = new Beds();
  return ROADS.flatMap(({ line, widthM }) => {
    const found: Railing[] = [];
    for (let s = 0; s < lengthOf(line) - 3; s += 3) {
      const [from, to] = [pointAlong(line, s), pointAlong(line, s + 3)];
      if (!beds.find(from.at[0], from.at[1])) continue;
      for (const side of [-1, 1]) {
        const across = side * (widthM / 2 + 1.7);
        const beside = ({ at, right }: typeof from): EastNorth => [
          at[0] + right[0] * across,
          at[1] + right[1] * across,
        ];
        found.push({ from: beside(from), to: beside(to) });
      }
    }
    return found;
  });
}

/** Staffs just above the edge of low water, on which the level is read. */
function staffs(): readonly Standing[] {
  return RIVERS.flatMap(({ line, bedM, lowM }) =>
    along(line, () => 90).map(({ at, right }, i): Standing => {
      const away = (i % 2 === 0 ? 1 : -1) * (lowM + 0.14 * (bedM - lowM));
      return { at: [at[0] + right[0] * away, at[1] + right[1] * away], heightM: 3 };
    }),
  );
}
