import type { DataSource } from 'typeorm';
import { type FrameStore, unpackHeights } from '#frames';
import {
  type DatedGrid,
  type GroundGrid,
  type LonLat,
  mosaicFor,
  newestGround,
  type Surroundings,
  TILE_POSTS,
  TiledHeights,
  type TilePlace,
  tilesAlong,
  wrap180,
} from '#geo';
import { type Database, type GroundLine, type ReadyTerrain, Terrain } from '#storage';
import { copyTile, type Extent, type GroundWindow, meets, tilesUnder, windowOver } from './ground-window.js';
import { TileCache } from './tile-cache.js';

/** How long a list of rasters is believed, milliseconds. */
const BELIEVED_MS = 5_000;
/** Tiles that one question may hold: a line of 20 km over posts of a metre has 160. */
const MOST_TILES = 256;
/** Questions that load tiles at once; further ones wait, so that memory is bounded whatever is asked. */
const MOST_AT_ONCE = 4;

/** Places whose ground is looked up together: each lies on four tiles of a raster at most, and {@link MOST_TILES} are held at once. */
const PLACES_AT_ONCE = 16;

/** Tiles that a question about an area reads at most, and at once. */
const MOST_AREA_TILES = 1_024;
const TILES_AT_ONCE = 16;

/** What is known of the ground along the lines of one question. */
export interface PreparedGround {
  /** Ground at an end of a line, metres: bare earth, or the surface where only that is known; null where nothing is. */
  readonly groundAt: (position: LonLat) => number | null;
  /** What stands along one of the lines; empty unless both of its ends have ground: never a model here and a plane there. */
  readonly surroundingsOf: (line: GroundLine) => Pick<Surroundings, 'terrain' | 'dsm'>;
}

const NOTHING: PreparedGround = { groundAt: () => null, surroundingsOf: () => ({}) };

