import type { Logger } from 'pino';
import { DatabaseUnavailable, Overloaded, QueryTooExpensive, RequestInFlight, StorageFull } from '#catalog';
import { isRetryable, type ProbeRecord, type ProbeResults, translate } from '#storage';
import { inShort, type Outage } from './outage.js';

/** A result, and what follows once it counts. */
export interface Result {
  readonly record: ProbeRecord;
  readonly counted: () => void;
}

/** Results of one statement at most, and how long the first of them waits for others, milliseconds. */
const BATCH = 500;
const GATHER_MS = 100;
/** After the database refused, milliseconds. */
const RETRY_MS = 1_000;
/** For what is unsaved when the process ends, milliseconds. */
const LAST_MS = 3_000;

/** Refusals that another try may overcome. */
const PASSING = [DatabaseUnavailable, Overloaded, QueryTooExpensive, RequestInFlight, StorageFull];

/** Keeps results in batches. While the database is away they wait here; whoever claims looks at how many there are. */
export class Recorder {
  /** By camera: of two results of one, the older has lost its lease. */
  private readonly unsaved = new Map<string, Result>();
  private timer: NodeJS.Timeout | null = null;
  private saving: Promise<void> | null = null;

  constructor(
    private readonly results: ProbeResults,
    private readonly outage: Outage,
    private readonly log: Logger,
    private readonly lost: (cameras: number) => void,
    /** The leases of some cameras have ended with their results. */
    private readonly freed: () => void,
  ) {}

  get backlog(): number {
    return this.unsaved.size;
  }

  add(result: Result): void {
    const { cameraId } = result.record;
    if (this.unsaved.has(cameraId)) this.lost(1);
    this.unsaved.set(cameraId, result);
    this.saveSoon();
  }

  private saveSoon(): void {
    if (this.saving !== null || this.timer !== null || this.unsaved.size === 0) return;
    const ms = this.outage.isOn ? RETRY_MS : this.unsaved.size >= BATCH ? 0 : GATHER_MS;
    this.timer = setTimeout(() => void this.save(), ms);
  }

  private async save(): Promise<void> {
    this.timer = null;
    this.saving = this.saveBatch();
    await this.saving;
    this.saving = null;
    this.saveSoon();
  }

  private async saveBatch(): Promise<void> {
    const batch = [...this.unsaved.values()].slice(0, BATCH);
    try {
      await this.keep(batch);
      for (const result of batch) {
        if (this.unsaved.get(result.record.cameraId) === result) this.unsaved.delete(result.record.cameraId);
      }
      this.outage.worked();
      this.freed();
    } catch (error) {
      this.outage.failed(error);
    }
  }

  /** @throws where the database is at fault and not a result */
  private async keep(batch: readonly Result[]): Promise<void> {
    try {
      const counted = await this.results.record(batch.map(({ record }) => record));
      for (const { record, counted: follow } of batch) if (counted.has(record.cameraId)) follow();
      if (counted.size < batch.length) this.lost(batch.length - counted.size);
    } catch (error) {
      const meaning = translate(error);
      if (isRetryable(error) || PASSING.some((kind) => meaning instanceof kind)) throw error;
      const [only] = batch;
      if (batch.length > 1) {
        // One result that the database cannot read must not hold up the others.
        const half = Math.ceil(batch.length / 2);
        await this.keep(batch.slice(0, half));
        await this.keep(batch.slice(half));
      } else if (only !== undefined) {
        this.log.error(
          { reason: inShort(error), camera: only.record.cameraId },
          'a result cannot be kept and is dropped',
        );
        this.lost(1);
      }
    }
  }

  /** Saves what is left, in so far as the database answers soon. */
  async close(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const until = performance.now() + LAST_MS;
    await this.saving;
    while (this.unsaved.size > 0 && performance.now() < until) {
      await this.saveBatch();
      if (this.outage.isOn) break;
    }
    if (this.timer !== null) clearTimeout(this.timer);
    if (this.unsaved.size > 0) this.log.warn({ results: this.unsaved.size }, 'results were not kept');
  }
}
