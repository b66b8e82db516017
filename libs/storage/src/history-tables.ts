import { EntitySchema, type EntitySchemaColumnOptions } from 'typeorm';

type Column = EntitySchemaColumnOptions;

const text: Column = { type: 'text' };
const integer: Column = { type: 'integer' };
const moment: Column = { type: 'timestamptz' };
const key = (table: string, column: Column): Column => ({
  ...column,
  primary: true,
  primaryKeyConstraintName: `${table}_pkey`,
});

export const PARTITIONED_TABLE = new EntitySchema({
  name: 'partitioned_table',
  columns: {
    name: key('partitioned_table', text),
    unit: text,
    keep_days: { ...integer, nullable: true },
    fill_factor: { ...integer, default: 100 },
  },
  checks: [
    { name: 'partitioned_table_unit_check', expression: 'unit' },
    { name: 'partitioned_table_keep_days_check', expression: 'keep_days' },
    { name: 'partitioned_table_fill_factor_check', expression: 'fill_factor' },
  ],
});

export const HEALTH_TRANSITION = new EntitySchema({
  name: 'health_transition',
  columns: {
    camera_id: key('health_transition', { type: 'uuid' }),
    at: key('health_transition', moment),
    from_status: text,
    to_status: text,
    outcome: { ...text, nullable: true },
    reason: { ...text, nullable: true },
  },
});

export const PROBE_HOUR = new EntitySchema({
  name: 'probe_hour',
  columns: {
    hour: key('probe_hour', moment),
    camera_id: key('probe_hour', { type: 'uuid' }),
    probes: { ...integer, array: true },
  },
});

const healthBucket = (name: string) =>
  new EntitySchema({
    name,
    columns: {
      camera_id: key(name, { type: 'uuid' }),
      at: key(name, moment),
      ok: integer,
      degraded: integer,
      fail: integer,
      busy: integer,
      unknown: integer,
      maintenance: integer,
      unreachable: integer,
      latency_count: integer,
      latency_sum_ms: { type: 'bigint' },
      latency_min_ms: { ...integer, nullable: true },
      latency_max_ms: { ...integer, nullable: true },
      latency_bins: { ...integer, array: true },
    },
  });

export const HEALTH_HOUR = healthBucket('health_hour');
export const HEALTH_DAY = healthBucket('health_day');

export const HEALTH_ROLLUP = new EntitySchema({
  name: 'health_rollup',
  columns: { id: key('health_rollup', { type: 'boolean', default: true }), until: moment },
  checks: [{ name: 'health_rollup_id_check', expression: 'id' }],
});

export const CAMERA_LIFECYCLE = new EntitySchema({
  name: 'camera_lifecycle',
  columns: {
    camera_id: {
      ...key('camera_lifecycle', { type: 'uuid' }),
      foreignKey: { target: 'camera', inverseSide: 'id', name: 'camera_lifecycle_camera_fkey', onDelete: 'CASCADE' },
    },
    at: key('camera_lifecycle', moment),
    lifecycle: text,
    maintenance_until: { ...moment, nullable: true },
  },
});

export const HISTORY_TABLES = [
  PARTITIONED_TABLE,
  HEALTH_TRANSITION,
  PROBE_HOUR,
  HEALTH_HOUR,
  HEALTH_DAY,
  HEALTH_ROLLUP,
  CAMERA_LIFECYCLE,
] as const;
