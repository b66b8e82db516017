import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The agencies that answer for cameras. */
export class Authorities1764000000001 implements MigrationInterface {
  name = 'Authorities1764000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table authority (
        slug text constraint authority_pkey primary key,
        version integer not null,
        document jsonb not null,
        access_floor text not null
          constraint authority_access_floor_check check (access_floor in ('public', 'agency', 'restricted')),
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        -- A slug is never reused: a withdrawn authority keeps its row.
        withdrawn_at timestamptz
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table authority');
  }
}
