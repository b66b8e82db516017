import {
  type Building,
  type GeoCamera,
  groundDistance,
  type LonLat,
  occluderOf,
  type Sight,
  sight,
  type SightOptions,
  type Surroundings,
  type Target,
  wrap180,
} from '#geo';
import { type Buildings, type GroundLine, type StoredBuilding } from '#storage';
import type { Ground, PreparedGround } from '../surroundings/ground.js';

/** One camera and one place. */
export interface Question {
  readonly camera: GeoCamera;
  readonly target: Target;
}

/** Buildings that one line meets at most; a line of 20 km through a city meets some hundreds. */
const MOST_BUILDINGS = 2_000;

/** Asks `libs/geo` about cameras and places, with all that is known of what stands between them. */
export class Sights {
  constructor(
    private readonly ground: Ground,
    private readonly buildings: Buildings,
  ) {}

  /**
   * Answers in the order of the questions. In the order of cost: what each view shows, then, of those alone that show the place, what
   * stands in between (view.md, section 8).
   */
  async judge(
    questions: readonly Question[],
    options: Pick<SightOptions, 'atMs' | 'basis'>,
  ): Promise<readonly Sight[]> {
    const lines = questions.map(({ camera, target }) => ({ from: camera.location.coordinates, to: target.position }));
    const ground = await this.ground.prepare(lines);
    const { groundAt } = ground;
    const answers = questions.map(({ camera, target }) => sight(camera, target, { ...options, groundAt }));
    const seeing = answers.flatMap(({ sees }, i) => (sees ? [i] : []));
    const between = await this.between(seeing.map((i) => lines[i] as GroundLine));
    seeing.forEach((i, n) => {
      const { camera, target } = questions[i] as Question;
      const line = lines[i] as GroundLine;
      const surroundings = {
        ...ground.surroundingsOf(line),
        ...wallsOn(line, camera, between[n] ?? { walls: [], date: null }, ground),
      };
      if (Object.values(surroundings).every((part) => part === undefined)) return;
      answers[i] = sight(camera, target, { ...options, groundAt, occlude: occluderOf(surroundings) });
    });
    return answers;
  }

  /** Ground at a place by an elevation model, metres; null where there is none. */
  async groundAt(position: LonLat): Promise<number | null> {
    return (await this.ground.prepare([{ from: position, to: position }])).groundAt(position);
  }

  private async between(lines: readonly GroundLine[]): Promise<readonly Between[]> {
    const [dates, walls] = await Promise.all([
      this.buildings.datesAlong(lines),
      this.buildings.between(lines, MOST_BUILDINGS),
    ]);
    return lines.map((_, i) => ({ walls: walls[i] ?? [], date: dates[i] ?? null }));
  }
}

/** What is known of buildings along a line. */
interface Between {
  readonly walls: readonly StoredBuilding[];
  /** Of the newest set that covers both ends of the line; null where none does. */
  readonly date: string | null;
}

/** Buildings in a line, in the vertical reference of its ends; nothing where no set covers it and none stands in it. */
function wallsOn(
  line: GroundLine,
  { elevationM = 0 }: GeoCamera,
  { walls, date }: Between,
  { groundAt }: PreparedGround,
): Pick<Surroundings, 'buildings'> {
  if (date === null && walls.length === 0) return {};
  const mastM = groundAt(line.from);
  const isModel = mastM !== null && groundAt(line.to) !== null;
  const prisms = walls.map(({ rings, baseM, topM }): Building => {
    const groundM = isModel ? (groundAt(onLine(line, rings)) ?? mastM) : elevationM;
    return { rings, baseM: groundM + baseM, topM: groundM + topM };
  });
  const newest = walls.reduce<string | null>((best, one) => (best === null || one.date > best ? one.date : best), date);
  return { buildings: { prisms, date: newest } };
}

/** The place on a line that is nearest to a building's middle: its ground has been loaded. */
function onLine({ from, to }: GroundLine, [ring = []]: StoredBuilding['rings']): LonLat {
  const lengthM = groundDistance(from, to);
  // A ring stays on its side of the antimeridian.
  const middle = ring.reduce<[number, number]>(
    ([lon, lat], [x, y]) => [lon + x / ring.length, lat + y / ring.length],
    [0, 0],
  );
  const part = lengthM === 0 ? 0 : Math.min(1, groundDistance(from, middle) / lengthM);
  return [wrap180(from[0] + part * wrap180(to[0] - from[0])), from[1] + part * (to[1] - from[1])];
}
