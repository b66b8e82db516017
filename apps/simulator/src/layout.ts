import type { Rgb } from './canvas.js';
import { eastNorth, type EastNorth, type LonLat, offset } from './projection.js';

/** The two places where it floods in the demonstration (domain.md, section 11). */
export const P1: LonLat = [120.295, 23.079];
export const P2: LonLat = [120.298904, 23.079];

/** A strip along a line. Points are metres east and north of P1. */
export interface Road {
  readonly name: string;
  readonly line: readonly EastNorth[];
  readonly widthM: number;
  readonly lanes: number;
  /** Mean speed of its traffic, metres a second, and mean distance between vehicles, metres. */
  readonly speedMS: number;
  readonly gapM: number;
}

/** Water between two banks. The bed is what the highest water fills. */
export interface River {
  readonly name: string;
  /** From the source to the mouth. */
  readonly line: readonly EastNorth[];
  readonly bedM: number;
  readonly lowM: number;
}

/** A house: a box with a direction. */
export interface House {
  readonly corners: readonly [EastNorth, EastNorth, EastNorth, EastNorth];
  readonly heightM: number;
  readonly rgb: Rgb;
}

/** Something that stands at one place. */
export interface Standing {
  readonly at: EastNorth;
  readonly heightM: number;
}

/** Three metres of a bridge's railing. */
export interface Railing {
  readonly from: EastNorth;
  readonly to: EastNorth;
}

/** A staff with a ball at the ground, where a picture and a predicted pixel are compared. */
export interface Marker {
  readonly name: string;
  readonly position: LonLat;
  readonly rgb: Rgb;
}

/** Radius of a marker's ball, whose centre lies on the ground; height of its staff. Metres. */
export const MARKER_BALL_M = 0.9;
export const MARKER_STAFF_M = 3;

const MAGENTA: Rgb = [226, 34, 148];
const ORANGE: Rgb = [240, 120, 20];

/** Both flood places, the gauges 284 and 88 of demo-water, and a place before each of 1715, D and L. */
export const MARKERS: readonly Marker[] = [
  { name: 'P1', position: P1, rgb: MAGENTA },
  { name: 'P2', position: P2, rgb: MAGENTA },
  { name: 'upper canal', position: [120.306038, 23.077931], rgb: MAGENTA },
  { name: 'junction', position: [120.305053, 23.086224], rgb: MAGENTA },
  { name: 'Fuxing Road', position: [120.289388, 23.085957], rgb: MAGENTA },
  { name: '284', position: [120.297147, 23.079361], rgb: ORANGE },
  { name: '88', position: [120.303003, 23.078458], rgb: ORANGE },
];

/** The building of domain.md, section 11: it hides P1 from camera C. */
export const BUILDING = { west: 120.29539, south: 23.07891, east: 120.295488, north: 23.07909, heightM: 10 } as const;

/** Date of the houses as data, YYYY-MM-DD: the day of the flood that is played. Older than any survey that a person brings, which then counts. */
export const HOUSES_DATE = '2022-11-04';

const road = (name: string, widthM: number, speedMS: number, gapM: number, ...line: EastNorth[]): Road => ({
  name,
  line,
  widthM,
  lanes: Math.max(2, 2 * Math.round(widthM / 7.5)),
  speedMS,
  gapM,
});

/** Roads of the simulated town; not the real ones. Three meet at P1 and at the building beside it. */
export const ROADS: readonly Road[] = [
  road('Minsheng Road', 8, 10, 55, [0, -1_300], [0, 1_500]),
  road('Bridge Street', 8, 9, 60, [-2, 0], [-380, 0], [-412, 12], [-440, 42], [-560, 162], [-1_180, 210]),
  road('Footbridge Lane', 5, 5, 120, [-590, 108], [-390, -88]),
  road('Canal Lane', 6, 7, 90, [57, 0], [1_560, 0]),
  road('Zhongshan Road', 15, 13, 38, [1_000, -1_300], [1_000, 1_800]),
  road('Fuxing Road', 12, 12, 45, [-1_200, 780], [1_900, 780]),
  road('Dazhou Road', 12, 12, 50, [-1_700, -850], [1_700, -850]),
  road('Levee Road', 7, 9, 110, [-900, -1_300], [-900, 1_500]),
  road('Expressway', 26, 25, 42, [-2_500, -1_400], [2_500, -1_400]),
  road('Park Avenue', 9, 8, 70, [1_000, 1_100], [1_900, 1_100]),
  road('Park Loop', 8, 8, 80, [1_500, 780], [1_500, 1_600]),
];

/** The river under camera 1639, and the canal that the gauges stand at. */
export const RIVERS: readonly River[] = [
  {
    name: 'Yanshuei',
    line: [
      [700, 1_750],
      [430, 1_180],
      [230, 820],
      [-120, 480],
      [-447, 52],
      [-640, -145],
      [-1_000, -560],
      [-1_500, -1_250],
      [-2_100, -1_700],
    ],
    bedM: 19,
    lowM: 8,
  },
  {
    name: 'canal',
    line: [
      [1_700, -240],
      [1_300, -160],
      [820, -64],
      [220, 36],
      [120, 75],
      [0, 104],
      [-120, 190],
      [-250, 310],
    ],
    bedM: 6,
    lowM: 2.6,
  },
];

/** A place in metres east and north of P1. */
export function local(place: LonLat): EastNorth {
  return eastNorth(P1, place);
}

/** A place by metres east and north of P1. */
export const placeAt = ([eastM, northM]: EastNorth): LonLat => offset(P1, eastM, northM);
