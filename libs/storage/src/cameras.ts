import {
  type CameraDocument,
  type Completeness,
  type KeptService,
  type KnownService,
  type Lifecycle,
  type ResolvedCamera,
} from '#catalog';
import type { GeoCamera } from '#geo';
import { announce, seenAs } from './announce.js';
import { changesNoted, registrationsNoted } from './audited-cameras.js';
import { type DroppedPictures, dropPictures } from './drop-pictures.js';
import { and, type Database, one, raw, run, sql } from './sql.js';

/** A sealed secret, ready to be kept. */
export interface SealedSecret {
  readonly slot: number;
  readonly kid: string;
  readonly ciphertext: Buffer;
  readonly fingerprint: string;
  /** RFC 3339. */
  readonly updatedAt: string;
}

/** Everything that one write keeps of a camera. */
export interface CameraRecord extends DroppedPictures {
  readonly document: ResolvedCamera & { readonly uid: string; readonly missing: readonly string[] };
  readonly publicDocument: CameraDocument;
  /** The stricter of the camera's level and its authority's floor. */
  readonly accessLevel: string;
  readonly completeness: Completeness;
  /** What geometry reads of the camera. */
  readonly geo: GeoCamera;
  /** That is another than before: its views are to be worked out. */
  readonly changesViews: boolean;
  readonly searchText: string;
  readonly slots: readonly number[];
  readonly contentHash: Buffer;
  readonly secrets: readonly SealedSecret[];
  /** Slots whose secret stays. */
  readonly keeps: readonly number[];
  /** What is dialled is another than before: the camera is asked at once, and a probe under way counts no more. */
  readonly dialsAnew: boolean;
  /** The device that a prober dials first; null where the camera is not probed. */
  readonly probeHost: string | null;
}

/** A camera as a write finds it, locked. */
export interface KeptCamera {
  readonly id: string;
  readonly authority: string;
  readonly localId: string;
  readonly version: number;
  readonly lifecycle: Lifecycle;
  readonly document: ResolvedCamera & {
    readonly services: KnownService[];
    readonly uid: string;
    readonly missing: readonly string[];
  };
  readonly contentHash: Buffer;
  readonly services: readonly KeptService[];
}

/** Columns of a record, in the shape that `jsonb_to_recordset` reads: one statement for one camera and for five hundred. */
const RECORD = raw(`(
  id uuid, authority text, local_id text, document jsonb, public_document jsonb, lifecycle text,
  maintenance_until timestamptz, access_level text, completeness text, mobility text, usage jsonb, tags jsonb,
  city text, basin text, search_text text, service_slots jsonb, content_hash text, keeps jsonb, sets jsonb, probe_host text, dials_anew boolean)`);

const STATED = raw(`
  st_setsrid(st_makepoint(
    (r.document #>> '{location,coordinates,0}')::float8, (r.document #>> '{location,coordinates,1}')::float8), 4326)
    as position,
  array(select jsonb_array_elements_text(r.usage)) as usage_list,
  array(select jsonb_array_elements_text(r.tags)) as tag_list,
  array(select jsonb_array_elements_text(r.service_slots)::smallint) as slot_list,
  decode(r.content_hash, 'hex') as hash`);

/** What agencies have registered. */
export class Cameras {
  constructor(private readonly db: Database) {}

  /** Cameras, secrets, first health, first due time, events and the audit; to be run in a transaction. @throws AlreadyRegistered */
  async add(records: readonly CameraRecord[]): Promise<void> {
    await run(
      this.db,
      sql`
        with r as (
          select r.*, ${STATED}
          from jsonb_to_recordset(${rowsOf(records)}::jsonb) as r ${RECORD}),
        watched as (insert into camera_health (camera_id) select id from r),
        wished as (
          insert into camera_lifecycle (camera_id, at, lifecycle, maintenance_until)
          select id, now(), lifecycle, maintenance_until from r),
        queued as (
          insert into probe_lease (camera_id, host, due_at)
          select id, probe_host, now() from r where probe_host is not null),
        announced as (${announce(sql`
          select 'camera.registered', id, 1, '{}'::jsonb, null::jsonb from r order by id`)}),
        audited as (${registrationsNoted})
        insert into camera (
          id, authority, local_id, version, document, public_document, position, lifecycle, maintenance_until,
          access_level, completeness, mobility, usage, tags, city, basin, search_text, service_slots, content_hash,
          changed_xid)
        select id, authority, local_id, 1, document, public_document, position, lifecycle, maintenance_until,
               access_level, completeness, mobility, usage_list, tag_list, city, basin, search_text, slot_list, hash,
               ${CHANGED_XID}
        from r
        order by id`,
    );
    await this.addSecrets(records);
  }

