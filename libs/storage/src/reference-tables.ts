import { EntitySchema, type EntitySchemaColumnOptions } from 'typeorm';

type Column = EntitySchemaColumnOptions;

const text: Column = { type: 'text' };
const camera = (name: string): Column => ({
  type: 'uuid',
  foreignKey: { target: 'camera', inverseSide: 'id', name: `${name}_camera_fkey`, onDelete: 'CASCADE' },
});

const CAMERA_REFERENCE = new EntitySchema({
  name: 'camera_reference',
  columns: {
    camera_id: { ...camera('camera_reference'), primary: true, primaryKeyConstraintName: 'camera_reference_pkey' },
    revision: { type: 'integer', default: 1 },
    fingerprint: text,
    source: text,
    accepted_at: { type: 'timestamptz', default: () => 'now()' },
    accepted_by: { ...text, nullable: true },
    views: { type: 'jsonb' },
  },
  checks: [{ name: 'camera_reference_source_check', expression: 'source' }],
});

const HELD_PICTURE = new EntitySchema({
  name: 'held_picture',
  columns: {
    scan_hash: { ...text, primary: true, primaryKeyConstraintName: 'held_picture_pkey' },
    camera_id: { ...camera('held_picture'), primary: true, primaryKeyConstraintName: 'held_picture_pkey' },
    service_hash: text,
    seen_at: { type: 'timestamptz', default: () => 'now()' },
  },
  indices: [{ name: 'held_picture_camera_idx', columns: ['camera_id'] }],
});

/** What pictures are compared with, as TypeORM knows its tables. */
export const REFERENCE_TABLES = [CAMERA_REFERENCE, HELD_PICTURE] as const;
