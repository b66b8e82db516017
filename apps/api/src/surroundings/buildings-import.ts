import { createReadStream } from 'node:fs';
import type { Logger } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { type BuildingSet, MalformedBody, Refusal } from '#catalog';
import { type BuildingFields, readBuildings, type ReadBuilding } from '#intake';
import { type Acting, type Buildings, translate } from '#storage';
import { BuildingTally } from './building-tally.js';
import type { Upload } from './receive-upload.js';
import { Recurring } from '../recurring.js';

/** What is asked of an import. */
export interface BuildingsOrder extends BuildingFields {
  /** Date of the data, YYYY-MM-DD. */
  readonly date: string;
  /** The principal that sent the file. */
  readonly createdBy: string;
}

/** Bytes that are looked at before the file is accepted. */
const HEAD_BYTES = 262_144;
/** Bytes read at once: other requests are answered in between. */
const CHUNK_BYTES = 65_536;
/** Buildings, and positions in them, that are written at once. */
const BATCH_BUILDINGS = 2_000;
const BATCH_POSITIONS = 50_000;
/** How often an import says how far it is, milliseconds; far within its lease. */
const REPORT_EVERY_MS = 1_000;
/** How often dead imports are ended and buildings that count no more are deleted, milliseconds, and how many at once. */
const SWEEP_EVERY_MS = 10_000;
const SWEEP_BUILDINGS = 5_000;

interface Job {
  readonly id: string;
  readonly upload: Upload;
  readonly fields: BuildingFields;
  readonly tally: BuildingTally;
  bytesRead: number;
  /** The set was removed meanwhile, or its import was given up. */
  isOver: boolean;
}

/** The process ends, or nobody wants the set any more. */
class Stopped extends Error {}

/**
 * Takes files of buildings, one at a time; others wait. A file is read here, in slices, so that other requests are answered in between; memory
 * holds the batch that is written and the one that is read.
 */
export class BuildingsImport {
  private readonly jobs = new Set<Job>();
  private queue: Promise<void> = Promise.resolve();
  private isClosing = false;
  private readonly reports: Recurring;
  private readonly sweeps: Recurring;

  constructor(
    private readonly buildings: Buildings,
    private readonly log: Logger,
  ) {
    const warn = (error: unknown): void => log.warn({ err: error }, 'sets of buildings could not be looked after now');
    this.reports = new Recurring(() => this.report(), REPORT_EVERY_MS, warn);
    this.sweeps = new Recurring(() => this.sweep(), SWEEP_EVERY_MS, warn);
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
    await this.queue;
    await this.reports.close();
    await this.sweeps.close();
  }

  /**
   * Accepts a file, which is removed when it was read; what becomes of it shows in its set.
   * @param acting for whoever sent it
   * @throws MalformedBody when its beginning shows that it is no file of buildings
   */
  async accept(upload: Upload, { date, createdBy, ...fields }: BuildingsOrder, acting: Acting): Promise<BuildingSet> {
    try {
      const refused = await refusalIn(upload, fields);
      if (refused !== null) throw new MalformedBody(refused);
      const { heightFrom = null, baseFrom = null } = fields;
      const { bytes } = upload;
      const begun = { id: uuidv7(), date, heightFrom, baseFrom, bytes, createdBy };
      const set = await acting((tx) => this.buildings.begin(begun, tx));
      const job: Job = { id: set.id, upload, fields, tally: new BuildingTally(), bytesRead: 0, isOver: false };
      this.jobs.add(job);
      this.queue = this.queue.then(() => this.run(job));
      return set;
    } catch (error) {
      await upload.discard();
      throw error;
    }
  }

  /** Removes a set; its import, if it still runs, ends. @returns whether there was one */
  async remove(id: string, acting: Acting): Promise<boolean> {
    const removed = await acting((tx) => this.buildings.remove(id, tx));
    if (removed === null) return false;
    this.buildings.lookAgain();
    for (const job of this.jobs) if (job.id === id) job.isOver = true;
    this.sweeps.now();
    return true;
  }

