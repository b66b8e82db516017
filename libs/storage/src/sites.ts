import type { DataSource } from 'typeorm';
import { DEFAULT_PROBING } from '#catalog';
import { announce } from './announce.js';
import { type Database, type Fragment, one, raw, run, sql } from './sql.js';
import { transact } from './transact.js';

/** What a look at the sites changed. */
export interface SiteNews {
  /** Outages that began and ended. */
  readonly began: number;
  readonly ended: number;
}

/** Cameras that begin to fail within this time are one wave, seconds; the other numbers are proposals of probing.md S10 too. */
const WAVE_S = 60;
const LEAST_CAMERAS = 5;
const DOWN_SHARE = 0.6;
const UP_SHARE = 0.4;
/** So many failures of one site are reason enough to ask its other cameras at once: in a wave every minute counts. */
const SUSPICIOUS = 2;
/** Cameras that one look asks earlier, at each site. */
const MOST_HURRIED = 200;

/** What makes cameras a site: one network, or one place. */
interface SiteKind {
  readonly column: Fragment;
  /** Of a camera; needs `l` and `c`. */
  readonly of: Fragment;
  /** Whether a camera is of a site `p.site`; rides probe_lease_network_idx or camera_position_idx. */
  readonly isOf: Fragment;
}

const KINDS: readonly SiteKind[] = [
  { column: raw('network'), of: raw('l.network'), isOf: raw('l.network = p.site') },
  { column: raw('position'), of: raw('c.position'), isOf: raw('c.position ~= p.site') },
];

const wave = raw(`now() - make_interval(secs => ${WAVE_S})`);
/** Cameras that count at their site, each with its lease and health. */
const MEMBERS = raw(`probe_lease l
        join camera c on c.id = l.camera_id and c.lifecycle = 'active'
        join camera_health h on h.camera_id = l.camera_id`);
const TURNED = sql`h.failing_since > ${wave} and h.site_outage is null`;
const MIN_INTERVAL_S = sql`coalesce((a.document #>> '{probing,minIntervalS}')::float8, ${DEFAULT_PROBING.minIntervalS}::float8)`;

/**
 * Sites whose cameras go down and come back together (probing.md S10): their cameras are shown as unreachable, and people are told once an
 * authority, not once a camera. A camera's own state goes on beneath.
 *
 * Nothing here waits for a row while it holds a transaction number (reliability.md REL-5): cameras whose result is being kept at this moment are left to the next
 * look.
 */
export class Sites {
  constructor(private readonly db: DataSource) {}

  /** Looks once; while another process looks, this one does not. */
  async look(): Promise<SiteNews> {
    const quiet = { began: 0, ended: 0 };
    if (!(await this.isAnythingUp())) return quiet;
    return transact(this.db, async (tx) => {
      const lock = sql`select pg_try_advisory_xact_lock(hashtext('sightline sites')) as mine`;
      if (!one(await run<{ mine: boolean }>(tx, lock)).mine) return quiet;
      const ended = await end(tx);
      await release(tx);
      let began = 0;
      for (const kind of KINDS) {
        const outages = await begin(tx, kind);
        await mark(tx, kind);
        await tell(tx, 'site_down', outages);
        began += outages.length;
        await hurry(tx, kind);
      }
      await hurryBack(tx);
      return { began, ended };
    });
  }

  /** Rides camera_health_failing_idx and camera_health_site_outage_idx; nearly always there is nothing. */
  private async isAnythingUp(): Promise<boolean> {
    const rows = await run<{ isUp: boolean }>(
      this.db,
      sql`
        select exists (select from camera_health where failing_since > ${wave})
            or exists (select from camera_health where site_outage is not null)
            or exists (select from site_outage where until is null) as "isUp"`,
    );
    return one(rows).isUp;
  }
}

/** Outages that begin: of those asked within the wave, most cameras of the site fail since then. */
async function begin(tx: Database, { column, of, isOf }: SiteKind): Promise<readonly string[]> {
  const rows = await run<{ id: string }>(
    tx,
    sql`
      with turned as (
        select ${of} as site
        from camera_health h
        join probe_lease l on l.camera_id = h.camera_id
        join camera c on c.id = h.camera_id and c.lifecycle = 'active'
        where ${TURNED} and ${of} is not null
        group by ${of}
        having count(*) >= ${LEAST_CAMERAS}::int)
      insert into site_outage (id, ${column})
      select gen_random_uuid(), p.site
      from turned p
      cross join lateral (
        select count(*) as asked, count(*) filter (where h.failing_since > ${wave}) as failing
        from ${MEMBERS}
        where ${isOf} and h.checked_at > ${wave}) as m
      where m.failing >= ${DOWN_SHARE}::float8 * m.asked
        and not exists (select from site_outage o where o.until is null and o.${column} = p.site)
      returning id`,
  );
  return rows.map(({ id }) => id);
}

/** Cameras of open outages that fail with them. */
async function mark(tx: Database, { column, isOf }: SiteKind): Promise<void> {
  await run(
    tx,
    sql`
      with held as materialized (
        select h.camera_id, h.status, p.id as outage
        from (select id, since, ${column} as site from site_outage where until is null and ${column} is not null) as p
        cross join ${MEMBERS}
        where ${isOf} and h.site_outage is null and h.failing_since > p.since - make_interval(secs => ${WAVE_S})
        order by h.camera_id
        for update of h skip locked),
      away as (
        insert into site_absence (camera_id, outage_id) select camera_id, outage from held),
      told as (${announce(sql`
        select 'health.changed', c.id, c.version, jsonb_build_object('from', held.status, 'to', 'unreachable'), null::jsonb
        from held
        join camera c on c.id = held.camera_id
        order by c.id`)})
      update camera_health h set site_outage = held.outage from held where h.camera_id = held.camera_id`,
  );
}

