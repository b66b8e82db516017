import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What probes established before: changes of status, and counts of probes. The tables are partitioned by time; whoever
 * serves has `keep_partitions` make the coming partitions and drop the old ones.
 */
export class History1764000000009 implements MigrationInterface {
  name = 'History1764000000009';

  async up(runner: QueryRunner): Promise<void> {
    await makePartitioning(runner);
    await makeTables(runner);
    await beginHistory(runner);
    await grant(runner);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index camera_counted_idx');
    await runner.query('drop index camera_health_unwell_idx');
    await runner.query('alter table camera_health drop column expected_by, drop column faults');
    await runner.query('drop table camera_lifecycle');
    await runner.query('drop table health_rollup');
    await runner.query('drop table health_day');
    await runner.query('drop table health_hour');
    await runner.query('drop table probe_hour');
    await runner.query('drop table health_transition');
    await runner.query('drop function keep_partitions');
    await runner.query('drop table partitioned_table');
  }
}

/**
 * The roles that serve own no table and could not make partitions: this function does it as its owner, for the tables of a list
 * that only migrations write, and so are the days for which each is kept.
 */
async function makePartitioning(runner: QueryRunner): Promise<void> {
  await runner.query(`
    create table partitioned_table (
      name text constraint partitioned_table_pkey primary key,
      -- Of its range partitions: a day or a month, UTC.
      unit text not null constraint partitioned_table_unit_check check (unit in ('day', 'month')),
      -- A partition whose last day is longer ago is dropped.
      keep_days integer not null constraint partitioned_table_keep_days_check check (keep_days >= 1),
      -- A partitioned table itself can have none.
      fill_factor integer not null default 100
        constraint partitioned_table_fill_factor_check check (fill_factor between 10 and 100)
    )`);
  await runner.query(`
    create function keep_partitions(
      wanted text, drops boolean default true, out made integer, out dropped integer, out held_until timestamptz)
    language plpgsql security definer
    set search_path = public, pg_temp
    set lock_timeout = '1s'
    as $$
    declare
      -- So that work which is late by days still finds where to write.
      days_ahead constant integer := 4;
      today constant date := (now() at time zone 'UTC')::date;
      kept partitioned_table;
      name_format text;
      step interval;
      first timestamp;
      part text;
    begin
      select * into strict kept from partitioned_table where name = wanted;
      perform pg_advisory_xact_lock(hashtext('sightline partitions'), hashtext(wanted));
      name_format := case kept.unit when 'day' then 'YYYYMMDD' else 'YYYYMM' end;
      step := ('1 ' || kept.unit)::interval;
      made := 0;
      dropped := 0;
      -- Yesterday too: what is recorded after midnight may be of before.
      first := date_trunc(kept.unit, (today - 1)::timestamp);
      while first <= today + days_ahead loop
        part := wanted || '_p' || to_char(first, name_format);
        if to_regclass(quote_ident(part)) is null then
          -- Made apart and attached: a partition made in place would lock out everybody who writes.
          execute format(
            'create table %I (like %I including defaults including constraints including storage) with (fillfactor = %s)',
            part, wanted, kept.fill_factor);
          execute format(
            'alter table %I attach partition %I for values from (%L) to (%L)',
            wanted, part, first at time zone 'UTC', (first + step) at time zone 'UTC');
          made := made + 1;
        end if;
        first := first + step;
      end loop;
      held_until := first at time zone 'UTC';
      if not drops then return; end if;
      for part, first in
        select child.relname, to_date(split_part(child.relname, '_p', -1), name_format)
        from pg_inherits i
        join pg_class child on child.oid = i.inhrelid
        where i.inhparent = wanted::regclass and child.relname ~ '_p\\d+$'
        order by child.relname
      loop
        exit when first + step > today - kept.keep_days;
        begin
          execute format('drop table %I', part);
          dropped := dropped + 1;
        exception
          -- Somebody reads it for long: next time.
          when lock_not_available or deadlock_detected then exit;
        end;
      end loop;
    end $$`);
  await runner.query('revoke all on function keep_partitions from public');
}

