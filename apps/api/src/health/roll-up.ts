import type { DataSource } from 'typeorm';
import { EMPTY_TALLY, merged, tallyOf } from '#health';
import { HistoryRollup, transact } from '#storage';

/** Cameras of one transaction at most: the embedded database has one session, and others wait meanwhile. */
const BATCH = 500;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/** Sums up the probes of every hour that is over, and adds them to their days. @returns false where another process is at it, or `signal` fired */
export async function rollUp(db: DataSource, signal: AbortSignal): Promise<boolean> {
  for (;;) {
    const hour = await new HistoryRollup(db).nextHour();
    if (hour === null) return true;
    if (!(await rollUpHour(db, hour, signal))) return false;
  }
}

async function rollUpHour(db: DataSource, hour: string, signal: AbortSignal): Promise<boolean> {
  for (let after: string | null = BEFORE_ALL; after !== null;) {
    if (signal.aborted) return false;
    const from: string = after;
    const step = await transact(db, async (tx) => {
      const rollup = new HistoryRollup(tx);
      return (await rollup.tryAlone()) ? { last: await rollUpBatch(rollup, hour, from) } : null;
    });
    if (step === null) return false;
    after = step.last;
  }
  return true;
}

/** @returns the last camera of the batch; null after the last batch of the hour */
async function rollUpBatch(rollup: HistoryRollup, hour: string, after: string): Promise<string | null> {
  const found = await rollup.probesOf(hour, after, BATCH);
  const tallies = found.map(({ cameraId, probes }) => ({ cameraId, tally: tallyOf(probes) }));
  // Those that a process before us had done are in their day already.
  const added = await rollup.addHours(hour, tallies);
  const fresh = tallies.filter(({ cameraId }) => added.has(cameraId));
  const day = `${hour.slice(0, 10)}T00:00:00.000Z`;
  const kept = await rollup.daysOf(
    day,
    fresh.map(({ cameraId }) => cameraId),
  );
  const before = new Map(kept.map(({ cameraId, tally }) => [cameraId, tally]));
  await rollup.putDays(
    day,
    fresh.map(({ cameraId, tally }) => ({ cameraId, tally: merged(before.get(cameraId) ?? EMPTY_TALLY, tally) })),
  );
  const last = found.length < BATCH ? undefined : found.at(-1);
  if (last === undefined) await rollup.finish(hour);
  return last?.cameraId ?? null;
}
