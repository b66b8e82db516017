import { EntitySchema, type EntitySchemaColumnOptions } from 'typeorm';

type Column = EntitySchemaColumnOptions;

const text: Column = { type: 'text' };
const moment: Column = { type: 'timestamptz' };
const key = (table: string, column: Column): Column => ({
  ...column,
  primary: true,
  primaryKeyConstraintName: `${table}_pkey`,
});

const PRESET_PICTURE = new EntitySchema({
  name: 'preset_picture',
  columns: {
    camera_id: {
      ...key('preset_picture', { type: 'uuid' }),
      foreignKey: { target: 'camera', inverseSide: 'id', name: 'preset_picture_camera_fkey', onDelete: 'CASCADE' },
    },
    preset: key('preset_picture', text),
    outcome: text,
    checked_at: moment,
    captured_at: { ...moment, nullable: true },
    frame_key: { ...text, nullable: true },
    stale_after_s: { type: 'double precision' },
    memory: { type: 'jsonb' },
  },
  indices: [{ name: 'preset_picture_frame_idx', columns: ['frame_key'] }],
});

const KEPT_FRAME = new EntitySchema({
  name: 'kept_frame',
  columns: {
    camera_id: key('kept_frame', { type: 'uuid' }),
    view: key('kept_frame', text),
    captured_at: key('kept_frame', moment),
    frame_key: text,
    width_px: { type: 'integer' },
    height_px: { type: 'integer' },
  },
  indices: [
    { name: 'kept_frame_frame_idx', columns: ['frame_key'] },
    { name: 'kept_frame_captured_idx', columns: ['captured_at'] },
  ],
});

/** Pictures besides the latest ones, as TypeORM knows their tables. */
export const PICTURE_TABLES = [PRESET_PICTURE, KEPT_FRAME] as const;
