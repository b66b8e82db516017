import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Of a camera's picture only the frame is kept: smaller ones are made when they are asked for (decision 0018). */
export class FramesOnly1764000000016 implements MigrationInterface {
  name = 'FramesOnly1764000000016';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table camera_health drop column thumbnail_key');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table camera_health add column thumbnail_key text');
  }
}
