import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What happened to cameras, in the order in which it may be read (reliability.md REL-5), and the webhooks that are told of it. */
export class Events1764000000010 implements MigrationInterface {
  name = 'Events1764000000010';

  async up(runner: QueryRunner): Promise<void> {
    await makeOutbox(runner);
    await makeWebhooks(runner);
    await grant(runner);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table webhook_delivery');
    await runner.query('drop table webhook_secret');
    await runner.query('drop table webhook');
    await runner.query('drop table webhook_feed');
    await runner.query('drop function renew_outbox_generation');
    await runner.query(`delete from partitioned_table where name = 'outbox'`);
    await runner.query('drop table outbox');
    await runner.query('drop sequence outbox_id_seq');
    await runner.query('drop table outbox_state');
  }
}

async function makeOutbox(runner: QueryRunner): Promise<void> {
  await runner.query(`
    create table outbox_state (
      -- One row.
      id boolean constraint outbox_state_pkey primary key default true constraint outbox_state_id_check check (id),
      generation integer not null default 1
    )`);
  await runner.query('insert into outbox_state default values');
  await runner.query('create sequence outbox_id_seq');
  // No key and no foreign key: both would cost each write, and no row is ever looked up or changed.
  await runner.query(`
    create table outbox (
      generation integer not null,
      xid xid8 not null default pg_current_xact_id(),
      id bigint not null default nextval('outbox_id_seq'),
      kind text not null,
      camera_id uuid not null,
      -- Of the camera, as the writer saw it.
      version integer not null,
      at timestamptz not null default now(),
      -- What the event says beside its camera.
      facts jsonb not null default '{}',
      -- Who could see the camera before and where it stood then, where the change altered that.
      seen_before jsonb
    ) partition by range (at)`);
  await runner.query('create index outbox_order_idx on outbox (generation, xid, id)');
  await runner.query(`insert into partitioned_table (name, unit, keep_days) values ('outbox', 'day', 7)`);
  await runner.query(`select keep_partitions('outbox')`);
  // After a restore into a new cluster transaction numbers begin anew, below those of the rows. Whoever inserts holds ROW EXCLUSIVE until he
  // commits, so that no row of the old generation comes after the new one has begun.
  await runner.query(`
    create function renew_outbox_generation() returns boolean
    language plpgsql security definer
    set search_path = public, pg_temp
    as $$
    declare
      is_ahead constant text := 'select exists (
        select from outbox o, outbox_state s
        where o.generation = s.generation and o.xid >= pg_snapshot_xmax(pg_current_snapshot()))';
      found boolean;
    begin
      execute is_ahead into found;
      if not found then
        return false;
      end if;
      lock table outbox in share mode;
      execute is_ahead into found;
      if found then
        update outbox_state set generation = generation + 1;
      end if;
      return found;
    end $$`);
  await runner.query('revoke all on function renew_outbox_generation from public');
}

async function makeWebhooks(runner: QueryRunner): Promise<void> {
  await runner.query(`
    create table webhook_feed (
      -- One row: up to where events have been handed out to webhooks.
      id boolean constraint webhook_feed_pkey primary key default true constraint webhook_feed_id_check check (id),
      generation integer not null,
      -- Numbers of transactions as bigint, since TypeORM knows no xid8.
      xid bigint not null,
      event bigint not null
    )`);
  await runner.query(`
    insert into webhook_feed (generation, xid, event)
    values (1, pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1, 9223372036854775807)`);
  await runner.query(`
    create table webhook (
      id uuid constraint webhook_pkey primary key,
      version integer not null default 1,
      document jsonb not null,
      -- The API key under whose rights events are sent, by its key_id.
      owner text not null,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      -- Why nothing is sent; null while it is.
      disabled_reason text
        constraint webhook_disabled_reason_check check (disabled_reason in ('paused', 'gone', 'failing', 'owner_gone')),
      disabled_at timestamptz,
      -- Since when no delivery has succeeded.
      failing_since timestamptz
    )`);
  await runner.query(`
    create table webhook_secret (
      webhook_id uuid not null constraint webhook_secret_webhook_fkey references webhook (id) on delete cascade,
      number integer not null,
      kid text not null,
      ciphertext bytea not null,
      -- Of the one before the newest: until when it still signs.
      ends_at timestamptz,
      constraint webhook_secret_pkey primary key (webhook_id, number)
    )`);
  await runner.query(`
    create table webhook_delivery (
      id uuid constraint webhook_delivery_pkey primary key,
      webhook_id uuid not null constraint webhook_delivery_webhook_fkey references webhook (id) on delete cascade,
      -- Place in the order of events, among those of one webhook.
      seq bigint generated always as identity,
      -- The event, as storage read it from the outbox.
      event jsonb not null,
      camera_id uuid not null,
      state text not null default 'waiting'
        constraint webhook_delivery_state_check check (state in ('waiting', 'delivered', 'failed', 'withheld')),
      attempts integer not null default 0,
      created_at timestamptz not null default now(),
      due_at timestamptz,
      lease_until timestamptz,
      epoch integer not null default 0,
      attempted_at timestamptz,
      -- Of the last answer, and why it was no success.
      status integer,
      problem text
    ) with (fillfactor = 80)`);
  await runner.query(
    `create index webhook_delivery_due_idx on webhook_delivery (webhook_id, due_at, seq) where state = 'waiting'`,
  );
  await runner.query(
    `create index webhook_delivery_first_idx on webhook_delivery (webhook_id, camera_id, seq) where state = 'waiting' and attempts = 0`,
  );
  await runner.query('create index webhook_delivery_list_idx on webhook_delivery (webhook_id, id)');
  await runner.query('create index webhook_delivery_created_idx on webhook_delivery (created_at)');
}

async function grant(runner: QueryRunner): Promise<void> {
  await runner.query(`
    do $$
    begin
      if exists (select from pg_roles where rolname = 'sightline_api') then
        grant select, insert on outbox to sightline_api;
        grant usage on sequence outbox_id_seq to sightline_api;
        grant select on outbox_state to sightline_api;
        grant execute on function renew_outbox_generation to sightline_api;
        grant select, update on webhook_feed to sightline_api;
        grant select, insert, update, delete on webhook, webhook_secret, webhook_delivery to sightline_api;
      end if;
      if exists (select from pg_roles where rolname = 'sightline_prober') then
        grant insert on outbox to sightline_prober;
        grant usage on sequence outbox_id_seq to sightline_prober;
        grant select on outbox_state to sightline_prober;
      end if;
    end $$`);
}