  /**
   * Replaces cameras that the caller has locked, and tells of it. Secrets that a record neither sets nor keeps are destroyed; where
   * what is dialled is another, it is dialled at once.
   */
  async replace(records: readonly CameraRecord[]): Promise<void> {
    await run(
      this.db,
      sql`
        with r as (
          select r.*, ${STATED}
          from jsonb_to_recordset(${rowsOf(records)}::jsonb) as r ${RECORD}),
        before as (
          select c.id, c.version, c.lifecycle, c.access_level, ${seenAs(raw('c'))} as seen,
                 c.authority, c.document, c.service_slots
          from r
          join camera c on c.id = r.id),
        wished as (
          insert into camera_lifecycle (camera_id, at, lifecycle, maintenance_until)
          select r.id, now(), r.lifecycle, r.maintenance_until
          from r
          join camera c on c.id = r.id
          where (c.lifecycle, c.maintenance_until) is distinct from (r.lifecycle, r.maintenance_until)
          on conflict on constraint camera_lifecycle_pkey do update
          set lifecycle = excluded.lifecycle, maintenance_until = excluded.maintenance_until),
        announced as (${announce(sql`
          select case when r.lifecycle = 'retired' and b.lifecycle <> 'retired' then 'camera.retired' else 'camera.changed' end,
                 r.id, b.version + 1, '{}'::jsonb,
                 case when b.seen is distinct from ${seenAs(raw('r'))} then b.seen end
          from r
          join before b on b.id = r.id
          order by r.id`)}),
        audited as (${changesNoted})
        update camera c
        set authority = r.authority, local_id = r.local_id, version = c.version + 1, document = r.document,
            public_document = r.public_document, position = r.position, lifecycle = r.lifecycle,
            maintenance_until = r.maintenance_until, access_level = r.access_level, completeness = r.completeness,
            mobility = r.mobility, usage = r.usage_list, tags = r.tag_list, city = r.city, basin = r.basin,
            search_text = r.search_text, service_slots = r.slot_list, content_hash = r.hash,
            changed_xid = ${CHANGED_XID}, updated_at = now()
        from r
        where c.id = r.id`,
    );
    await this.replaceSecrets(records);
    await this.requeue(records);
    await dropPictures(this.db, records);
  }

  /**
   * Takes over addresses that a publisher makes anew each time. Nothing that the agency states has changed: no new version, no entry in the change
   * feed, no probe out of turn.
   */
  async refresh(records: readonly CameraRecord[]): Promise<void> {
    await run(
      this.db,
      sql`
        with r as (
          select r.*, ${STATED}
          from jsonb_to_recordset(${rowsOf(records)}::jsonb) as r ${RECORD})
        update camera c
        set document = r.document, public_document = r.public_document, content_hash = r.hash
        from r
        where c.id = r.id`,
    );
  }

  /** UPDATE, then INSERT: the API may write ciphertexts but not read them, as ON CONFLICT would (CRED-1). */
  private async replaceSecrets(records: readonly CameraRecord[]): Promise<void> {
    await run(
      this.db,
      sql`
        delete from camera_secret s
        using jsonb_to_recordset(${rowsOf(records)}::jsonb) as r ${RECORD}
        where s.camera_id = r.id and not r.keeps @> to_jsonb(s.slot)`,
    );
    await this.addSecrets(records);
  }

  /** In a statement of their own: whose they are is told by their cameras' rows, which one statement does not see that makes them. */
  private async addSecrets(records: readonly CameraRecord[]): Promise<void> {
    const secrets = secretsOf(records);
    if (secrets === '[]') return;
    await run(
      this.db,
      sql`
        insert into camera_secret (camera_id, slot, kid, ciphertext, fingerprint, updated_at)
        select s.camera_id, s.slot, s.kid, decode(s.ciphertext, 'hex'), s.fingerprint, s.updated_at
        from jsonb_to_recordset(${secrets}::jsonb) as s (
          camera_id uuid, slot smallint, kid text, ciphertext text, fingerprint text, updated_at timestamptz)`,
    );
  }

  private async requeue(records: readonly CameraRecord[]): Promise<void> {
    await run(
      this.db,
      sql`
        delete from probe_lease l
        using jsonb_to_recordset(${rowsOf(records)}::jsonb) as r ${RECORD}
        where l.camera_id = r.id and r.probe_host is null`,
    );
    await run(
      this.db,
      sql`
        insert into probe_lease (camera_id, host, due_at)
        select r.id, r.probe_host, now()
        from jsonb_to_recordset(${rowsOf(records)}::jsonb) as r ${RECORD}
        where r.probe_host is not null and r.dials_anew
        on conflict on constraint probe_lease_pkey do update
        set host = excluded.host, due_at = now(), epoch = probe_lease.epoch + 1,
            config_version = probe_lease.config_version + 1, lease_until = null`,
    );
  }

