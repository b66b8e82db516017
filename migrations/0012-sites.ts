import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Sites whose cameras went down together, so that one word tells of all of them (probing.md S10). */
export class Sites1764000000012 implements MigrationInterface {
  name = 'Sites1764000000012';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table site_outage (
        id uuid constraint site_outage_pkey primary key,
        -- A network, or a place that cameras share.
        network text,
        position geometry(Point, 4326),
        since timestamptz not null default now(),
        -- When the first of its cameras answered again.
        returning_at timestamptz,
        until timestamptz,
        constraint site_outage_site_check check ((network is null) <> (position is null))
      )`);
    await runner.query('create index site_outage_open_idx on site_outage (since) where until is null');
    await runner.query(`
      create table site_absence (
        camera_id uuid not null constraint site_absence_camera_fkey references camera (id) on delete cascade,
        outage_id uuid not null constraint site_absence_outage_fkey references site_outage (id) on delete cascade,
        since timestamptz not null default now(),
        until timestamptz,
        constraint site_absence_pkey primary key (camera_id, outage_id, since)
      )`);
    // The /24 or /64 of the address at which the camera was asked last.
    await runner.query('alter table probe_lease add column network text');
    await runner.query('create index probe_lease_network_idx on probe_lease (network)');
    await runner.query(`
      alter table camera_health
        -- Since when no probe has brought a picture, of a camera that is suspect or offline.
        add column failing_since timestamptz,
        add column site_outage uuid constraint camera_health_site_outage_fkey references site_outage (id)`);
    await runner.query(
      'create index camera_health_failing_idx on camera_health (failing_since) where failing_since is not null',
    );
    await runner.query(
      'create index camera_health_site_outage_idx on camera_health (site_outage) where site_outage is not null',
    );
    await runner.query(`
      do $$
      begin
        if exists (select from pg_roles where rolname = 'sightline_api') then
          grant select on site_outage, site_absence to sightline_api;
        end if;
        if exists (select from pg_roles where rolname = 'sightline_prober') then
          grant select, insert, update on site_outage, site_absence to sightline_prober;
        end if;
      end $$`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table camera_health drop column site_outage, drop column failing_since');
    await runner.query('alter table probe_lease drop column network');
    await runner.query('drop table site_absence');
    await runner.query('drop table site_outage');
  }
}