  /** Never rejects: whatever happens is said of the set. */
  private async run(job: Job): Promise<void> {
    try {
      await this.read(job);
      const sum = job.tally.sum();
      if (sum === null) throw new MalformedBody(nothingIn(job.tally));
      await this.buildings.finish(job.id, sum);
    } catch (thrown) {
      await this.fail(job, translate(thrown));
    } finally {
      this.jobs.delete(job);
      await job.upload.discard();
      this.sweeps.now();
    }
  }

  private async read(job: Job): Promise<void> {
    let writing: Promise<void> = Promise.resolve();
    let batch: ReadBuilding[] = [];
    let positions = 0;
    try {
      for await (const finding of readBuildings(this.chunksOf(job), job.fields)) {
        if ('refused' in finding) throw new MalformedBody(finding.refused.detail);
        if ('problem' in finding) {
          job.tally.leaveOut(finding.problem);
          continue;
        }
        batch.push(finding.building);
        positions += finding.building.rings.reduce((sum, ring) => sum + ring.length, 0);
        if (batch.length < BATCH_BUILDINGS && positions < BATCH_POSITIONS) continue;
        await writing;
        writing = this.write(batch, job);
        // Whoever awaits it next hears of its failure; until then nobody does.
        writing.catch(() => undefined);
        batch = [];
        positions = 0;
      }
    } finally {
      await writing;
    }
    await this.write(batch, job);
  }

  private async *chunksOf(job: Job): AsyncGenerator<Uint8Array> {
    for await (const chunk of createReadStream(job.upload.path, { highWaterMark: CHUNK_BYTES })) {
      if (this.isClosing) throw new Stopped('the server was stopped in the middle of this import; send the file again');
      if (job.isOver) throw new Stopped('the set was removed');
      job.bytesRead += (chunk as Buffer).length;
      yield chunk as Buffer;
    }
  }

  private async write(batch: readonly ReadBuilding[], { id, tally }: Job): Promise<void> {
    if (batch.length === 0) return;
    const crossed = new Set(await this.buildings.add(id, batch));
    batch.forEach((building, i) => {
      if (crossed.has(i)) tally.leaveOut({ feature: building.feature, code: 'geometry', detail: CROSSED });
      else tally.keep(building);
    });
  }

  private async fail({ id }: Job, error: unknown): Promise<void> {
    const isExpected = error instanceof Refusal || error instanceof Stopped;
    if (!isExpected) this.log.error({ err: error, set: id }, 'an import of buildings broke');
    const problem = isExpected ? error.message : 'an unexpected error; it was logged with the id of this set';
    // Where the database is gone too, the set fails when its lease ends.
    await this.buildings.fail(id, problem).catch((cause: unknown) => this.log.warn({ err: cause, set: id }, problem));
  }

  /** Says how far each import is, which also keeps it from being taken for dead. */
  private async report(): Promise<void> {
    for (const job of this.jobs) {
      const progress = job.bytesRead / job.upload.bytes;
      if (!(await this.buildings.goOn(job.id, progress, job.tally.counts()))) job.isOver = true;
    }
  }

  private async sweep(): Promise<void> {
    while (!this.isClosing && (await this.buildings.sweep(SWEEP_BUILDINGS)) === SWEEP_BUILDINGS);
  }
}

const CROSSED = 'the outline of the footprint crosses or touches itself, or a hole lies outside';

function nothingIn(tally: BuildingTally): string {
  const codes = Object.entries(tally.counts().byCode).map(([code, count]) => `${code} ${count}`);
  return codes.length === 0 ? 'the file has no feature' : `no feature could be taken: ${codes.join(', ')}`;
}

/** What the beginning of a file shows to be wrong with the whole of it, or null. */
async function refusalIn({ path, bytes }: Upload, fields: BuildingFields): Promise<string | null> {
  const head = createReadStream(path, { end: HEAD_BYTES - 1 });
  for await (const finding of readBuildings(head, fields)) {
    // A longer file ends there only because we look no further.
    const isCut = bytes > HEAD_BYTES && head.bytesRead === HEAD_BYTES;
    return 'refused' in finding && !isCut ? finding.refused.detail : null;
  }
  return null;
}