/** Heights of the ground, from the rasters that were imported. */
export class Ground {
  private readonly terrain: Terrain;
  private readonly cache = new TileCache();
  private known: readonly ReadyTerrain[] = [];
  private believedUntil = -Infinity;
  private asking: Promise<readonly ReadyTerrain[]> | null = null;
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    db: DataSource,
    private readonly store: FrameStore,
  ) {
    this.terrain = new Terrain(db);
  }

  /**
   * Loads what the lines need. Without any raster it costs nothing. Of lines that need more than may be held, the last ones keep unknown
   * stretches.
   * @throws FramesUnavailable
   */
  async prepare(lines: readonly GroundLine[]): Promise<PreparedGround> {
    const rasters = await this.ready();
    const near = rasters.filter((raster) => lines.some((line) => isNear(raster, line)));
    const grids = near.map((raster) => new RasterInMemory(raster));
    const wanted = wantedTiles(grids, lines);
    if (wanted.length === 0) return NOTHING;
    await this.enter();
    try {
      const tiles = await this.load(wanted);
      wanted.forEach(({ raster, place }, i) => {
        const heights = tiles[i];
        if (heights !== null && heights !== undefined) raster.put(place, heights);
      });
    } finally {
      this.leave();
    }
    return preparedOf(grids.filter(({ isEmpty }) => !isEmpty));
  }

  /**
   * Ground at places, for a transaction that writes cameras there: every statement is the transaction's own, and nothing is waited for that another may have
   * begun. The embedded database has one session, and whoever waits in it for another connection waits for himself.
   * @throws FramesUnavailable
   */
  async heightsIn(tx: Database, places: readonly LonLat[]): Promise<readonly (number | null)[]> {
    const terrain = new Terrain(tx);
    const rasters = this.isFresh() ? this.known : await terrain.ready();
    const grids = rasters.map((raster) => new RasterInMemory(raster));
    if (grids.length === 0) return places.map(() => null);
    const heights: (number | null)[] = [];
    for (let at = 0; at < places.length; at += PLACES_AT_ONCE) {
      const chunk = places.slice(at, at + PLACES_AT_ONCE);
      const wanted = wantedTiles(
        grids,
        chunk.map((place) => ({ from: place, to: place })),
      );
      const keys = await terrain.keys(wanted.map(({ raster, place }) => ({ terrainId: raster.id, ...place })));
      for (const [i, tile] of wanted.entries()) {
        const heightsThere = this.cache.peek(nameOf(tile)) ?? (await this.heightsOf(keys[i] ?? null));
        if (heightsThere !== null) tile.raster.put(tile.place, heightsThere);
      }
      const { groundAt } = preparedOf(grids.filter(({ isEmpty }) => !isEmpty));
      heights.push(...chunk.map(groundAt));
      for (const grid of grids) grid.clear();
    }
    return heights;
  }

  /**
   * Heights of an area as one array each of bare earth and surface, at every post or at every so many that `mostPosts` are not exceeded; nothing where no
   * raster is, nor where more than {@link MOST_AREA_TILES} would have to be read. Where rasters overlap, the newest counts.
   * @throws FramesUnavailable
   */
  async window(extent: Extent, mostPosts: number): Promise<Partial<Record<ReadyTerrain['kind'], GroundWindow>>> {
    const near = (await this.ready()).filter((raster) => meets(raster.extent, extent));
    const found: Partial<Record<ReadyTerrain['kind'], GroundWindow>> = {};
    for (const kind of ['terrain', 'dsm'] as const) {
      const rasters = near.filter((raster) => raster.kind === kind);
      const window = rasters.length === 0 ? null : await this.fill(windowOver(rasters, extent, mostPosts), rasters);
      if (window !== null) found[kind] = window;
    }
    return found;
  }

  private async fill(window: GroundWindow, rasters: readonly ReadyTerrain[]): Promise<GroundWindow | null> {
    const oldestFirst = [...rasters].sort((a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : 0));
    const wanted = oldestFirst.flatMap((raster) => {
      const inMemory = new RasterInMemory(raster);
      return tilesUnder(raster, window).map((place) => ({ raster: inMemory, place }));
    });
    if (wanted.length > MOST_AREA_TILES) return null;
    for (let at = 0; at < wanted.length; at += TILES_AT_ONCE) {
      const chunk = wanted.slice(at, at + TILES_AT_ONCE);
      const tiles = await this.load(chunk);
      chunk.forEach(({ raster, place }, i) => {
        const heights = tiles[i];
        if (heights != null) copyTile(raster.raster, place, heights, window);
      });
    }
    return window;
  }

  /** Lets a raster that came or went count at once in this process. */
  forget(): void {
    this.believedUntil = -Infinity;
  }

  private ready(): Promise<readonly ReadyTerrain[]> {
    if (this.isFresh()) return Promise.resolve(this.known);
    this.asking ??= this.terrain
      .ready()
      .then((list) => {
        this.known = list;
        this.believedUntil = performance.now() + BELIEVED_MS;
        return list;
      })
      .finally(() => (this.asking = null));
    return this.asking;
  }

  private isFresh(): boolean {
    return performance.now() < this.believedUntil;
  }

  private async load(wanted: readonly WantedTile[]): Promise<readonly (Float32Array | null)[]> {
    const byName = new Map(wanted.map((tile) => [nameOf(tile), tile]));
    return this.cache.get([...byName.keys()], (names) => {
      const missing = names.map((name) => byName.get(name)!);
      const keys = this.terrain.keys(missing.map(({ raster, place }) => ({ terrainId: raster.id, ...place })));
      return missing.map((_, i) => keys.then((found) => this.heightsOf(found[i] ?? null)));
    });
  }

  private async heightsOf(key: string | null): Promise<Float32Array | null> {
    const bytes = key === null ? null : await this.store.get(key);
    return bytes === null ? null : unpackHeights(bytes, TILE_POSTS * TILE_POSTS);
  }

  private async enter(): Promise<void> {
    if (this.running >= MOST_AT_ONCE) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.running += 1;
  }

  /** Whoever waits longest takes the place over. */
  private leave(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.running -= 1;
    else next();
  }
}

/** A raster with those of its tiles that a question needs. */
class RasterInMemory {
  readonly id: string;
  readonly dated: DatedGrid;
  isEmpty = true;
  private readonly heights: TiledHeights;
  private readonly loaded = new Set<string>();

