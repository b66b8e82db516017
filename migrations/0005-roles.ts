import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What the API and the prober may do, as roles that production logins are members of (docs/ARCHITECTURE.md). Roles belong
 * to the whole server, so they are made only where they are missing, and stay when the tables go. A login that may
 * not make roles leaves them out: outside production the owner's login serves everything.
 */
export class Roles1764000000005 implements MigrationInterface {
  name = 'Roles1764000000005';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      do $$
      declare
        wanted text;
      begin
        perform pg_advisory_xact_lock(hashtext('sightline roles'));
        foreach wanted in array array['sightline_api', 'sightline_prober'] loop
          if not exists (select from pg_roles where rolname = wanted) then
            begin
              execute format('create role %I nologin', wanted);
            exception
              -- Another database of this server is migrated at the same time: the lock is of one database.
              when unique_violation or duplicate_object then null;
            end;
          end if;
        end loop;
      exception
        when insufficient_privilege then
          raise notice 'no right to create roles: sightline_api and sightline_prober are left out';
      end $$`);
    await runner.query(`
      do $$
      begin
        if exists (select from pg_roles where rolname = 'sightline_api') then
          grant select, insert, update on authority, camera, camera_health, probe_lease, api_key to sightline_api;
          grant delete on probe_lease to sightline_api;
          grant select, insert, update, delete on idempotent_answer to sightline_api;
          grant insert, update, delete on camera_secret to sightline_api;
          grant select (camera_id, slot, kid, fingerprint, updated_at) on camera_secret to sightline_api;
          grant select on migrations to sightline_api;
        end if;
        if exists (select from pg_roles where rolname = 'sightline_prober') then
          grant select on authority, camera, camera_secret, camera_health, probe_lease to sightline_prober;
          grant insert, update on camera_health to sightline_prober;
          grant update on probe_lease to sightline_prober;
          grant select on migrations to sightline_prober;
        end if;
      end $$`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      do $$
      declare
        given text;
      begin
        for given in select rolname from pg_roles where rolname in ('sightline_api', 'sightline_prober') loop
          execute format(
            'revoke all on authority, camera, camera_secret, camera_health, probe_lease, api_key, idempotent_answer, migrations from %I',
            given);
        end loop;
      end $$`);
  }
}
