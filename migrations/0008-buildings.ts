import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Buildings that stand in lines of sight, by the sets in which they came. */
export class Buildings1764000000008 implements MigrationInterface {
  name = 'Buildings1764000000008';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table building_set (
        id uuid constraint building_set_pkey primary key,
        -- Of the data, as given with them: where sets overlap, the newest counts.
        date date not null,
        -- Only a set that is ready is looked at. One that is removed goes with its last building.
        status text not null
          constraint building_set_status_check check (status in ('importing', 'ready', 'failed', 'removed')),
        progress real not null default 0,
        problem text,
        height_from text,
        base_from text,
        bytes bigint not null,
        features integer not null default 0,
        buildings integer not null default 0,
        left_out integer not null default 0,
        by_code jsonb not null default '{}',
        -- The first ones.
        problems jsonb not null default '[]',
        lowest_m real,
        highest_m real,
        -- A rectangle; two where it crosses the antimeridian, the western one first.
        extent geometry(MultiPolygon, 4326),
        created_at timestamptz not null default now(),
        created_by text not null,
        finished_at timestamptz,
        -- Until then somebody imports it; past it, whoever did has died.
        lease_until timestamptz not null
      )`);
    await runner.query(`
      create table building (
        id bigint generated always as identity constraint building_pkey primary key,
        set_id uuid not null constraint building_set_fkey references building_set (id),
        footprint geometry(Polygon, 4326) not null,
        -- Above the ground at the building, metres.
        base_m real not null,
        top_m real not null
      )`);
    await runner.query('create index building_footprint_idx on building using gist (footprint)');
    await runner.query('create index building_set_idx on building (set_id)');
    await runner.query(`
      do $$
      begin
        if exists (select from pg_roles where rolname = 'sightline_api') then
          grant select, insert, update, delete on building_set to sightline_api;
          grant select, insert, delete on building to sightline_api;
        end if;
      end $$`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table building');
    await runner.query('drop table building_set');
  }
}
