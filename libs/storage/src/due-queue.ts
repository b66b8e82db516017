import { setTimeout as wait } from 'node:timers/promises';
import {
  type AuthorityDocument,
  DEFAULT_PROBING,
  type DeclaredDocument,
  type KnownService,
  type Lifecycle,
  NotFound,
  NotProbed,
  type PrivacyMaskDocument,
  ProberUnavailable,
  probingOf,
  type ProbeReport,
  type Status,
} from '#catalog';
import type { HealthState, ShownHealth } from '#health';
import { type Database, one, raw, run, sql } from './sql.js';

/** Who claims, how many cameras at most, and for how long. */
export interface Claim {
  /** Name of the process among all probers. */
  readonly owner: string;
  readonly limit: number;
  readonly ttlS: number;
  /** Devices that this process is dialling besides its leases. */
  readonly skipHosts?: readonly string[];
}

/** A sealed secret of a camera's service. */
export interface KeptSecret {
  readonly slot: number;
  readonly kid: string;
  readonly ciphertext: Buffer;
}

/** A camera under lease, with all that a probe of it wants to know. */
export interface ClaimedCamera {
  readonly cameraId: string;
  /** Fence of this lease: a result counts only while the row has the same. */
  readonly epoch: number;
  readonly configVersion: number;
  /** The device that the lease keeps to itself. */
  readonly host: string;
  /** By how many seconds the camera was overdue. */
  readonly lateS: number;
  /** Somebody waits for the result. */
  readonly asked: boolean;
  /** When the camera was read, by the database's clock, milliseconds since 1970. */
  readonly readAt: number;
  readonly authority: Pick<AuthorityDocument, 'slug' | 'network' | 'probing' | 'terms' | 'allowBasicPlaintext'>;
  readonly lifecycle: Lifecycle;
  /** Under maintenance now: what its lifecycle says, and the end of it has not come. */
  readonly isMaintained: boolean;
  readonly services: readonly KnownService[];
  /** Slot of each service; names its secret. */
  readonly slots: readonly number[];
  readonly secrets: readonly KeptSecret[];
  readonly masks: readonly PrivacyMaskDocument[];
  readonly declared?: DeclaredDocument;
  /** As it was recorded last; read it with `stateFrom`. */
  readonly state: unknown;
  /** As it was recorded last: what the prober wants to know again. */
  readonly memory: unknown;
  readonly frameKey: string | null;
}

/** Names of a picture in the frame store; no thumbnail where it could not be made. */
export interface NamedPicture {
  readonly frameKey: string;
  readonly thumbnailKey: string | null;
}

/** What one probe established, ready to be kept. */
export interface ProbeRecord {
  readonly cameraId: string;
  /** Of the lease. */
  readonly epoch: number;
  readonly configVersion: number;
  readonly status: Status;
  readonly shown: ShownHealth;
  readonly state: HealthState;
  /** JSON. */
  readonly memory: object;
  readonly report: ProbeReport;
  /** Seconds from now to the next probe. */
  readonly dueInS: number;
  /** The picture that is kept from now on; null for none; absent: as it was. */
  readonly picture?: NamedPicture | null;
  /** When the kept picture was last seen to be so, RFC 3339; absent: as it was. */
  readonly capturedAt?: string;
  /** After how many seconds the picture is no longer current. */
  readonly staleAfterS: number;
}

/** A wish for a probe: its answer at once, or how to know it when it comes. */
export type Asked =
  | { readonly report: ProbeReport }
  | { readonly report: null; readonly revision: number; readonly configVersion: number };

/** Rows looked at for each that is claimed: devices with many overdue channels stand in the way of others. */
const LOOK_AHEAD = 8;
const LEAST_LOOKED_AT = 2_000;

/** May be claimed; needs the lease `l`. */
const IS_DUE = raw(`l.due_at <= now() and (l.lease_until is null or l.lease_until < now())`);