  /** Cameras by id, locked in the order of ids. */
  async lock(ids: readonly string[]): Promise<KeptCamera[]> {
    return this.lockWhere([sql`c.id = any(${ids}::uuid[])`]);
  }

  /** An authority's cameras by its own ids, locked in the order of ids. */
  async lockLocal(authority: string, localIds: readonly string[]): Promise<KeptCamera[]> {
    return this.lockWhere([sql`c.authority = ${authority}`, sql`c.local_id = any(${localIds}::text[])`]);
  }

  private async lockWhere(conditions: Parameters<typeof and>[0]): Promise<KeptCamera[]> {
    const rows = await run<Omit<KeptCamera, 'services'> & { readonly slots: number[] }>(
      this.db,
      sql`
        select c.id, c.authority, c.local_id as "localId", c.version, c.lifecycle, c.document,
               c.content_hash as "contentHash", c.service_slots as slots
        from camera c
        where ${and(conditions)}
        order by c.id
        for update`,
    );
    return rows.map(({ slots, ...row }) => ({ ...row, services: keptServices(row.document.services, slots) }));
  }

  /** Fingerprints of the secrets of cameras, by camera and slot: an import knows an equal password without opening it. */
  async fingerprints(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const rows = await run<{ id: string; slot: number; fingerprint: string }>(
      this.db,
      sql`
        select camera_id as id, slot, fingerprint
        from camera_secret
        where camera_id = any(${ids}::uuid[])`,
    );
    return new Map(rows.map(({ id, slot, fingerprint }) => [`${id}/${slot}`, fingerprint]));
  }

  /** Whose a camera is, and its version, whoever may know it; null for an unknown id. */
  async standing(id: string): Promise<{ authority: string; version: number } | null> {
    const rows = await run<{ authority: string; version: number }>(
      this.db,
      sql`select authority, version from camera where id = ${id}::uuid`,
    );
    return rows[0] ?? null;
  }

  /** Id and lifecycle of an authority's camera by its own id, or null. */
  async findLocal(authority: string, localId: string): Promise<{ id: string; lifecycle: string } | null> {
    const rows = await run<{ id: string; lifecycle: string }>(
      this.db,
      sql`select id, lifecycle from camera where authority = ${authority} and local_id = ${localId}`,
    );
    return rows[0] ?? null;
  }

  /** Makes changes visible again whose transaction numbers lie ahead of this server's, as after a restore into a new cluster. */
  async healFeed(): Promise<number> {
    const rows = await run<{ healed: number }>(
      this.db,
      sql`
        with healed as (
          update camera set changed_xid = ${CHANGED_XID}
          where changed_xid >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint
          returning 1)
        select count(*)::int as healed from healed`,
    );
    return one(rows).healed;
  }
}

const CHANGED_XID = raw('pg_current_xact_id()::text::bigint');

function keptServices(services: readonly KnownService[], slots: readonly number[]): KeptService[] {
  return services.map(({ kind, url = '', credentials }, i) => ({
    slot: slots[i] ?? 0,
    kind,
    url,
    secretAt: credentials?.updatedAt ?? null,
  }));
}

function rowsOf(records: readonly CameraRecord[]): string {
  return JSON.stringify(
    records.map(({ document, publicDocument, ...record }) => ({
      id: record.id,
      authority: document.authority,
      local_id: document.localId,
      document,
      public_document: publicDocument,
      lifecycle: document.lifecycle,
      maintenance_until: document.lifecycle === 'maintenance' ? (document.maintenance?.to ?? null) : null,
      access_level: record.accessLevel,
      completeness: record.completeness,
      mobility: document.mobility,
      usage: document.usage ?? [],
      tags: document.tags ?? [],
      city: document.address?.city ?? null,
      basin: document.basin ?? null,
      search_text: record.searchText,
      service_slots: record.slots,
      content_hash: record.contentHash.toString('hex'),
      keeps: record.keeps,
      sets: record.secrets.map(({ slot }) => slot),
      probe_host: record.probeHost,
      dials_anew: record.dialsAnew,
    })),
  );
}

function secretsOf(records: readonly CameraRecord[]): string {
  return JSON.stringify(
    records.flatMap(({ id, secrets }) =>
      secrets.map(({ slot, kid, ciphertext, fingerprint, updatedAt }) => ({
        camera_id: id,
        slot,
        kid,
        ciphertext: ciphertext.toString('hex'),
        fingerprint,
        updated_at: updatedAt,
      })),
    ),
  );
}
