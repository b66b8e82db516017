import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who did what, for whom, in rows that are only ever added (security.md AUD-1, AUD-2), and the seals that chain them (AUD-3). */
export class Audit1764000000014 implements MigrationInterface {
  name = 'Audit1764000000014';

  async up(runner: QueryRunner): Promise<void> {
    await keepForEver(runner);
    await makeEntries(runner);
    await makeSeals(runner);
    await forbidChanges(runner);
    await runner.query(
      `insert into partitioned_table (name, unit, keep_days, fill_factor) values ('audit_entry', 'month', null, 100)`,
    );
    await runner.query(`select keep_partitions('audit_entry')`);
    await makeRenewal(runner);
    await makeMasks(runner);
    await grant(runner);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop function audited_part');
    await runner.query('drop function audited_document');
    await runner.query('drop function audited_url');
    await runner.query('drop function renew_audit_generation');
    await runner.query(`delete from partitioned_table where name = 'audit_entry'`);
    await runner.query('alter table partitioned_table alter column keep_days set not null');
    await runner.query('drop table audit_feed');
    await runner.query('drop table audit_seal');
    await runner.query('drop table audit_entry');
    await runner.query('drop sequence audit_entry_id_seq');
    await runner.query('drop table audit_state');
    await runner.query('drop function refuse_change');
  }
}

/**
 * `keep_partitions` as it was, but for two things: without `keep_days` nothing is dropped, and what forbids to truncate a table forbids it of its
 * partitions too, since PostgreSQL does not pass such triggers on. It serves the tables of before as well, so `down` leaves it.
 */