/** Those that somebody waits for come first. */
const ORDER = raw('l.asked_at nulls last, l.due_at, l.camera_id');

/** Another camera of the same device `l.host` is under a live lease. */
const IS_CROWDED = raw(`exists (
            select from probe_lease b
            where b.host = l.host and b.camera_id <> l.camera_id and b.lease_until >= now())`);

/** Milliseconds since 1970 of the transaction. */
const CLOCK = raw('(extract(epoch from now()) * 1000)::float8');

/**
 * Which camera is asked when and by whom (reliability.md REL-1 to REL-4): leases in the database, whose clock alone
 * counts. Results are fenced by the lease's epoch: at most one counts for each lease, and a late one changes nothing.
 */
export class DueQueue {
  constructor(private readonly db: Database) {}

  /** Leases due cameras, one of each device. Rides on probe_lease_due_idx and probe_lease_host_idx. */
  async claim({ owner, limit, ttlS, skipHosts = [] }: Claim): Promise<ClaimedCamera[]> {
    if (limit < 1) return [];
    const leased = await run<{ cameraId: string; epoch: string; lateS: number }>(
      this.db,
      sql`
        with due as materialized (
          select l.camera_id, row_number() over (partition by l.host order by ${ORDER}) as place
          from (
            select l.*
            from probe_lease l
            where ${IS_DUE} and not ${IS_CROWDED} and not l.host = any(${skipHosts}::text[])
            order by ${ORDER}
            limit ${Math.max(limit * LOOK_AHEAD, LEAST_LOOKED_AT)}) as l),
        c as materialized (
          select l.camera_id, l.due_at
          from probe_lease l
          join due on due.camera_id = l.camera_id and due.place = 1
          where ${IS_DUE}
          order by ${ORDER}
          limit ${limit}
          for update of l skip locked)
        update probe_lease l
        set lease_owner = ${owner}, lease_until = now() + make_interval(secs => ${ttlS}::float8), epoch = l.epoch + 1
        from c
        where l.camera_id = c.camera_id
        returning l.camera_id as "cameraId", l.epoch, extract(epoch from now() - c.due_at)::float8 as "lateS"`,
    );
    return leased.length === 0 ? [] : this.read(leased);
  }

  /**
   * What the leases are of. Two claims at once may each have leased a camera of the same device without seeing the other; now
   * they do, and whoever sees another gives back: sometimes both, never none.
   */
  private async read(leased: readonly { cameraId: string; epoch: string; lateS: number }[]): Promise<ClaimedCamera[]> {
    const rows = await run<ClaimedRow>(
      this.db,
      sql`
        select l.camera_id as "cameraId", l.epoch::float8 as epoch, l.config_version::float8 as "configVersion", l.host,
               r."lateS", l.asked_at is not null as asked, ${CLOCK} as "readAt", ${IS_CROWDED} as "isCrowded",
               jsonb_build_object(
                 'slug', a.slug, 'network', a.document -> 'network', 'probing', a.document -> 'probing',
                 'terms', a.document -> 'terms', 'allowBasicPlaintext', a.document -> 'allowBasicPlaintext') as authority,
               c.lifecycle,
               c.lifecycle = 'maintenance' and (c.maintenance_until is null or c.maintenance_until > now())
                 as "isMaintained",
               c.document -> 'services' as services, c.service_slots as slots,
               coalesce(c.document #> '{access,privacyMasks}', '[]') as masks, c.document -> 'declared' as declared,
               h.state, h.memory, h.frame_key as "frameKey",
               coalesce((
                 select jsonb_agg(jsonb_build_object('slot', slot, 'kid', kid, 'ciphertext', encode(ciphertext, 'hex')))
                 from camera_secret where camera_id = c.id), '[]') as secrets
        from jsonb_to_recordset(${JSON.stringify(leased)}::jsonb) as r ("cameraId" uuid, epoch bigint, "lateS" float8)
        join probe_lease l on l.camera_id = r."cameraId" and l.epoch = r.epoch
        join camera c on c.id = l.camera_id
        join authority a on a.slug = c.authority
        join camera_health h on h.camera_id = l.camera_id
        order by ${ORDER}`,
    );
    const crowded = rows.filter(({ isCrowded }) => isCrowded);
    if (crowded.length > 0) await this.giveBack(crowded);
    return rows.filter(({ isCrowded }) => !isCrowded).map(claimedCamera);
  }

