import type { Logger } from 'pino';
import { nextRoundS } from '#health';
import { KeptConnections, NonceCache } from '#probe';
import { DueQueue, HeldPictures, ping, ProbeResults, Sites } from '#storage';
import type { Answer, AskTools } from './ask-service.js';
import { Cards } from './cards.js';
import { Devices } from './devices.js';
import type { Judged } from './judge.js';
import { CLOSING, type Lease } from './lease.js';
import { lineSignOf } from './line-sign.js';
import { LineWatch } from './line-watch.js';
import { ProberMetrics } from './metrics.js';
import { startOps } from './ops.js';
import { inShort, Outage } from './outage.js';
import type { ProberParts, ProberSettings } from './parts.js';
import { Recorder } from './recorder.js';
import type { Recalled } from './recall.js';
import { round, type RoundTools } from './round.js';
import { Scheduler } from './scheduler.js';
import { watchSites } from './site-watch.js';
import { startSweeping } from './sweep.js';

export type { ProberParts, ProberSettings, SealedRow } from './parts.js';

/** The running door. */
export interface RunningProber {
  /** Where `/metrics` is; absent without a listener of its own. */
  readonly opsPort?: number;
  /**
   * Claims no more, gives running probes some time, then gives them up and frees their cameras (reliability.md REL-9).
   * @param options.graceMs default 5 s
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/** Longest lease, seconds: three times the longest probe (REL-3). */
const LEASE_TTL_S = 60;
const GRACE_MS = 5_000;
const PING_EVERY_MS = 1_000;

/** Asks due cameras, any number of processes beside each other, until it is closed. Database outages are waited out. */
export async function start(settings: ProberSettings, parts: ProberParts): Promise<RunningProber> {
  const { db, log, owner } = parts;
  const queue = new DueQueue(db);
  const metrics = new ProberMetrics(parts.metrics);
  const outage = new Outage('the database', log);
  const devices = new Devices();
  const recorder = new Recorder(
    new ProbeResults(db, new Outage('keeping the history and the events of probes', log)),
    outage,
    log,
    (cameras) => metrics.leasesLost.inc(cameras),
    () => scheduler.freed(),
  );
  const kept = new KeptConnections(settings.probeSockets);
  const ask: AskTools = { parts, settings, nonces: new NonceCache(), kept, devices };
  const line = new LineWatch(log, (isBlind) => metrics.blind.set(isBlind ? 1 : 0));
  const cards = new Cards(new HeldPictures(db), new Outage('what is known of cards', log));
  const tools: RoundTools = {
    ask,
    keep: { parts, outage: new Outage('the frame store', log) },
    cards,
    random: Math.random,
    observe: (lease, answer) => observe(lease, answer, metrics, log),
    record: (lease, answer, known, judged) => {
      void line.meet(lineSignOf(lease, answer, known), {
        keep: () => recorder.add({ record: judged.record, counted: () => follow(judged, metrics, log) }),
        drop: () => void postpone(lease, known, queue, log),
      });
    },
  };
  const work = async (lease: Lease): Promise<void> => {
    try {
      const isRecorded = await round(lease, tools);
      if (!isRecorded && lease.signal.reason !== CLOSING) metrics.leasesLost.inc();
    } catch (error) {
      // The lease runs out and the camera is asked again; what is wrong is ours.
      log.error({ err: error, camera: lease.camera.cameraId }, 'a probe failed for a fault of ours');
      metrics.outcomes.inc({ outcome: 'prober_internal' });
    }
  };
  const scheduler = new Scheduler(
    { owner, sockets: settings.probeSockets, ttlS: settings.leaseTtlS ?? LEASE_TTL_S },
    {
      queue,
      devices,
      metrics,
      outage,
      backlog: () => recorder.backlog + line.waiting,
      isBlind: () => line.isBlind,
      work,
    },
  );
  const readiness = readinessOf(parts);
  const ops = settings.ops && (await startOps(settings.ops, { metrics: parts.metrics, whyNotReady: readiness.whyNot }));
  const sweeping = settings.sweeps === false ? null : startSweeping(parts.store, db, log);
  const watching = watchSites(new Sites(db), log);
  scheduler.start();
  return {
    ...(ops === undefined ? {} : { opsPort: ops.port }),
    close: async ({ graceMs = GRACE_MS } = {}) => {
      readiness.close();
      await scheduler.close(graceMs);
      kept.close();
      line.close();
      await recorder.close();
      await watching.close();
      await cards.close();
      await free(queue, owner, log);
      await sweeping?.close();
      await ops?.close();
    },
  };
}

/** The camera as it was, to be asked again in its next round: what was found is our own fault. */
async function postpone(
  { camera }: Lease,
  { rhythm, startedAt }: Recalled,
  queue: DueQueue,
  log: Logger,
): Promise<void> {
  try {
    await queue.postpone(camera, nextRoundS(rhythm, startedAt, Math.random()));
  } catch (error) {
    log.warn({ reason: inShort(error) }, 'a lease was not ended; it runs out by itself');
  }
}

async function free(queue: DueQueue, owner: string, log: Logger): Promise<void> {
  try {
    await queue.release(owner);
  } catch (error) {
    log.warn({ reason: inShort(error) }, 'leases were not freed; they run out by themselves');
  }
}

/** Counts and logs what a camera answered: its id and closed words, its address never (security.md CRED-7). */
function observe({ camera }: Lease, { result, service }: Answer, metrics: ProberMetrics, log: Logger): void {
  const { outcome, phases, evidence } = result;
  metrics.outcomes.inc({ outcome });
  metrics.observe(phases);
  log.debug({ camera: camera.cameraId, service: service.index, outcome, reason: evidence.reason, phases }, 'probed');
}

/** What follows from a result that counted. */
function follow({ record, effects }: Judged, metrics: ProberMetrics, log: Logger): void {
  const { cameraId: camera, shown } = record;
  for (const effect of effects) {
    switch (effect.kind) {
      case 'schedule':
        // Kept with the result, by the database's clock.
        break;
      case 'emit':
        metrics.transitions.inc({ to: effect.to });
        log.debug({ camera, from: effect.from, to: effect.to }, 'status');
        break;
      case 'notify':
        log.warn({ camera, status: record.status, reason: shown.reason, lastOkAt: shown.lastOkAt }, effect.notice);
        break;
      default:
        effect satisfies never;
    }
  }
}

interface Readiness {
  readonly whyNot: () => Promise<string | null>;
  readonly close: () => void;
}

/** The database answers and the process goes on; one look serves for a second. */
function readinessOf({ db }: ProberParts): Readiness {
  let isClosing = false;
  let looked: { readonly at: number; readonly answers: Promise<boolean> } | null = null;
  return {
    close: () => (isClosing = true),
    whyNot: async () => {
      if (isClosing) return 'shutting down';
      const now = performance.now();
      if (looked === null || now - looked.at > PING_EVERY_MS) looked = { at: now, answers: ping(db) };
      return (await looked.answers) ? null : 'the database does not answer';
    },
  };
}
