import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Heights of the ground, by the rasters in which they came; the heights themselves lie in the frame store, a tile an object. */
export class Terrain1764000000007 implements MigrationInterface {
  name = 'Terrain1764000000007';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table terrain (
        id uuid constraint terrain_pkey primary key,
        -- terrain: bare earth; dsm: with everything that stands on it.
        kind text not null constraint terrain_kind_check check (kind in ('terrain', 'dsm')),
        -- Of the data, as given with them: where rasters overlap, the newest counts.
        date date not null,
        status text not null constraint terrain_status_check check (status in ('importing', 'ready', 'failed')),
        progress real not null default 0,
        problem text,
        -- EPSG code of the file's coordinates, and its cells.
        epsg integer not null,
        columns integer not null,
        rows integer not null,
        bytes bigint not null,
        -- Side of a cell on the ground, metres.
        cell_m double precision not null,
        -- The grid of longitude and latitude to which it was brought: first post, upper left, and steps, degrees.
        first_lon double precision not null,
        first_lat double precision not null,
        step_lon double precision not null,
        step_lat double precision not null,
        grid_columns integer not null,
        grid_rows integer not null,
        -- A rectangle.
        extent geometry(Polygon, 4326) not null,
        tiles integer not null default 0,
        tile_bytes bigint not null default 0,
        lowest_m real,
        highest_m real,
        -- Share of the cells that have a height.
        known_share real,
        created_at timestamptz not null default now(),
        created_by text not null,
        finished_at timestamptz,
        -- Until then somebody imports it; past it, whoever did has died.
        lease_until timestamptz not null
      )`);
    await runner.query(`
      create table terrain_tile (
        terrain_id uuid not null constraint terrain_tile_terrain_fkey references terrain (id) on delete cascade,
        tile_x integer not null,
        tile_y integer not null,
        -- Name in the frame store.
        key text not null,
        lowest_m real not null,
        highest_m real not null,
        constraint terrain_tile_pkey primary key (terrain_id, tile_x, tile_y)
      )`);
    await runner.query('create index terrain_tile_key_idx on terrain_tile (key)');
    await runner.query(`
      do $$
      begin
        if exists (select from pg_roles where rolname = 'sightline_api') then
          grant select, insert, update, delete on terrain, terrain_tile to sightline_api;
        end if;
        -- Sweeping the frame store, it spares what is named here.
        if exists (select from pg_roles where rolname = 'sightline_prober') then
          grant select on terrain_tile to sightline_prober;
        end if;
      end $$`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table terrain_tile');
    await runner.query('drop table terrain');
  }
}
