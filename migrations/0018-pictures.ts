import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Pictures that are kept besides the latest one of each camera: those of its presets, and earlier ones where policy keeps or delays them. */
export class Pictures1764000000018 implements MigrationInterface {
  name = 'Pictures1764000000018';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table preset_picture (
        camera_id uuid not null constraint preset_picture_camera_fkey references camera (id) on delete cascade,
        -- As the service that shows it names it.
        preset text not null,
        -- Of the last probe.
        outcome text not null,
        checked_at timestamptz not null,
        -- Of the picture that is kept; null without one.
        captured_at timestamptz,
        frame_key text,
        stale_after_s double precision not null,
        -- What a prober wants to know again: the picture's hash, validators, failures in a row.
        memory jsonb not null,
        constraint preset_picture_pkey primary key (camera_id, preset)
      ) with (fillfactor = 70)`);
    await runner.query('create index preset_picture_frame_idx on preset_picture (frame_key)');
    // Not partitioned by time, as the history of probes is: how long a picture may be kept is said by its camera, and may change.
    // No foreign key to the camera: each row would lock it, and a camera is never deleted, only retired.
    await runner.query(`
      create table kept_frame (
        camera_id uuid not null,
        -- 'main', or a preset.
        view text not null,
        -- When it was seen so. The same picture seen again is another row of the same bytes.
        captured_at timestamptz not null,
        frame_key text not null,
        width_px integer not null,
        height_px integer not null,
        constraint kept_frame_pkey primary key (camera_id, view, captured_at)
      )`);
    await runner.query('create index kept_frame_frame_idx on kept_frame (frame_key)');
    await runner.query('create index kept_frame_captured_idx on kept_frame (captured_at)');
    // The few cameras whose latest picture may grow too old to be kept.
    await runner.query(
      `create index camera_retention_idx on camera (id) where document #>> '{access,retentionS}' is not null`,
    );
    await runner.query(`
      do $$
      begin
        if exists (select from pg_roles where rolname = 'sightline_api') then
          grant select, delete on preset_picture, kept_frame to sightline_api;
        end if;
        if exists (select from pg_roles where rolname = 'sightline_prober') then
          grant select, insert, update, delete on preset_picture, kept_frame to sightline_prober;
        end if;
      end $$`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index camera_retention_idx');
    await runner.query('drop table kept_frame');
    await runner.query('drop table preset_picture');
  }
}
