import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import { type Bbox, Refusal } from '#catalog';
import { transact, translate, type ViewCursor, ViewIndex } from '#storage';
import type { ViewKeeper } from '../cameras/view-keeper.js';

/** Cameras of one transaction: short, so that no write of a camera waits long. */
const BATCH_CAMERAS = 500;

/** Batches under way at once: while the database writes one, the next is worked out. */
const LANES = 2;

/** Which views are worked out again: those that wait, or all. */
export type Which = 'waiting' | 'all';

/** A run under way, or the last one. */
export interface RebuildProgress {
  readonly which: Which;
  readonly running: boolean;
  /** Views worked out so far. */
  readonly done: number;
  /** Views to work out at the start of the run. */
  readonly total: number;
  /** RFC 3339 UTC. */
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** Why it broke off; null where it did not. */
  readonly problem: string | null;
}

/**
 * Works out again what cameras see: after the geometry changed version, or the ground under cameras did. What waits is known to the database,
 * so a run that is killed goes on where it was; several processes share the work, since each passes over what another holds.
 */
export class Rebuild {
  private current: { progress: RebuildProgress; ended: Promise<void> } | null = null;
  private closing = false;

  constructor(
    private readonly db: DataSource,
    private readonly keeper: ViewKeeper,
    private readonly log: Logger,
  ) {}

  get progress(): RebuildProgress | null {
    return this.current?.progress ?? null;
  }

  /** Starts a run, unless one is under way: that one goes on. */
  async start(which: Which): Promise<RebuildProgress> {
    if (this.current?.progress.running === true) return this.current.progress;
    const { views, waiting, at } = await new ViewIndex(this.db).state();
    // Another request may have started one meanwhile.
    if (this.progress?.running === true) return this.progress;
    const progress: RebuildProgress = {
      which,
      running: true,
      done: 0,
      total: which === 'all' ? views : waiting,
      startedAt: new Date().toISOString(),
      endedAt: null,
      problem: null,
    };
    const run = { progress, ended: Promise.resolve() };
    this.current = run;
    const report = (views: number): void => {
      run.progress = { ...run.progress, done: run.progress.done + views };
    };
    const chosen = which === 'all' ? { olderThan: at } : which;
    run.ended = Promise.all(Array.from({ length: LANES }, () => this.walk(chosen, report))).then(
      () => this.end(run, null),
      (error: unknown) => this.end(run, error),
    );
    return run.progress;
  }

  /** Works out the views of cameras again that stand or look where the ground has changed: a raster of heights came or went. */
  async groundChanged(within: Bbox): Promise<void> {
    try {
      await new ViewIndex(this.db).letWait(within);
      if (!this.closing) await this.start('waiting');
    } catch (error) {
      this.log.error({ err: error }, 'what cameras on changed ground see could not be worked out again now');
    }
  }

  /** Goes on where a process ended: after an update of the program views wait, and where one died while the ground changed they should. */
  async resume(): Promise<void> {
    await new ViewIndex(this.db).letOvertakenWait();
    await this.startIfWaiting();
  }

  private async startIfWaiting(): Promise<void> {
    const { waiting } = await new ViewIndex(this.db).state();
    if (waiting === 0 || this.closing) return;
    this.log.info({ views: waiting }, 'what cameras see is worked out again');
    await this.start('waiting');
  }

  /** Ends a run after the batch that is under way; what is left waits. */
  async close(): Promise<void> {
    this.closing = true;
    await this.current?.ended;
  }

  /** Works out batch after batch; what another lane or process holds is passed over. */
  private async walk(which: Parameters<ViewIndex['next']>[0]['which'], report: (views: number) => void): Promise<void> {
    let after: ViewCursor | undefined;
    while (!this.closing) {
      const from = after;
      const taken = await transact(this.db, async (tx) => {
        const chosen = { which, limit: BATCH_CAMERAS, ...(from === undefined ? {} : { after: from }) };
        const cameras = await new ViewIndex(tx).next(chosen);
        return { last: cameras.at(-1), views: await this.keeper.workOut(cameras, tx) };
      });
      if (taken.last === undefined) return;
      after = taken.last;
      report(taken.views);
    }
  }

  private async end(run: NonNullable<Rebuild['current']>, error: unknown): Promise<void> {
    const cause = translate(error);
    const why = cause instanceof Refusal ? cause.message : 'an error that the server’s log tells';
    const problem = error === null ? null : `it broke off: ${why}; the rest waits`;
    run.progress = { ...run.progress, running: false, endedAt: new Date().toISOString(), problem };
    const { done, total } = run.progress;
    if (error !== null) {
      this.log.error({ err: error, done, total }, 'working out what cameras see broke off; the rest waits');
      return;
    }
    this.log.info({ done, total }, 'what cameras see has been worked out again');
    // What came to wait behind the lanes, while they went on.
    if (done > 0)
      await this.startIfWaiting().catch((cause: unknown) => this.log.warn({ err: cause }, 'views may wait'));
  }
}
