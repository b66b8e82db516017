import type { MigrationInterface, QueryRunner } from 'typeorm';

/** People: their roles, their sessions, and keys that are bound to the roles of whoever made them. */
export class Members1764000000013 implements MigrationInterface {
  name = 'Members1764000000013';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table member (
        id uuid constraint member_pkey primary key,
        version integer not null default 1,
        issuer text not null,
        subject text not null,
        -- Id of the person as a principal, made of issuer and subject.
        principal text not null,
        name text,
        -- null: a role beyond authorities
        authority text constraint member_authority_fkey references authority (slug),
        role text not null,
        created_by text not null,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        constraint member_role_check check (case
          when authority is null then role in ('auditor', 'administrator')
          else role in ('viewer', 'operator', 'admin') end)
      )`);
    // Two indexes for one rule: null is no value that a unique constraint compares.
    await runner.query(
      'create unique index member_principal_authority_idx on member (principal, authority) where authority is not null',
    );
    await runner.query(
      'create unique index member_principal_platform_idx on member (principal) where authority is null',
    );
    await runner.query('create index member_authority_idx on member (authority, id)');
    await runner.query(`
      create table session (
        -- SHA-256 of the token; the token itself is kept nowhere.
        token_hash bytea constraint session_pkey primary key,
        -- 'key:' and a key_id, or a person.
        principal text not null,
        -- Of a person; null for a key.
        issuer text,
        subject text,
        -- As the issuer tells it at sign-in.
        name text,
        created_at timestamptz not null default now(),
        expires_at timestamptz not null,
        -- To the minute.
        used_at timestamptz not null default now()
      )`);
    await runner.query('create index session_principal_idx on session (principal)');
    await runner.query('create index session_expires_idx on session (expires_at)');
    // The person in whose name the key was made, through however many keys: it may at no time do more than this person.
    await runner.query('alter table api_key add column person text');
    // The platform administrator is admin of every authority, and an admin sees to members.
    await runner.query(`
      update api_key set scopes = array_append(scopes, 'members:write')
      where 'platform:admin' = any(scopes) and authorities is null and not 'members:write' = any(scopes)`);
    await runner.query(`
      do $$
      begin
        if exists (select from pg_roles where rolname = 'sightline_api') then
          grant select, insert, update, delete on member, session to sightline_api;
        end if;
      end $$`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`update api_key set scopes = array_remove(scopes, 'members:write')`);
    await runner.query('alter table api_key drop column person');
    await runner.query('drop table session');
    await runner.query('drop table member');
  }
}
