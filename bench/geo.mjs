// The arithmetic of one view, in one thread and one run: what a view costs, a line of sight, a sweep, a coverage. No server, no database.
//   node bench/geo.mjs
import { MACHINE, seeded } from './server.mjs';

const {
  areaCoverage,
  coverageViewOf,
  footprintOf,
  frustumOf,
  HeightArray,
  isBlockedBy,
  knownOf,
  lineOfSight,
  LocalFrame,
  reachOf,
  sees,
  sight,
  STORED_STEP_DEG,
  viewshed,
} = await import('#geo');

/** Seeded. */
const random = seeded();
const frame = new LocalFrame([121.5, 25]);
const cameras = Array.from({ length: 20_000 }, (_, i) => ({
  id: String(i),
  location: { coordinates: frame.toLonLat(1_000 * random() - 500, 1_000 * random() - 500) },
  heightM: 4 + 20 * random(),
  positionSource: 'survey',
  view: {
    azimuthDeg: 359.9 * random(),
    tiltDeg: -2 - 20 * random(),
    hfovDeg: 30 + 60 * random(),
    vfovDeg: 20 + 40 * random(),
    farM: Math.round(100 + 650 * random()),
    imageWidthPx: 1920,
    source: 'survey',
  },
}));
const frustums = cameras.map((camera) => frustumOf(camera.view, knownOf(camera)));

/** Hills on posts a metre apart, and walls of eight corners. */
const SIDE = 2_200;
const heights = new HeightArray(
  SIDE,
  SIDE,
  Float32Array.from(
    { length: SIDE * SIDE },
    (_, i) => 3 * Math.sin((i % SIDE) / 40) * Math.cos(Math.floor(i / SIDE) / 55),
  ),
);
const middle = { column: SIDE / 2, row: SIDE / 2, zM: heights.at(SIDE / 2, SIDE / 2) + 12 };
const prism = {
  rings: [
    Array.from({ length: 8 }, (_, i) => [20 * Math.cos((i * Math.PI) / 4), 20 * Math.sin((i * Math.PI) / 4)]).flat(),
  ],
  baseM: 0,
  topM: 4,
};
let sum = 0;

const perView = {
  sees: each(cameras.length, (i) => (sum += sees(frustums[i], 40, 40, -8) ? 1 : 0)),
  sight: each(cameras.length, (i) => (sum += sight(cameras[i], { position: frame.origin }, { atMs: 0 }).sees ? 1 : 0)),
  footprint: each(
    cameras.length,
    (i) => (sum += footprintOf(cameras[i], { arcStepDeg: STORED_STEP_DEG })?.areaM2 ?? 0),
  ),
  reach: each(cameras.length, (i) => (sum += reachOf(cameras[i])?.coordinates.length ?? 0)),
};
const line = Object.fromEntries([100, 300, 1_000].map((metres) => [`${metres} m`, lineOf(metres)]));
const wall = each(
  200_000,
  (i) => (sum += isBlockedBy(prism, { e: -60, n: i % 50, u: 9 }, { e: 60, n: -(i % 50), u: 0 }) ? 1 : 0),
);
const swept = millis(7, () => viewshed(heights, middle, { columnM: 1, rowM: 1, farM: 300 }));
const corner = (e, n) => frame.toLonLat(e, n);
const ring = [corner(-500, -500), corner(500, -500), corner(500, 500), corner(-500, 500), corner(-500, -500)];
const views = cameras
  .slice(0, 2_000)
  .map((camera) => coverageViewOf({ ...camera, view: { ...camera.view, farM: 50 + 150 * random() } }, 0));
const covered = millis(7, () => areaCoverage([[ring]], views));

console.log(
  JSON.stringify(
    {
      machine: MACHINE,
      perViewUs: perView,
      lineOfSightUs: line,
      segmentByOctagonUs: wall,
      viewshed300mMs: swept,
      coverage1km2Of2000ViewsMs: covered,
      checksum: Math.round(sum),
    },
    null,
    2,
  ),
);

/** A line of sight over the posts, and by the bare reading of as many posts, in the same order. */
function lineOf(metres) {
  const ends = Array.from({ length: 500 }, () => {
    const turn = 2 * Math.PI * random();
    const [column, row] = [middle.column + metres * Math.sin(turn), middle.row - metres * Math.cos(turn)];
    return { column, row, zM: 14 };
  });
  const us = each(ends.length, (i) => (sum += lineOfSight(heights, middle, ends[i], { lengthM: metres }).clearanceM));
  const bare = each(ends.length, (i) => {
    const { column, row } = ends[i];
    const steps = Math.ceil(Math.abs(column - middle.column) + Math.abs(row - middle.row));
    for (let step = 0; step < 2 * steps; step += 1) {
      const part = step / 2 / steps;
      sum += heights.at(
        Math.floor(middle.column + part * (column - middle.column)),
        Math.floor(middle.row + part * (row - middle.row)),
      );
    }
  });
  return { us, byBareReading: Number((us / bare).toFixed(2)) };
}

/** Median of seven rounds, microseconds a call. */
function each(count, work) {
  const round = () => {
    for (let i = 0; i < count; i += 1) work(i);
  };
  return Number(((millis(7, round) / count) * 1_000).toFixed(2));
}

/** Median, milliseconds. */
function millis(rounds, work) {
  work();
  const times = Array.from({ length: rounds }, () => {
    const before = performance.now();
    work();
    return performance.now() - before;
  });
  return Number(times.sort((a, b) => a - b)[rounds >> 1].toFixed(2));
}
