import {
  type AuthorityDocument,
  DEFAULT_PROBING,
  type DeclaredDocument,
  type KnownService,
  type Lifecycle,
  type Mobility,
  type PrivacyMaskDocument,
  type Reference,
  type ViewDocument,
} from '#catalog';
import { IS_MAINTAINED } from './camera-answer.js';
import { type Database, one, raw, rowsFrom, run, sql } from './sql.js';
import { type KnownPreset, presetsOf } from './keep-frames.js';
import { ms } from './moments.js';
import { IS_DELAYED, KEEPS_HISTORY, KEEPS_NOTHING } from './picture-policy.js';
import { referenceOf } from './references.js';
import { withoutNulls } from './without-nulls.js';

/** Who claims, how many cameras at most, and for how long. */
export interface Claim {
  /** Name of the process among all probers. */
  readonly owner: string;
  readonly limit: number;
  readonly ttlS: number;
  /** Devices that this process is dialling besides its leases. */
  readonly skipHosts?: readonly string[];
  /** How many more cameras of these networks may be asked; of any other, {@link MOST_OF_A_NETWORK}. */
  readonly leftIn?: ReadonlyMap<string, number>;
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
  /** Where it was last reached, or looked for: a /24 or /64. */
  readonly network: string | null;
  /** Most cameras of its site are down with it. */
  readonly isSiteDown: boolean;
  /** Under maintenance now: what its lifecycle says, and the end of it has not come. */
  readonly isMaintained: boolean;
  readonly services: readonly KnownService[];
  /** Slot of each service; names its secret. */
  readonly slots: readonly number[];
  readonly secrets: readonly KeptSecret[];
  readonly masks: readonly PrivacyMaskDocument[];
  readonly mobility: Mobility;
  readonly position: readonly [lon: number, lat: number];
  readonly view: ViewDocument | null;
  /** What its pictures are compared with, be it of this view or of another. */
  readonly reference: Reference | null;
  readonly declared?: DeclaredDocument;
  /** As it was recorded last; read it with `stateFrom`. */
  readonly state: unknown;
  /** As it was recorded last: what the prober wants to know again. */
  readonly memory: unknown;
  readonly frameKey: string | null;
  /** As they were recorded last; those that never were are absent. */
  readonly presets: readonly KnownPreset[];
  /** Its pictures are kept for their moment: as history, or since others see them later. */
  readonly keepsHistory: boolean;
  readonly isDelayed: boolean;
}

/** Cameras of one network that one process asks at once: what lies behind may be one mobile link. */
export const MOST_OF_A_NETWORK = 8;
/** Where that is not enough and cameras are overdue by so many seconds, so many more: else a network of many would never be asked in time. */
const LATE_S = 5;
const MORE_WHEN_LATE = 24;

/**
 * Rows looked at for each that is claimed, and at least: devices with many overdue channels stand in the way of others, and so do networks
 * with many cameras. For one look: at the next the device is under lease, and the network has as many as it may.
 */
const LOOK_AHEAD = 8;
const LEAST_LOOKED_AT = 250;

/** May be claimed; needs the lease `l`. */
const IS_DUE = raw(`l.due_at <= now() and (l.lease_until is null or l.lease_until < now())`);

/** How many cameras of a network may be claimed at once; needs the lease `l` and what is left in its network, `n`. */
const MOST = sql`(coalesce(n.most, ${MOST_OF_A_NETWORK}::int)
            + case when l.due_at < now() - make_interval(secs => ${LATE_S}) then ${MORE_WHEN_LATE}::int else 0 end)`;

/** Those that somebody waits for come first. */
const ORDER = raw('l.asked_at nulls last, l.due_at, l.camera_id');

/** Another camera of the same device `l.host` is under a live lease. */
const IS_CROWDED = raw(`exists (
            select from probe_lease b
            where b.host = l.host and b.camera_id <> l.camera_id and b.lease_until >= now())`);

/** Milliseconds since 1970 of the transaction. */
const CLOCK = raw(ms('now()'));

/**
 * Which camera is asked when and by whom (reliability.md REL-1 to REL-4): leases in the database, whose clock alone
 * counts. Their results are fenced by the lease's epoch (`ProbeResults`).
 */
export class DueQueue {
  constructor(private readonly db: Database) {}

  /** Leases due cameras, one of each device and a few of each network. Rides on probe_lease_due_idx and probe_lease_host_idx. */
  async claim({
    owner,
    limit,
    ttlS,
    skipHosts = [],
    leftIn = new Map<string, number>(),
  }: Claim): Promise<ClaimedCamera[]> {
    if (limit < 1) return [];
    const leased = await run<{ cameraId: string; epoch: string; lateS: number }>(
      this.db,
      sql`
        with due as materialized (
          select l.camera_id, l.most, row_number() over (partition by coalesce(l.network, l.host) order by ${ORDER}) as place
          from (
            select l.*, row_number() over (partition by l.host order by ${ORDER}) as place_of_host
            from (
              select l.*, ${MOST} as most
              from probe_lease l
              left join unnest(${[...leftIn.keys()]}::text[], ${[...leftIn.values()]}::int[]) as n (network, most)
                on n.network = l.network
              where ${IS_DUE} and not ${IS_CROWDED} and not l.host = any(${skipHosts}::text[]) and ${MOST} > 0
              order by ${ORDER}
              limit ${Math.max(limit * LOOK_AHEAD, LEAST_LOOKED_AT)}) as l) as l
          where l.place_of_host = 1),
        c as materialized (
          select l.camera_id, l.due_at
          from probe_lease l
          join due on due.camera_id = l.camera_id and due.place <= due.most
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
               ${IS_MAINTAINED} as "isMaintained",
               c.document -> 'services' as services, c.service_slots as slots,
               coalesce(c.document #> '{access,privacyMasks}', '[]') as masks, c.document -> 'declared' as declared,
               l.network, h.site_outage is not null as "isSiteDown", c.mobility, c.document #> '{location,coordinates}' as position, c.document -> 'view' as view,
               ${referenceOf()} as reference, h.state, h.memory, h.frame_key as "frameKey", ${presetsOf()} as presets,
               ${KEEPS_HISTORY} as "keepsHistory", ${IS_DELAYED} and not ${KEEPS_NOTHING} as "isDelayed",
               coalesce((
                 select jsonb_agg(jsonb_build_object('slot', slot, 'kid', kid, 'ciphertext', encode(ciphertext, 'hex')))
                 from camera_secret where camera_id = c.id), '[]') as secrets
        from ${rowsFrom(leased, '"cameraId" uuid, epoch bigint, "lateS" float8')} as r
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
        from ${rowsFrom(
          leases.map(({ cameraId, epoch }) => ({ cameraId, epoch })),
          '"cameraId" uuid, epoch bigint',
        )} as r
        where l.camera_id = r."cameraId" and l.epoch = r.epoch`,
    );
  }

  /** Ends a lease without a result: the camera is asked again in so many seconds, as if it had not been asked. */
  async postpone({ cameraId, epoch }: Pick<ClaimedCamera, 'cameraId' | 'epoch'>, dueInS: number): Promise<void> {
    await run(
      this.db,
      sql`
        update probe_lease
        set due_at = now() + make_interval(secs => ${dueInS}::float8), lease_owner = null, lease_until = null
        where camera_id = ${cameraId}::uuid and epoch = ${epoch}::bigint`,
    );
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
