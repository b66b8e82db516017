import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What pictures are compared with: reference views of cameras, and pictures that several cameras show. */
export class References1764000000011 implements MigrationInterface {
  name = 'References1764000000011';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table camera_reference (
        camera_id uuid constraint camera_reference_pkey primary key
          constraint camera_reference_camera_fkey references camera (id) on delete cascade,
        -- Whoever changes it does so only if it is as he read it.
        revision integer not null default 1,
        -- Of what decides what the pictures show; with another one the reference serves no more.
        fingerprint text not null,
        source text not null constraint camera_reference_source_check check (source in ('automatic', 'operator')),
        accepted_at timestamptz not null default now(),
        accepted_by text,
        -- By light: numbers and directions of outlines, of which no picture can be made.
        views jsonb not null
      )`);
    await runner.query(`
      create table held_picture (
        scan_hash text not null,
        camera_id uuid not null constraint held_picture_camera_fkey references camera (id) on delete cascade,
        -- Of the address: cameras that are registered twice count once.
        service_hash text not null,
        seen_at timestamptz not null default now(),
        constraint held_picture_pkey primary key (scan_hash, camera_id)
      )`);
    await runner.query('create index held_picture_camera_idx on held_picture (camera_id)');
    await runner.query(`
      do $$
      begin
        if exists (select from pg_roles where rolname = 'sightline_api') then
          grant select, insert, update on camera_reference to sightline_api;
        end if;
        if exists (select from pg_roles where rolname = 'sightline_prober') then
          grant select, insert, update on camera_reference to sightline_prober;
          grant select, insert, update, delete on held_picture to sightline_prober;
        end if;
      end $$`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table held_picture');
    await runner.query('drop table camera_reference');
  }
}
