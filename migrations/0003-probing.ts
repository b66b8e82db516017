import type { MigrationInterface, QueryRunner } from 'typeorm';

/** When each camera is asked next and by whom, and what asking has established. */
export class Probing1764000000003 implements MigrationInterface {
  name = 'Probing1764000000003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table probe_lease (
        camera_id uuid constraint probe_lease_pkey primary key
          constraint probe_lease_camera_fkey references camera (id) on delete cascade,
        -- The device: one socket at a time per host.
        host text not null,
        due_at timestamptz not null,
        -- Somebody waits for a probe now.
        asked_at timestamptz,
        lease_owner text,
        lease_until timestamptz,
        -- Both begin with the clock: a camera that was suspended comes back with a new row, and must not repeat numbers
        -- under which a prober of its old row may still be out.
        epoch bigint not null default (date_part('epoch', now()) * 1000)::bigint,
        -- Grows with each change of what is dialled: a probe of the old configuration counts no more.
        config_version bigint not null default (date_part('epoch', now()) * 1000)::bigint
      ) with (fillfactor = 70)`);
    await runner.query('create index probe_lease_due_idx on probe_lease (due_at)');
    await runner.query('create index probe_lease_host_idx on probe_lease (host) where lease_until is not null');
    await runner.query(`
      create table camera_health (
        camera_id uuid constraint camera_health_pkey primary key
          constraint camera_health_camera_fkey references camera (id) on delete cascade,
        status text not null default 'unknown',
        -- Members of the health document that change only with a probe; and the state machine's own memory.
        shown jsonb not null default '{}',
        state jsonb,
        -- What a prober wants to know again of the services and the stored picture: pinned keys, validators, its hash.
        memory jsonb,
        -- The last probe, as its report.
        report jsonb,
        revision integer not null default 0,
        checked_at timestamptz,
        captured_at timestamptz,
        stale_after_s double precision,
        -- Names in the frame store: the clean frame and its usual thumbnail.
        frame_key text,
        thumbnail_key text
      ) with (fillfactor = 70)`);
    await runner.query('create index camera_health_status_idx on camera_health (status)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table camera_health');
    await runner.query('drop table probe_lease');
  }
}