  private async giveBack(leases: readonly { readonly cameraId: string; readonly epoch: number }[]): Promise<void> {
    await run(
      this.db,
      sql`
        update probe_lease l
        set lease_owner = null, lease_until = null
        from jsonb_to_recordset(${JSON.stringify(leases.map(({ cameraId, epoch }) => ({ cameraId, epoch })))}::jsonb)
          as r ("cameraId" uuid, epoch bigint)
        where l.camera_id = r."cameraId" and l.epoch = r.epoch`,
    );
  }

  /**
   * Keeps results and ends their leases, in one statement, whatever others do. A wish for a probe is fulfilled by it, also one
   * that came while it ran (probing.md section 9).
   * @returns cameras whose result counted; the leases of the others were lost
   */
  async record(results: readonly ProbeRecord[]): Promise<ReadonlySet<string>> {
    if (results.length === 0) return new Set();
    const rows = await run<{ cameraId: string }>(
      this.db,
      sql`
        with r as materialized (
          select * from jsonb_to_recordset(${recordRows(results)}::jsonb) as r (
            camera_id uuid, epoch bigint, due_in_s float8, status text, shown jsonb, state jsonb, memory jsonb,
            report jsonb, checked_at timestamptz, captured_at timestamptz, stale_after_s float8, new_picture boolean,
            frame_key text, thumbnail_key text)),
        held as materialized (
          select l.camera_id, l.epoch
          from probe_lease l
          join r on r.camera_id = l.camera_id and r.epoch = l.epoch
          where l.lease_until is not null
          order by l.camera_id
          for update of l),
        freed as (
          update probe_lease l
          set due_at = now() + make_interval(secs => r.due_in_s), asked_at = null, lease_owner = null, lease_until = null
          from r
          join held on held.camera_id = r.camera_id and held.epoch = r.epoch
          where l.camera_id = r.camera_id)
        update camera_health h
        set status = r.status, shown = r.shown, state = r.state, memory = r.memory, report = r.report,
            revision = h.revision + 1, checked_at = r.checked_at, stale_after_s = r.stale_after_s,
            captured_at = case
              when r.new_picture and r.frame_key is null then null
              else coalesce(r.captured_at, h.captured_at) end,
            frame_key = case when r.new_picture then r.frame_key else h.frame_key end,
            thumbnail_key = case when r.new_picture then r.thumbnail_key else h.thumbnail_key end
        from r
        join held on held.camera_id = r.camera_id and held.epoch = r.epoch
        where h.camera_id = r.camera_id
        returning h.camera_id as "cameraId"`,
    );
    return new Set(rows.map(({ cameraId }) => cameraId));
  }

  /** Ends the leases of a process that goes: others take its cameras at once. @returns how many there were */
  async release(owner: string): Promise<number> {
    const rows = await run<{ released: number }>(
      this.db,
      sql`
        with released as (
          update probe_lease set lease_until = now() where lease_owner = ${owner} and lease_until > now() returning 1)
        select count(*)::int as released from released`,
    );
    return one(rows).released;
  }