async function keepForEver(runner: QueryRunner): Promise<void> {
  await runner.query('alter table partitioned_table alter column keep_days drop not null');
  await runner.query(`
    create or replace function keep_partitions(
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
      guard record;
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
          -- 32: on truncate.
          for guard in
            select tgname, tgfoid::regproc::text as does
            from pg_trigger
            where tgrelid = wanted::regclass and not tgisinternal and tgtype & 32 <> 0
          loop
            execute format(
              'create trigger %I before truncate on %I for each statement execute function %s()',
              guard.tgname, part, guard.does);
          end loop;
          execute format(
            'alter table %I attach partition %I for values from (%L) to (%L)',
            wanted, part, first at time zone 'UTC', (first + step) at time zone 'UTC');
          made := made + 1;
        end if;
        first := first + step;
      end loop;
      held_until := first at time zone 'UTC';
      if not drops or kept.keep_days is null then return; end if;
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
}

async function makeEntries(runner: QueryRunner): Promise<void> {
  await runner.query(`
    create table audit_state (
      -- One row.
      id boolean constraint audit_state_pkey primary key default true constraint audit_state_id_check check (id),
      generation integer not null default 1,
      -- Names this registry in checkpoints that are kept elsewhere.
      registry uuid not null
    )`);
  await runner.query('insert into audit_state (registry) values (gen_random_uuid())');
  await runner.query('create sequence audit_entry_id_seq');
  // Whoever writes is not asked who he is and when it is: the transaction knows.
  await runner.query(`
    create table audit_entry (
      generation integer not null,
      xid xid8 not null default pg_current_xact_id(),
      id bigint not null default nextval('audit_entry_id_seq'),
      at timestamptz not null default now(),
      -- For whom it was done; null beyond authorities. No foreign key: an entry outlives everything.
      authority text,
      principal text not null default coalesce(nullif(current_setting('app.principal', true), ''), 'nobody'),
      request_id text default nullif(current_setting('app.request', true), ''),
      address text default nullif(current_setting('app.address', true), ''),
      action text not null,
      subject_kind text not null,
      subject_id text not null,
      -- The members that changed, without secrets.
      before jsonb,
      after jsonb,
      result text not null default 'done' constraint audit_entry_result_check check (result in ('done', 'refused')),
      reason text,
      constraint audit_entry_pkey primary key (at, id)
    ) partition by range (at)`);
  await runner.query('create index audit_entry_order_idx on audit_entry (generation, xid, id)');
  await runner.query('create index audit_entry_authority_idx on audit_entry (authority, at, id)');
  await runner.query('create index audit_entry_subject_idx on audit_entry (subject_id, at, id)');
}

async function makeSeals(runner: QueryRunner): Promise<void> {
  await runner.query(`
    create table audit_seal (
      audit_id bigint not null constraint audit_seal_audit_id_key unique,
      -- Of the entry: its partition is found by it.
      at timestamptz not null,
      -- Slug of an authority; * beyond authorities.
      chain text not null,
      seq bigint not null,
      prev_hash bytea not null,
      hash bytea not null,
      constraint audit_seal_pkey primary key (chain, seq)
    )`);
  await runner.query(`
    create table audit_feed (
      -- One row: up to where entries are sealed.
      id boolean constraint audit_feed_pkey primary key default true constraint audit_feed_id_check check (id),
      generation integer not null,
      -- Numbers of transactions as bigint, since TypeORM knows no xid8.
      xid bigint not null,
      entry bigint not null
    )`);
  await runner.query('insert into audit_feed (generation, xid, entry) values (1, 0, 0)');
}

/** Not even the owner changes what was written; a superuser who disables triggers is told by the chain and its checkpoints. */
async function forbidChanges(runner: QueryRunner): Promise<void> {
  await runner.query(`
    create function refuse_change() returns trigger
    language plpgsql
    as $$
    begin
      raise exception 'rows of % are only ever added', tg_table_name using errcode = 'insufficient_privilege';
    end $$`);
  for (const table of ['audit_entry', 'audit_seal']) {
    await runner.query(`
      create trigger ${table}_is_added_to before update or delete on ${table}
      for each row execute function refuse_change()`);
    await runner.query(`
      create trigger ${table}_is_not_emptied before truncate on ${table}
      for each statement execute function refuse_change()`);
  }
}

/** As that of the outbox: after a restore into a new cluster transaction numbers begin anew, below those of the rows. */
async function makeRenewal(runner: QueryRunner): Promise<void> {
  await runner.query(`
    create function renew_audit_generation() returns boolean
    language plpgsql security definer
    set search_path = public, pg_temp
    as $$
    declare
      is_ahead constant text := 'select exists (
        select from audit_entry e, audit_state s
        where e.generation = s.generation and e.xid >= pg_snapshot_xmax(pg_current_snapshot()))';
      found boolean;
    begin
      execute is_ahead into found;
      if not found then
        return false;
      end if;
      lock table audit_entry in share mode;
      execute is_ahead into found;
      if found then
        update audit_state set generation = generation + 1;
      end if;
      return found;
    end $$`);
  await runner.query('revoke all on function renew_audit_generation from public');
}

/** What of a document may stand in the audit: addresses end at their host, since what follows may hold a secret, and credentials are stars. */
async function makeMasks(runner: QueryRunner): Promise<void> {
  await runner.query(`
    create function audited_url(url text) returns text
    language sql immutable parallel safe
    as $$
      select case
        when url ~ '^[A-Za-z][A-Za-z0-9+.-]*://' then
          substring(url from '^[^:]+://')
          || regexp_replace(substring(url from '^[^:]+://([^/?#\\\\]*)'), '^.*@', '')
          || case when url ~ '^[^:]+://[^/?#\\\\]*/?$' then '/' else '/***' end
        else '***'
      end
    $$`);
  await runner.query(`
    create function audited_document(document jsonb) returns jsonb
    language sql immutable parallel safe
    as $$
      select document
        || case when document ? 'url' then jsonb_build_object('url', audited_url(document ->> 'url')) else '{}' end
        || case when jsonb_typeof(document -> 'services') = 'array' then jsonb_build_object('services', (
          select coalesce(jsonb_agg(
            s.service
              || case when s.service ? 'url' then jsonb_build_object('url', audited_url(s.service ->> 'url')) else '{}' end
              || case when s.service ? 'credentials' then '{"credentials": "***"}'::jsonb else '{}' end
            order by s.place), '[]')
          from jsonb_array_elements(document -> 'services') with ordinality as s (service, place)))
        else '{}' end
    $$`);
  await runner.query(`
    create function audited_part(document jsonb, other jsonb) returns jsonb
    language sql immutable parallel safe
    as $$
      select coalesce(jsonb_object_agg(member, value), '{}')
      from jsonb_each(audited_document(document)) as m (member, value)
      where document -> member is distinct from other -> member
    $$`);
}

async function grant(runner: QueryRunner): Promise<void> {
  await runner.query(`
    do $$
    begin
      if exists (select from pg_roles where rolname = 'sightline_api') then
        grant select on audit_state, audit_entry, audit_seal, audit_feed to sightline_api;
        -- Not the columns that say who, when and in which order.
        grant insert (generation, authority, action, subject_kind, subject_id, before, after, result, reason)
          on audit_entry to sightline_api;
        grant usage on sequence audit_entry_id_seq to sightline_api;
        grant insert on audit_seal to sightline_api;
        grant update on audit_feed to sightline_api;
        grant execute on function renew_audit_generation to sightline_api;
      end if;
    end $$`);
}