async function makeTables(runner: QueryRunner): Promise<void> {
  // No foreign key to the camera: each row would lock it, and a camera is never deleted, only retired.
  await runner.query(`
    create table health_transition (
      camera_id uuid not null,
      at timestamptz not null,
      from_status text not null,
      to_status text not null,
      outcome text,
      reason text,
      constraint health_transition_pkey primary key (camera_id, at)
    ) partition by range (at)`);
  // The probes of a camera in an hour, in one row: a row a probe would be 14 million a day for 10,000 cameras.
  await runner.query(`
    create table probe_hour (
      hour timestamptz not null,
      camera_id uuid not null,
      -- An integer a probe: bits 19 to 30 its second in the hour, 16 to 18 its kind, 0 to 15 the milliseconds to its first
      -- picture plus one, 0 without one.
      probes integer[] not null,
      constraint probe_hour_pkey primary key (hour, camera_id)
    ) partition by range (hour)`);
  for (const table of ['health_hour', 'health_day']) {
    await runner.query(`
      create table ${table} (
        camera_id uuid not null,
        -- Its beginning, UTC.
        at timestamptz not null,
        -- Probes by kind.
        ok integer not null,
        degraded integer not null,
        fail integer not null,
        busy integer not null,
        unknown integer not null,
        maintenance integer not null,
        unreachable integer not null,
        -- Milliseconds to the first picture, of the probes that brought one.
        latency_count integer not null,
        latency_sum_ms bigint not null,
        latency_min_ms integer,
        latency_max_ms integer,
        -- Number of the first bin, then counts: eight bins for each doubling.
        latency_bins integer[] not null,
        constraint ${table}_pkey primary key (camera_id, at)
      ) partition by range (at)`);
  }
  await runner.query(`
    create table health_rollup (
      -- One row.
      id boolean constraint health_rollup_pkey primary key default true
        constraint health_rollup_id_check check (id),
      -- Hours before it are in health_hour and health_day.
      until timestamptz not null
    )`);
  await runner.query(`
    create table camera_lifecycle (
      camera_id uuid not null constraint camera_lifecycle_camera_fkey references camera (id) on delete cascade,
      -- From when on the agency wanted it so.
      at timestamptz not null,
      lifecycle text not null,
      maintenance_until timestamptz,
      constraint camera_lifecycle_pkey primary key (camera_id, at)
    )`);
  await runner.query(`
    alter table camera_health
      -- When the next result was promised at the latest: whoever comes later has not watched in between.
      add column expected_by timestamptz,
      -- Flags that are at fault.
      add column faults text[] not null default '{}'`);
  // Counting all cameras reads these alone: most cameras are well, and of those it is enough to know that they are there.
  await runner.query(`
    create index camera_health_unwell_idx on camera_health (camera_id) include (status, faults)
    where status <> 'online' or faults <> '{}'`);
  await runner.query(`
    create index camera_counted_idx
    on camera (authority, city, access_level, lifecycle, maintenance_until, id)`);
  // Partitions by month where a year is kept: a statement opens each that it may touch.
  await runner.query(`
    insert into partitioned_table (name, unit, keep_days, fill_factor)
    values ('health_transition', 'month', 400, 100),
           ('probe_hour', 'day', 2, 70),
           ('health_hour', 'day', 30, 100),
           ('health_day', 'month', 400, 90)`);
  await runner.query('select keep_partitions(name) from partitioned_table');
}

/** Before this, nothing is known: neither how long a status held nor since when an agency wanted it so. */
async function beginHistory(runner: QueryRunner): Promise<void> {
  await runner.query(`insert into health_rollup (until) values (date_trunc('hour', now(), 'UTC'))`);
  await runner.query(`
    insert into camera_lifecycle (camera_id, at, lifecycle, maintenance_until)
    select id, created_at, lifecycle, maintenance_until from camera`);
  await runner.query(`
    insert into health_transition (camera_id, at, from_status, to_status, outcome, reason)
    select camera_id, now(), 'unknown', status, shown ->> 'lastOutcome', shown ->> 'reason'
    from camera_health
    where status <> 'unknown'`);
  await runner.query(`
    update camera_health
    set faults = array(
      select flag ->> 'flag' from jsonb_array_elements(shown -> 'flags') as flag where flag ->> 'state' = 'fault')
    where jsonb_array_length(coalesce(shown -> 'flags', '[]')) > 0`);
}

async function grant(runner: QueryRunner): Promise<void> {
  await runner.query(`
    do $$
    begin
      if exists (select from pg_roles where rolname = 'sightline_api') then
        grant select on partitioned_table, health_transition, probe_hour to sightline_api;
        grant select, insert, update on health_hour, health_day, health_rollup, camera_lifecycle to sightline_api;
        grant execute on function keep_partitions to sightline_api;
      end if;
      if exists (select from pg_roles where rolname = 'sightline_prober') then
        grant select on partitioned_table to sightline_prober;
        grant select, insert, update on health_transition, probe_hour to sightline_prober;
        grant execute on function keep_partitions to sightline_prober;
      end if;
    end $$`);
}