/** Outages that are over: few of their cameras fail still. */
async function end(tx: Database): Promise<number> {
  const rows = await run<{ id: string }>(
    tx,
    sql`
      update site_outage o
      set until = now()
      from (
        select o.id, count(l.camera_id) as cameras,
               count(l.camera_id) filter (where h.failing_since is not null) as failing
        from site_outage o
        left join camera_health h on h.site_outage = o.id
        left join probe_lease l on l.camera_id = h.camera_id
        where o.until is null
        group by o.id) as judged
      where o.id = judged.id and (judged.cameras = 0 or judged.failing < ${UP_SHARE}::float8 * judged.cameras)
      returning o.id`,
  );
  const ended = rows.map(({ id }) => id);
  await tell(tx, 'site_up', ended);
  return ended.length;
}

/** Cameras of outages that are over stand for themselves again. */
async function release(tx: Database): Promise<void> {
  await run(
    tx,
    sql`
      with held as materialized (
        select h.camera_id, h.status, o.id as outage
        from camera_health h
        join site_outage o on o.id = h.site_outage
        where o.until is not null
        order by h.camera_id
        for update of h skip locked),
      back as (
        update site_absence s
        set until = now()
        from held
        where s.camera_id = held.camera_id and s.outage_id = held.outage and s.until is null),
      told as (${announce(sql`
        select 'health.changed', c.id, c.version, jsonb_build_object('from', 'unreachable', 'to', held.status), null::jsonb
        from held
        join camera c on c.id = held.camera_id and c.lifecycle = 'active'
        order by c.id`)})
      update camera_health h set site_outage = null from held where h.camera_id = held.camera_id`,
  );
}

/** One word an authority, about its cameras of each of these outages. */
async function tell(tx: Database, word: 'site_down' | 'site_up', outages: readonly string[]): Promise<void> {
  if (outages.length === 0) return;
  const reason =
    word === 'site_down'
      ? 'most cameras of one network or place stopped answering at once'
      : 'most cameras of the network or place answer again';
  await run(
    tx,
    announce(sql`
      select 'health.notice', c.id, c.version,
             jsonb_build_object('notice', jsonb_build_object(
               'word', ${word}::text, 'reason', ${reason}::text, 'cameras', t.cameras,
               'since', to_char(t.since, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))),
             null::jsonb
      from (
        select min(s.camera_id::text)::uuid as camera_id, count(*) as cameras, o.since
        from site_outage o
        join site_absence s on s.outage_id = o.id
        join camera c on c.id = s.camera_id
        where o.id = any(${outages}::uuid[])
        group by o.id, o.since, c.authority) as t
      join camera c on c.id = t.camera_id
      order by c.id`),
  );
}

/** Where some cameras of a site begin to fail, the others are asked now: is it the site, or are it they? Once a wave, and never sooner than the authority allows. */
async function hurry(tx: Database, { of, isOf }: SiteKind): Promise<void> {
  await run(
    tx,
    sql`
      with turned as materialized (
        select ${of} as site, min(h.failing_since) as began
        from camera_health h
        join probe_lease l on l.camera_id = h.camera_id
        join camera c on c.id = h.camera_id and c.lifecycle = 'active'
        where ${TURNED} and ${of} is not null
        group by ${of}
        having count(*) >= ${SUSPICIOUS}::int)
      update probe_lease w
      set due_at = now()
      from turned p
      cross join lateral (
        select l.camera_id
        from ${MEMBERS}
        join authority a on a.slug = c.authority
        where ${isOf} and h.failing_since is null and h.checked_at < p.began
          and h.checked_at < now() - make_interval(secs => ${MIN_INTERVAL_S}) and l.due_at > now()
          and (l.lease_until is null or l.lease_until < now())
        order by l.camera_id
        limit ${MOST_HURRIED}::int
        for update of l skip locked) as early
      where w.camera_id = early.camera_id`,
  );
}

/** Once a camera of an outage answers, the others are asked now, whatever their back-off. */
async function hurryBack(tx: Database): Promise<void> {
  await run(
    tx,
    sql`
      update site_outage o
      set returning_at = now()
      where o.until is null and o.returning_at is null
        and exists (select from camera_health h where h.site_outage = o.id and h.failing_since is null)`,
  );
  await run(
    tx,
    sql`
      with early as materialized (
        select l.camera_id
        from site_outage o
        join camera_health h on h.site_outage = o.id and h.failing_since is not null and h.checked_at < o.returning_at
        join probe_lease l on l.camera_id = h.camera_id
        join camera c on c.id = h.camera_id
        join authority a on a.slug = c.authority
        where o.until is null and h.checked_at < now() - make_interval(secs => ${MIN_INTERVAL_S}) and l.due_at > now()
          and (l.lease_until is null or l.lease_until < now())
        order by l.camera_id
        limit ${MOST_HURRIED}::int
        for update of l skip locked)
      update probe_lease l set due_at = now() from early where l.camera_id = early.camera_id`,
  );
}
