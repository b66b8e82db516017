import type { Logger } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { Refusal, type TerrainKind, type TerrainRaster, UnusableRaster } from '#catalog';
import type { FrameStore } from '#frames';
import { type LonLatGrid, openGeotiff, planGrid, type Raster } from '#intake';
import { type Acting, type Projections, type Terrain, type TerrainTile, translate, WGS84_EPSG } from '#storage';
import { OpenFile } from './open-file.js';
import { readTerrain } from './read-terrain.js';
import type { Upload } from './receive-upload.js';
import { Recurring } from '../recurring.js';
import type { PackedTile } from './terrain-worker.js';

/** What is asked of an import. */
export interface TerrainOrder {
  readonly kind: TerrainKind;
  /** Date of the data, YYYY-MM-DD. */
  readonly date: string;
  /** CRS in place of what the file states. */
  readonly epsg?: number;
  /** The principal that sent the file. */
  readonly createdBy: string;
}

/** Tiles that are named in one statement. */
const BATCH_TILES = 32;
/** How often imports say that they go on, milliseconds; far within their lease. */
const REPORT_EVERY_MS = 2_000;
/** How often dead imports are ended, milliseconds. */
const SWEEP_EVERY_MS = 10_000;

interface Job {
  readonly id: string;
  readonly upload: Upload;
  readonly epsg: number;
  readonly grid: LonLatGrid;
  readonly stop: AbortController;
}

/** The process ends, or nobody wants the raster any more. */
class Stopped extends Error {}

const ENDING = 'the server was stopped in the middle of this import; send the file again';

/** Takes rasters of heights, one at a time; others wait. */
export class TerrainImport {
  private readonly jobs = new Map<string, Job>();
  private queue: Promise<void> = Promise.resolve();
  private isClosing = false;
  private readonly reports: Recurring;
  private readonly sweeps: Recurring;

  /** @param onGroundChanged is told where heights begin to count, or cease to: west, south, east, north */
  constructor(
    private readonly terrain: Terrain,
    private readonly projections: Projections,
    private readonly store: FrameStore,
    private readonly log: Logger,
    private readonly onGroundChanged: (bbox: readonly number[]) => void,
  ) {
    const warn = (error: unknown): void => log.warn({ err: error }, 'rasters of heights could not be looked after now');
    this.reports = new Recurring(() => this.report(), REPORT_EVERY_MS, warn);
    this.sweeps = new Recurring(() => this.terrain.endDead(), SWEEP_EVERY_MS, warn);
  }

  /** Begins to look after imports, those of processes that died included. */
  start(): void {
    this.reports.start();
    this.sweeps.start();
    this.sweeps.now();
  }

  /** Ends imports that run or wait; they show as failed. */
  async close(): Promise<void> {
    this.isClosing = true;
    for (const { stop } of this.jobs.values()) stop.abort(new Stopped(ENDING));
    await this.queue;
    await this.reports.close();
    await this.sweeps.close();
  }

  /**
   * Accepts a file, which is removed when it was read; what becomes of it shows in its raster.
   * @param acting for whoever sent it
   * @throws UnusableRaster when its head shows that no terrain can be made of it
   */
  async accept(upload: Upload, { kind, date, epsg, createdBy }: TerrainOrder, acting: Acting): Promise<TerrainRaster> {
    try {
      const { raster, grid } = await this.judge(upload, epsg);
      const { columns, rows } = raster;
      const { bytes } = upload;
      const begun = { id: uuidv7(), kind, date, epsg: raster.epsg, columns, rows, bytes, grid, createdBy };
      const answer = await acting((tx) => this.terrain.begin(begun, tx));
      const job: Job = { id: begun.id, upload, epsg: raster.epsg, grid, stop: new AbortController() };
      this.jobs.set(job.id, job);
      this.queue = this.queue.then(() => this.run(job));
      return answer;
    } catch (error) {
      await upload.discard();
      throw error;
    }
  }

  /** Removes a raster; its import, if it still runs, ends. @returns whether there was one */
  async remove(id: string, acting: Acting): Promise<boolean> {
    const removed = await acting((tx) => this.terrain.remove(id, tx));
    if (removed === null) return false;
    this.jobs.get(id)?.stop.abort(new Stopped('the raster was removed'));
    if (removed.status === 'ready') this.onGroundChanged(removed.bbox);
    return true;
  }

  private async judge({ path }: Upload, epsg: number | undefined): Promise<{ raster: Raster; grid: LonLatGrid }> {
    const file = await OpenFile.open(path);
    try {
      const raster = await openGeotiff(file, epsg === undefined ? {} : { epsg });
      if (!(await this.projections.knows(raster.epsg))) {
        throw new UnusableRaster('unknown_crs', `the database knows no CRS with the code EPSG:${raster.epsg}`);
      }
      const grid = await planGrid(raster, (xys) => this.projections.project(raster.epsg, WGS84_EPSG, xys));
      return { raster, grid };
    } finally {
      await file.close();
    }
  }

  /** Never rejects: whatever happens is said of the raster. */
  private async run(job: Job): Promise<void> {
    try {
      if (this.isClosing) throw new Stopped(ENDING);
      const knownShare = await this.read(job);
      const ready = await this.terrain.finish(job.id, knownShare);
      if (ready !== null) this.onGroundChanged(ready.bbox);
    } catch (thrown) {
      await this.fail(job, translate(thrown));
    } finally {
      this.jobs.delete(job.id);
      await job.upload.discard();
    }
  }

  /** @returns share of the raster that has heights */
  private async read({ id, upload, epsg, grid, stop }: Job): Promise<number> {
    let batch: TerrainTile[] = [];
    let kept = 0;
    const write = async (progress: number): Promise<void> => {
      if (batch.length === 0) return;
      if (!(await this.terrain.keep(id, batch, progress))) throw new Stopped('the raster was removed');
      kept += batch.length;
      batch = [];
    };
    const reader = {
      project: (lonLats: Float64Array) => this.projections.project(WGS84_EPSG, epsg, lonLats),
      keep: async (tile: PackedTile, progress: number): Promise<void> => {
        batch.push(await this.stored(tile));
        if (batch.length >= BATCH_TILES) await write(progress);
      },
    };
    const { knownShare } = await readTerrain({ path: upload.path, epsg, grid }, reader, stop.signal);
    await write(1);
    if (kept === 0) throw new UnusableRaster('no_heights', 'no cell of the raster has a height');
    return knownShare;
  }

  private async stored({ x, y, packed, lowestM, highestM }: PackedTile): Promise<TerrainTile> {
    const key = await this.store.put('terrain', Buffer.from(packed.buffer, packed.byteOffset, packed.length));
    return { x, y, key, bytes: packed.length, lowestM, highestM };
  }

  private async fail({ id }: Job, error: unknown): Promise<void> {
    const isExpected = error instanceof Refusal || error instanceof Stopped;
    if (!isExpected) this.log.error({ err: error, raster: id }, 'an import of heights broke');
    const problem = isExpected ? error.message : 'an unexpected error; it was logged with the id of this raster';
    // Where the database is gone too, the raster fails when its lease ends.
    await this.terrain.fail(id, problem).catch((cause: unknown) => this.log.warn({ err: cause, raster: id }, problem));
  }

  /** Keeps imports, those that wait included, from being taken for dead. */
  private async report(): Promise<void> {
    if (this.jobs.size === 0) return;
    const goOn = await this.terrain.goOn([...this.jobs.keys()]);
    for (const { id, stop } of this.jobs.values()) {
      if (!goOn.has(id)) stop.abort(new Stopped('the raster was removed'));
    }
  }
}
