import type { HealthState } from '#health';
import { keepFrames, keepPresets } from './keep-frames.js';
import { keepHistory, missingPartitionOf } from './keep-history.js';
import { keepReferences } from './references.js';
import { packed } from './packed-probe.js';
import { keepPartitionsOf } from './partitions.js';
import { eventsOf, probeAnnouncements } from './probe-events.js';
import type { KeptReport, ProbeRecord } from './probe-record.js';
import { type Database, type Fragment, NOTHING, rowsFrom, run, sql } from './sql.js';

/** Somebody who is told of what fails and works again. */
interface Watch {
  failed(error: unknown): void;
  worked(): unknown;
}

const UNWATCHED: Watch = { failed: () => undefined, worked: () => undefined };

/**
 * What probes have established, as it is kept. Results are fenced by the lease's epoch (reliability.md REL-2): at most one counts
 * for each lease, and a late one changes nothing.
 */
export class ProbeResults {
  /** @param partitions is told whether there is room for all that results bring with them */
  constructor(
    private readonly db: Database,
    private readonly partitions: Watch = UNWATCHED,
  ) {}

  /**
   * Keeps results, ends their leases and announces what they tell of, in one statement, whatever others do. A wish for a probe is fulfilled by it, also one
   * that came while it ran (probing.md section 9).
   * @returns cameras whose result counted; the leases of the others were lost
   */
  async record(results: readonly ProbeRecord[]): Promise<ReadonlySet<string>> {
    if (results.length === 0) return new Set();
    const missing = new Set<string>();
    for (;;) {
      try {
        const counted = await this.keep(results, missing);
        if (missing.size === 0) this.partitions.worked();
        return counted;
      } catch (error) {
        const table = missingPartitionOf(error);
        if (table === null || missing.has(table)) throw error;
        const { made } = await keepPartitionsOf(this.db, table, false);
        if (made > 0) continue;
        this.partitions.failed(error);
        missing.add(table);
      }
    }
  }

  /**
   * A row that no partition takes undoes the whole statement: whatever is written beside the results is left out then (REL-11).
   * @param missing tables that have no partition for it
   */
  private async keep(results: readonly ProbeRecord[], missing: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const hasHistory = !missing.has('health_transition') && !missing.has('probe_hour');
    const rows = await run<{ cameraId: string }>(
      this.db,
      sql`
        with r as materialized (
          select * from ${rowsFrom(
            results.map(rowOf),
            `camera_id uuid, epoch bigint, due_in_s float8, status text, shown jsonb, state jsonb, memory jsonb,
            report jsonb, checked_at timestamptz, captured_at timestamptz, stale_after_s float8, new_picture boolean,
            frame_key text, probe_code integer, faults jsonb, events jsonb, reference jsonb,
            network text, is_failing boolean, frames jsonb, preset jsonb`,
          )} as r),
        held as materialized (
          select l.camera_id, l.epoch
          from probe_lease l
          join r on r.camera_id = l.camera_id and r.epoch = l.epoch
          where l.lease_until is not null
          order by l.camera_id
          for update of l),
        ${missing.has('outbox') ? NOTHING : sql`announced as (${probeAnnouncements()}),`}${keepReferences()}${keepPictures(results)}
        freed as (
          update probe_lease l
          set due_at = now() + make_interval(secs => r.due_in_s), asked_at = null, lease_owner = null, lease_until = null,
              network = coalesce(r.network, l.network)
          from r
          join held on held.camera_id = r.camera_id and held.epoch = r.epoch
          where l.camera_id = r.camera_id)
        ${hasHistory ? keepHistory() : NOTHING}
        update camera_health h
        set status = r.status, shown = r.shown, state = r.state, memory = r.memory, report = r.report,
            revision = h.revision + 1, checked_at = r.checked_at, stale_after_s = r.stale_after_s,
            expected_by = now() + make_interval(secs => r.due_in_s + r.stale_after_s),
            faults = array(select jsonb_array_elements_text(r.faults)),
            failing_since = case when r.is_failing then coalesce(h.failing_since, r.checked_at) end,
            captured_at = case
              when case when r.new_picture then r.frame_key else h.frame_key end is null then null
              else coalesce(r.captured_at, h.captured_at) end,
            frame_key = case when r.new_picture then r.frame_key else h.frame_key end
        from r
        join held on held.camera_id = r.camera_id and held.epoch = r.epoch
        where h.camera_id = r.camera_id
        returning h.camera_id as "cameraId"`,
    );
    return new Set(rows.map(({ cameraId }) => cameraId));
  }
}

/** Most cameras have neither presets nor a history, and their statement says nothing of them. */
const keepPictures = (results: readonly ProbeRecord[]): Fragment =>
  sql`${
    results.some(({ frames }) => frames !== undefined) ? keepFrames() : NOTHING
  }${results.some(({ preset }) => preset !== undefined) ? keepPresets() : NOTHING}`;

/** Standings in which probes bring no picture. */
const FAILING: ReadonlySet<HealthState['standing']> = new Set(['suspect', 'offline']);

const rowOf = ({ report, configVersion, frameKey, capturedAt, ...result }: ProbeRecord): object => ({
  camera_id: result.cameraId,
  epoch: result.epoch,
  due_in_s: result.dueInS,
  status: result.status,
  shown: result.shown,
  state: result.state,
  memory: result.memory,
  report: { configVersion, answer: report } satisfies KeptReport,
  checked_at: report.checkedAt,
  captured_at: capturedAt ?? null,
  stale_after_s: result.staleAfterS,
  new_picture: frameKey !== undefined,
  frame_key: frameKey ?? null,
  probe_code: packed(result.countedAs, report.phases.firstFrameMs),
  faults: result.shown.flags.filter(({ state }) => state === 'fault').map(({ flag }) => flag),
  events: eventsOf(result),
  reference: result.reference ?? null,
  network: result.network,
  is_failing: FAILING.has(result.state.standing),
  frames: result.frames ?? null,
  preset: result.preset ?? null,
});
