import type { MigrationInterface, QueryRunner } from 'typeorm';

/** API keys, and the answers kept for repeated requests. */
export class Callers1764000000004 implements MigrationInterface {
  name = 'Callers1764000000004';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table api_key (
        id uuid constraint api_key_pkey primary key,
        key_id text not null constraint api_key_key_id_key unique,
        name text not null,
        -- HMAC of the secret under the pepper of this kid; the secret itself is kept nowhere.
        pepper_kid text not null,
        secret_hmac bytea not null,
        scopes text[] not null,
        -- null: every authority
        authorities text[],
        -- Principal that made it, 'key:' and a key_id; or 'command', or 'settings' for SIGHTLINE_ADMIN_KEY.
        created_by text not null,
        created_at timestamptz not null default now(),
        -- null: holds while it is set
        expires_at timestamptz,
        last_used_at timestamptz,
        revoked_at timestamptz,
        constraint api_key_expires_at_check check (expires_at is not null or created_by = 'settings')
      )`);
    await runner.query(`
      create table idempotent_answer (
        principal text not null,
        key text not null,
        fingerprint bytea not null,
        -- Only what went well is kept; null while the transaction that began still works.
        status smallint constraint idempotent_answer_status_check check (status between 200 and 299),
        headers jsonb,
        body text,
        created_at timestamptz not null default now(),
        constraint idempotent_answer_pkey primary key (principal, key)
      )`);
    await runner.query('create index idempotent_answer_created_idx on idempotent_answer (created_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table idempotent_answer');
    await runner.query('drop table api_key');
  }
}
