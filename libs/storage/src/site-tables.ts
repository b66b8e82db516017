import { EntitySchema, type EntitySchemaColumnOptions } from 'typeorm';

type Column = EntitySchemaColumnOptions;

const moment: Column = { type: 'timestamptz' };
const later: Column = { ...moment, nullable: true };
const now: Column = { ...moment, default: () => 'now()' };
const absence = (column: Column): Column => ({
  ...column,
  primary: true,
  primaryKeyConstraintName: 'site_absence_pkey',
});
const refers = (target: string, name: string): Column => ({
  type: 'uuid',
  foreignKey: { target, inverseSide: 'id', name, onDelete: 'CASCADE' },
});

const SITE_OUTAGE = new EntitySchema({
  name: 'site_outage',
  columns: {
    id: { type: 'uuid', primary: true, primaryKeyConstraintName: 'site_outage_pkey' },
    network: { type: 'text', nullable: true },
    position: { type: 'geometry', spatialFeatureType: 'Point', srid: 4326, nullable: true },
    since: now,
    returning_at: later,
    until: later,
  },
  checks: [{ name: 'site_outage_site_check', expression: 'network' }],
  indices: [{ name: 'site_outage_open_idx', columns: ['since'], where: '(until IS NULL)' }],
});

const SITE_ABSENCE = new EntitySchema({
  name: 'site_absence',
  columns: {
    camera_id: absence(refers('camera', 'site_absence_camera_fkey')),
    outage_id: absence(refers('site_outage', 'site_absence_outage_fkey')),
    since: absence(now),
    until: later,
  },
});

/** Outages of sites, as TypeORM knows their tables. */
export const SITE_TABLES = [SITE_OUTAGE, SITE_ABSENCE] as const;