  /**
   * Spreads cameras whose round was missed over their next interval: after a standstill, no herd. What was never
   * probed, has changed since, or is waited for stays due.
   * @returns how many there were
   */
  async skipMissed(overdueS: number): Promise<number> {
    const rows = await run<{ spread: number }>(
      this.db,
      sql`
        with spread as (
          update probe_lease l
          set due_at = now() + make_interval(secs =>
                random() * coalesce((a.document #>> '{probing,intervalS}')::float8, ${DEFAULT_PROBING.intervalS}::float8))
          from camera c
          join authority a on a.slug = c.authority
          join camera_health h on h.camera_id = c.id
          where c.id = l.camera_id and ${IS_DUE} and l.due_at < now() - make_interval(secs => ${overdueS}::float8)
            and l.asked_at is null and (h.report ->> 'configVersion')::bigint = l.config_version
          returning 1)
        select count(*)::int as spread from spread`,
    );
    return one(rows).spread;
  }

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
        update probe_lease set asked_at = coalesce(asked_at, now()), due_at = least(due_at, now())
        where camera_id = ${cameraId}::uuid`,
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

  /** Of these names in the frame store, those that a camera or a raster of heights points to. */
  async namedKeys(keys: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await run<{ key: string }>(
      this.db,
      sql`
        select frame_key as key from camera_health where frame_key = any(${keys}::text[])
        union
        select thumbnail_key from camera_health where thumbnail_key = any(${keys}::text[])
        union
        select key from terrain_tile where key = any(${keys}::text[])`,
    );
    return new Set(rows.map(({ key }) => key));
  }
}

/** How often a wish is looked after, milliseconds. */
const LOOK_EVERY_MS = 100;

/**
 * Probes a camera now, by whichever prober claims it: whoever calls this never dials.
 * @param options.timeoutMs default 25 s
 * @throws NotFound
 * @throws NotProbed
 * @throws ProberUnavailable when no result came in time, or `signal` fired
 */
export async function probeNow(
  queue: DueQueue,
  cameraId: string,
  { timeoutMs = 25_000, signal }: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
): Promise<ProbeReport> {
  const untilMs = performance.now() + timeoutMs;
  const asked = await queue.ask(cameraId);
  if (asked.report !== null) return asked.report;
  while (performance.now() + LOOK_EVERY_MS < untilMs && signal?.aborted !== true) {
    await wait(LOOK_EVERY_MS);
    const report = await queue.answerSince(cameraId, asked);
    if (report !== null) return report;
  }
  throw new ProberUnavailable('no prober answered in time; the camera will be probed as soon as one does');
}

/** The last report, with the configuration it is of. */
interface KeptReport {
  readonly configVersion: number;
  readonly answer: ProbeReport;
}

interface AskedRow {
  readonly lifecycle: Lifecycle;
  readonly configVersion: number | null;
  readonly revision: number;
  readonly report: KeptReport | null;
  readonly authority: Pick<AuthorityDocument, 'probing'>;
  readonly ageS: number | null;
}

type ClaimedRow = Omit<ClaimedCamera, 'secrets' | 'declared'> & {
  readonly isCrowded: boolean;
  readonly declared: DeclaredDocument | null;
  readonly secrets: readonly { readonly slot: number; readonly kid: string; readonly ciphertext: string }[];
};

function claimedCamera({ isCrowded: _no, secrets, declared, authority, ...row }: ClaimedRow): ClaimedCamera {
  return {
    ...row,
    authority: withoutNulls(authority),
    secrets: secrets.map((secret) => ({ ...secret, ciphertext: Buffer.from(secret.ciphertext, 'hex') })),
    ...(declared === null ? {} : { declared }),
  };
}

/** SQL says null where a document says nothing. */
const withoutNulls = <T extends object>(members: T): T =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null)) as T;

function recordRows(results: readonly ProbeRecord[]): string {
  return JSON.stringify(
    results.map(({ report, configVersion, picture, capturedAt, ...result }) => ({
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
      new_picture: picture !== undefined,
      frame_key: picture?.frameKey ?? null,
      thumbnail_key: picture?.thumbnailKey ?? null,
    })),
  );
}
