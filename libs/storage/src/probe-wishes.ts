import { setTimeout as wait } from 'node:timers/promises';
import {
  type AuthorityDocument,
  type Lifecycle,
  NotFound,
  NotProbed,
  ProberUnavailable,
  probingOf,
  type ProbeReport,
} from '#catalog';
import { audited, NO_MEMBERS } from './audit-notes.js';
import type { KeptReport } from './probe-record.js';
import { type Database, one, run, sql } from './sql.js';
import { withoutNulls } from './without-nulls.js';

/** A wish for a probe: its answer at once, or how to know it when it comes. */
export type Asked =
  | { readonly report: ProbeReport }
  | { readonly report: null; readonly revision: number; readonly configVersion: number };

/** Probes out of turn, for people who wait: a wish in the lease row, its answer in the camera's health. */
export class ProbeWishes {
  constructor(private readonly db: Database) {}

  /**
   * Asks for a probe now. A result of this configuration that is younger than the camera's `minIntervalS` is the answer.
   * @throws NotFound
   * @throws NotProbed where its lifecycle says so
   */
  async ask(cameraId: string): Promise<Asked> {
    const rows = await run<AskedRow>(
      this.db,
      sql`
        select c.lifecycle, l.config_version::float8 as "configVersion", h.revision, h.report,
               jsonb_build_object('probing', a.document -> 'probing') as authority,
               extract(epoch from now() - h.checked_at)::float8 as "ageS"
        from camera c
        join authority a on a.slug = c.authority
        join camera_health h on h.camera_id = c.id
        left join probe_lease l on l.camera_id = c.id
        where c.id = ${cameraId}::uuid`,
    );
    const [found] = rows;
    if (found === undefined) throw new NotFound(`no camera has the id ${cameraId}`);
    const { configVersion, report, ageS, revision } = found;
    if (configVersion === null) throw new NotProbed(`a camera that is ${found.lifecycle} is not probed`);
    const { minIntervalS } = probingOf(withoutNulls(found.authority));
    const isYoung = ageS !== null && ageS < minIntervalS;
    if (isYoung && report?.configVersion === configVersion) return { report: report.answer };
    await run(
      this.db,
      sql`
        with l as (
          update probe_lease set asked_at = coalesce(asked_at, now()), due_at = least(due_at, now())
          where camera_id = ${cameraId}::uuid
          returning camera_id)
        ${audited(sql`
          select c.authority, 'probe.asked', 'camera', c.id::text, ${NO_MEMBERS}, ${NO_MEMBERS}
          from l
          join camera c on c.id = l.camera_id`)}`,
    );
    return { report: null, revision, configVersion };
  }

  /** The result applied after a wish, that of a probe under way at the time included; null while there is none. @throws NotProbed */
  async answerSince(
    cameraId: string,
    asked: { readonly revision: number; readonly configVersion: number },
  ): Promise<ProbeReport | null> {
    const rows = await run<{ revision: number; report: KeptReport | null; isQueued: boolean }>(
      this.db,
      sql`
        select h.revision, h.report, l.camera_id is not null as "isQueued"
        from camera_health h
        left join probe_lease l on l.camera_id = h.camera_id
        where h.camera_id = ${cameraId}::uuid`,
    );
    const { revision, report, isQueued } = one(rows);
    if (!isQueued) throw new NotProbed('the camera is no longer probed');
    const isNew = revision > asked.revision && report !== null && report.configVersion >= asked.configVersion;
    return isNew ? report.answer : null;
  }
}

/** How often a wish is looked after, milliseconds. */
const LOOK_EVERY_MS = 100;

/**
 * Probes a camera now, by whichever prober claims it: whoever calls this never dials.
 * @param options.asked the wish, where it was asked in a transaction of its own
 * @param options.timeoutMs default 25 s
 * @throws NotFound
 * @throws NotProbed
 * @throws ProberUnavailable when no result came in time, or `signal` fired
 */
export async function probeNow(
  wishes: ProbeWishes,
  cameraId: string,
  {
    timeoutMs = 25_000,
    signal,
    ...given
  }: { readonly timeoutMs?: number; readonly signal?: AbortSignal; readonly asked?: Asked } = {},
): Promise<ProbeReport> {
  const untilMs = performance.now() + timeoutMs;
  const asked = given.asked ?? (await wishes.ask(cameraId));
  if (asked.report !== null) return asked.report;
  while (performance.now() + LOOK_EVERY_MS < untilMs && signal?.aborted !== true) {
    await wait(LOOK_EVERY_MS);
    const report = await wishes.answerSince(cameraId, asked);
    if (report !== null) return report;
  }
  throw new ProberUnavailable('no prober answered in time; the camera will be probed as soon as one does');
}

interface AskedRow {
  readonly lifecycle: Lifecycle;
  readonly configVersion: number | null;
  readonly revision: number;
  readonly report: KeptReport | null;
  readonly authority: Pick<AuthorityDocument, 'probing'>;
  readonly ageS: number | null;
}
