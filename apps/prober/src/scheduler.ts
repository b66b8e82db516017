import type { ClaimedCamera, DueQueue } from '#storage';
import type { Devices } from './devices.js';
import { CLOSING, type Lease, USABLE_SHARE } from './lease.js';
import type { ProberMetrics } from './metrics.js';
import type { Outage } from './outage.js';

/** Looks for due cameras this often, milliseconds; while there are any, and where leases have ended, so long after it looked last. */
const IDLE_MS = 1_000;
const BUSY_MS = 100;
/** Cameras newly asked in a second: an import of thousands is due at once. */
const STARTS_PER_S = 500;
/** Results that may wait to be kept; beyond, nothing is claimed (REL-15). */
const MOST_UNSAVED = 1_000;
/** Cameras asked at a time by a prober that reaches nobody: others may see. */
const WHILE_BLIND = 4;
/** A round missed by more than this at the start or after an outage is skipped, seconds. */
const MISSED_S = 2;

export interface SchedulerTools {
  readonly queue: DueQueue;
  readonly devices: Devices;
  readonly metrics: ProberMetrics;
  /** Of the database. */
  readonly outage: Outage;
  /** Results that wait to be kept. */
  readonly backlog: () => number;
  /** Whether this prober reaches nobody for a fault of its own: then it asks a few, to know when that is over. */
  readonly isBlind: () => boolean;
  /** Asks a camera, and never rejects. */
  readonly work: (lease: Lease) => Promise<void>;
}

export interface SchedulerSettings {
  readonly owner: string;
  readonly sockets: number;
  readonly ttlS: number;
}

/** Claims due cameras, as many as can be asked at once and no more, and gives each up before its lease ends. */
export class Scheduler {
  private readonly running = new Set<Promise<void>>();
  private readonly giveUp = new AbortController();
  private timer: NodeJS.Timeout | null = null;
  private looking: Promise<void> | null = null;
  /** Leases have ended during this look: the next one follows soon. */
  private isFreed = false;
  private lookedAt = -Infinity;
  private isClosing = false;
  /** Missed rounds are to be skipped before the next claim. */
  private hasSlept = true;
  private starts = STARTS_PER_S;
  private countedAt = performance.now();

  constructor(
    private readonly settings: SchedulerSettings,
    private readonly tools: SchedulerTools,
  ) {}

  start(): void {
    this.lookIn(0);
  }

  /** Leases have ended: of a recorder with many channels the next one may be asked, which waited for its device. */
  freed(): void {
    if (this.tools.isBlind()) return;
    this.isFreed = true;
    if (this.timer === null) return;
    clearTimeout(this.timer);
    this.lookIn(Math.max(0, this.lookedAt + BUSY_MS - performance.now()));
  }

  private lookIn(ms: number): void {
    if (this.isClosing) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.looking = this.look();
    }, ms);
  }

  private async look(): Promise<void> {
    let found = 0;
    this.isFreed = false;
    try {
      found = await this.claim();
      this.tools.outage.worked();
    } catch (error) {
      this.tools.outage.failed(error);
      this.hasSlept = true;
    }
    this.lookedAt = performance.now();
    this.lookIn((found > 0 || this.isFreed) && !this.tools.isBlind() ? BUSY_MS : IDLE_MS);
  }

  /** @returns how many cameras were claimed */
  private async claim(): Promise<number> {
    const { queue, devices, backlog, isBlind } = this.tools;
    const { owner, sockets, ttlS } = this.settings;
    const most = isBlind() ? WHILE_BLIND : sockets;
    if (this.hasSlept && !isBlind()) await queue.skipMissed(MISSED_S);
    this.hasSlept = isBlind();
    const free = most - this.running.size;
    const room = MOST_UNSAVED - backlog() - this.running.size;
    const limit = Math.min(free, room, this.startsLeft());
    if (limit < 1 || this.isClosing) return 0;
    // Counted from before the claim: however long it takes, the lease ends no sooner than this says.
    const askedAt = performance.now();
    const claimed = await queue.claim({ owner, limit, ttlS, skipHosts: devices.besides, leftIn: devices.leftIn });
    const readAt = performance.now();
    this.starts -= claimed.length;
    const usableMs = USABLE_SHARE * ttlS * 1000 - (readAt - askedAt);
    for (const camera of claimed) this.begin(camera, readAt, usableMs);
    return claimed.length;
  }

  private startsLeft(): number {
    const now = performance.now();
    this.starts = Math.min(STARTS_PER_S, this.starts + ((now - this.countedAt) * STARTS_PER_S) / 1000);
    this.countedAt = now;
    return Math.floor(this.starts);
  }

  private begin(camera: ClaimedCamera, readAt: number, usableMs: number): void {
    const { devices, metrics, work } = this.tools;
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), Math.max(0, usableMs));
    const lease: Lease = {
      camera,
      clock: () => camera.readAt + (performance.now() - readAt),
      signal: AbortSignal.any([over.signal, this.giveUp.signal]),
    };
    if (!camera.asked) metrics.lag.observe(camera.lateS);
    metrics.inflight.inc();
    devices.lease(camera);
    const running = work(lease).finally(() => {
      clearTimeout(timer);
      devices.endLease(camera);
      metrics.inflight.dec();
      this.running.delete(running);
    });
    this.running.add(running);
  }

  /** Claims no more, lets what runs end within the time, then gives it up. */
  async close(graceMs: number): Promise<void> {
    this.isClosing = true;
    if (this.timer !== null) clearTimeout(this.timer);
    await this.looking;
    const timer = setTimeout(() => this.giveUp.abort(CLOSING), graceMs);
    await Promise.all(this.running);
    clearTimeout(timer);
  }
}
