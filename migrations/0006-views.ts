import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What cameras see, as an index: a filter that finds candidates for a place, which `libs/geo` then judges. A row a view; every camera has one
 * at least, also one that shows nothing.
 */
export class Views1764000000006 implements MigrationInterface {
  name = 'Views1764000000006';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table view_fov (
        camera_id uuid not null constraint view_fov_camera_fkey references camera (id) on delete cascade,
        basis text not null constraint view_fov_basis_check check (basis in ('fixed', 'current', 'reach')),
        -- Whether a question that names no basis is about this view.
        is_default boolean not null,
        -- Of libs/geo: older rows are worked out again by "sightline geometry rebuild".
        geometry_version integer not null,
        -- Slant distance beyond which nothing is seen, metres.
        far_m real not null,
        computed_at timestamptz not null default now(),
        -- What geometry reads of the camera: candidates are judged without its document.
        geo json not null,
        -- Holds every place near the ground that may be seen; its polygons may overlap.
        reach geometry(MultiPolygon, 4326),
        footprint geometry(MultiPolygon, 4326),
        constraint view_fov_pkey primary key (camera_id, basis)
      )`);
    await runner.query('create index view_fov_reach_idx on view_fov using gist (reach)');
    await runner.query('create index view_fov_footprint_idx on view_fov using gist (footprint)');
    await runner.query('create index view_fov_version_idx on view_fov (geometry_version, camera_id)');
    // Cameras of before: rows that wait to be worked out.
    await runner.query(`
      insert into view_fov (camera_id, basis, is_default, geometry_version, far_m, geo)
      select id, case when mobility in ('ptz', 'dome', 'panning') then 'current' else 'fixed' end, false, 0, 0, '{}'
      from camera`);
    await runner.query(`
      do $$
      begin
        if exists (select from pg_roles where rolname = 'sightline_api') then
          grant select, insert, update, delete on view_fov to sightline_api;
        end if;
      end $$`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table view_fov');
  }
}