  constructor(readonly raster: ReadyTerrain) {
    const { id, date, columns, rows, first, stepLonDeg, stepLatDeg, cellM } = raster;
    this.id = id;
    this.heights = new TiledHeights(columns, rows);
    const grid: GroundGrid = { heights: this.heights, first, stepLonDeg, stepLatDeg, cellM };
    this.dated = { grid, date };
  }

  /** Lets go of its tiles. */
  clear(): void {
    this.heights.clear();
    this.loaded.clear();
    this.isEmpty = true;
  }

  put(place: TilePlace, heights: Float32Array): void {
    this.heights.put(place, heights);
    this.loaded.add(`${place.x}/${place.y}`);
    this.isEmpty = false;
  }

  /** Tiles along a line, and a post around it: the posts of a mosaic are those of another raster. */
  tilesAlong(line: GroundLine): readonly TilePlace[] {
    return isNear(this.raster, line) ? tilesAlong(this.dated.grid, line.from, line.to, 1) : [];
  }

  knows(line: GroundLine): boolean {
    return this.tilesAlong(line).some(({ x, y }) => this.loaded.has(`${x}/${y}`));
  }
}

/** Whether the box about a line meets a raster's; there may be thousands of sheets. */
function isNear({ extent, stepLonDeg, stepLatDeg }: ReadyTerrain, { from, to }: GroundLine): boolean {
  const [west, south, east, north] = extent;
  const middle = (west + east) / 2;
  const begin = wrap180(from[0] - middle);
  const end = begin + wrap180(to[0] - from[0]);
  const halfWidth = (east - west) / 2 + stepLonDeg;
  return (
    Math.min(begin, end) <= halfWidth &&
    Math.max(begin, end) >= -halfWidth &&
    Math.min(from[1], to[1]) <= north + stepLatDeg &&
    Math.max(from[1], to[1]) >= south - stepLatDeg
  );
}

interface WantedTile {
  readonly raster: RasterInMemory;
  readonly place: TilePlace;
}

const nameOf = ({ raster, place }: WantedTile): string => `${raster.id}/${place.x}/${place.y}`;

/** Tiles for lines, each once, as many as may be held: first those at the ends of all lines, then line by line. */
function wantedTiles(rasters: readonly RasterInMemory[], lines: readonly GroundLine[]): readonly WantedTile[] {
  const wanted = new Map<string, WantedTile>();
  const add = (line: GroundLine): void => {
    for (const raster of rasters) {
      for (const place of raster.tilesAlong(line)) {
        if (wanted.size >= MOST_TILES) return;
        const tile = { raster, place };
        wanted.set(nameOf(tile), tile);
      }
    }
  };
  for (const { from, to } of lines) {
    add({ from, to: from });
    add({ from: to, to });
  }
  for (const line of lines) add(line);
  return [...wanted.values()];
}

function preparedOf(rasters: readonly RasterInMemory[]): PreparedGround {
  const ofKind = (kind: ReadyTerrain['kind']): readonly RasterInMemory[] =>
    rasters.filter(({ raster }) => raster.kind === kind);
  const [bare, surface] = [ofKind('terrain'), ofKind('dsm')];
  const [bareGround, surfaceGround] = [bare, surface].map((of) => newestGround(of.map(({ dated }) => dated)));
  const groundAt = (position: LonLat): number | null =>
    bareGround?.(position)?.zM ?? surfaceGround?.(position)?.zM ?? null;
  return {
    groundAt,
    surroundingsOf: (line) =>
      groundAt(line.from) === null || groundAt(line.to) === null
        ? {}
        : { terrain: along(bare, line), dsm: along(surface, line) },
  };
}

/** The rasters of a kind as one for a line, with the older date of its ends; undefined where none is there. */
function along(rasters: readonly RasterInMemory[], line: GroundLine): DatedGrid | undefined {
  const there = rasters.filter((raster) => raster.knows(line)).map(({ dated }) => dated);
  if (there.length === 0) return undefined;
  const groundAt = newestGround(there);
  const [older = newestOf(there)] = [groundAt(line.from)?.date, groundAt(line.to)?.date]
    .filter((date) => date !== undefined)
    .sort();
  return { grid: mosaicFor(there, line.from, line.to), date: older };
}

const newestOf = (rasters: readonly DatedGrid[]): string =>
  rasters.map(({ date }) => date).reduce((newest, date) => (date > newest ? date : newest));
