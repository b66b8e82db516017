import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Cameras and their sealed credentials. */
export class Cameras1764000000002 implements MigrationInterface {
  name = 'Cameras1764000000002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table camera (
        id uuid constraint camera_pkey primary key,
        authority text not null constraint camera_authority_fkey references authority (slug),
        local_id text not null,
        version integer not null,
        -- What the agency states and the server derives from it; and the part of it that strangers may read.
        document jsonb not null,
        public_document jsonb not null,
        position geometry(Point, 4326) not null,
        lifecycle text not null
          constraint camera_lifecycle_check check (lifecycle in ('planned', 'active', 'maintenance', 'suspended', 'retired')),
        maintenance_until timestamptz,
        access_level text not null
          constraint camera_access_level_check check (access_level in ('public', 'agency', 'restricted')),
        completeness text not null
          constraint camera_completeness_check check (completeness in ('point', 'direction', 'sector', 'frustum')),
        mobility text not null,
        usage text[] not null,
        tags text[] not null,
        city text,
        basin text,
        search_text text not null,
        -- Names of the services' secrets, in the order of document.services.
        service_slots smallint[] not null,
        -- Hash of what the agency states: an equal import changes nothing.
        content_hash bytea not null,
        -- Transaction of the last change, the order of the change feed (a bigint, since TypeORM knows no xid8).
        changed_xid bigint not null,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        constraint camera_authority_local_id_key unique (authority, local_id)
      )`);
    await runner.query('create index camera_position_idx on camera using gist (position)');
    await runner.query('create index camera_geography_idx on camera using gist ((position::geography))');
    await runner.query('create index camera_changed_idx on camera (changed_xid, id)');
    await runner.query(`
      create table camera_secret (
        camera_id uuid not null constraint camera_secret_camera_fkey references camera (id) on delete cascade,
        slot smallint not null,
        kid text not null,
        ciphertext bytea not null,
        fingerprint text not null,
        updated_at timestamptz not null,
        constraint camera_secret_pkey primary key (camera_id, slot)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table camera_secret');
    await runner.query('drop table camera');
  }
}
