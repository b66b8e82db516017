import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Access that one authority gives another for a time, and asks another for (security.md AUTHZ-1). */
export class Grants1764000000017 implements MigrationInterface {
  name = 'Grants1764000000017';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table access_grant (
        id uuid constraint access_grant_pkey primary key,
        -- Whose cameras they are: a camera that goes to another authority leaves its grants behind.
        authority text not null constraint access_grant_authority_fkey references authority (slug),
        -- null: every camera of the authority
        camera_id uuid constraint access_grant_camera_fkey references camera (id) on delete cascade,
        grantee text not null constraint access_grant_grantee_fkey references authority (slug),
        until timestamptz not null,
        reason text not null,
        created_by text not null,
        created_at timestamptz not null default now(),
        -- Before its time.
        ended_at timestamptz,
        ended_by text,
        constraint access_grant_grantee_check check (grantee <> authority),
        constraint access_grant_ended_check check ((ended_at is null) = (ended_by is null))
      )`);
    await runner.query('create index access_grant_grantee_idx on access_grant (grantee, until)');
    await runner.query('create index access_grant_authority_idx on access_grant (authority, id)');
    await runner.query(`
      create table access_request (
        id uuid constraint access_request_pkey primary key,
        -- Whose cameras are asked for, and who decides.
        authority text not null constraint access_request_authority_fkey references authority (slug),
        camera_id uuid constraint access_request_camera_fkey references camera (id) on delete cascade,
        grantee text not null constraint access_request_grantee_fkey references authority (slug),
        purpose text not null,
        until timestamptz not null,
        reason text not null,
        state text not null default 'pending',
        created_by text not null,
        created_at timestamptz not null default now(),
        decided_at timestamptz,
        decided_by text,
        answer text,
        grant_id uuid constraint access_request_grant_fkey references access_grant (id) on delete set null,
        constraint access_request_grantee_check check (grantee <> authority),
        constraint access_request_state_check check (state in ('pending', 'granted', 'refused', 'withdrawn')),
        constraint access_request_decided_check check (
          (state = 'pending') = (decided_at is null) and (state = 'pending') = (decided_by is null))
      )`);
    // Two indexes for one rule: null is no value that a unique constraint compares.
    await runner.query(`
      create unique index access_request_camera_pending_idx on access_request (grantee, camera_id)
      where state = 'pending' and camera_id is not null`);
    await runner.query(`
      create unique index access_request_authority_pending_idx on access_request (grantee, authority)
      where state = 'pending' and camera_id is null`);
    await runner.query('create index access_request_authority_idx on access_request (authority, id)');
    await runner.query('create index access_request_grantee_idx on access_request (grantee, id)');
    await runner.query(`select guard_rows('access_grant', 'acts_for(authority)')`);
    // Whoever asks may only read, so he acts for himself; whoever decides acts for the owner.
    await runner.query(`
      select guard_rows('access_request',
        'acts_for(authority) or acts_for(grantee) or created_by = acting_principal()',
        creatable => 'created_by = acting_principal() or acts_for_all()')`);
    await runner.query(`
      do $$
      begin
        if exists (select from pg_roles where rolname = 'sightline_api') then
          grant select, insert, update on access_grant, access_request to sightline_api;
        end if;
      end $$`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table access_request');
    await runner.query('drop table access_grant');
  }
}
