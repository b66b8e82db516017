import { EntitySchema, type EntitySchemaColumnOptions } from 'typeorm';
import { AUDIT_TABLES } from './audit-tables.js';
import { EVENT_TABLES } from './event-tables.js';
import { GRANT_TABLES } from './grant-tables.js';
import { HISTORY_TABLES } from './history-tables.js';
import { MEMBER_TABLES } from './member-tables.js';
import { PICTURE_TABLES } from './picture-tables.js';
import { REFERENCE_TABLES } from './reference-tables.js';
import { SITE_TABLES } from './site-tables.js';

type Column = EntitySchemaColumnOptions;

const text: Column = { type: 'text' };
const integer: Column = { type: 'integer' };
const json: Column = { type: 'jsonb' };
const moment: Column = { type: 'timestamptz' };
const optional = (column: Column): Column => ({ ...column, nullable: true });
const now: Column = { ...moment, default: () => 'now()' };

/**
 * The tables as TypeORM knows them, for the drift test: migrations are the schema of record, and a column that one
 * side has and the other lacks fails `npm test`. Statements of this room name their columns themselves.
 */
export const AUTHORITY = new EntitySchema({
  name: 'authority',
  columns: {
    slug: { ...text, primary: true, primaryKeyConstraintName: 'authority_pkey' },
    version: integer,
    document: json,
    access_floor: text,
    created_at: now,
    updated_at: now,
    withdrawn_at: optional(moment),
  },
  checks: [{ name: 'authority_access_floor_check', expression: "access_floor in ('public', 'agency', 'restricted')" }],
});

export const CAMERA = new EntitySchema({
  name: 'camera',
  columns: {
    id: { type: 'uuid', primary: true, primaryKeyConstraintName: 'camera_pkey' },
    authority: {
      ...text,
      foreignKey: { target: 'authority', inverseSide: 'slug', name: 'camera_authority_fkey' },
    },
    local_id: text,
    version: integer,
    document: json,
    public_document: json,
    position: { type: 'geometry', spatialFeatureType: 'Point', srid: 4326 },
    lifecycle: text,
    maintenance_until: optional(moment),
    access_level: text,
    completeness: text,
    mobility: text,
    usage: { ...text, array: true },
    tags: { ...text, array: true },
    city: optional(text),
    basin: optional(text),
    search_text: text,
    service_slots: { type: 'smallint', array: true },
    content_hash: { type: 'bytea' },
    changed_xid: { type: 'bigint' },
    created_at: now,
    updated_at: now,
  },
  uniques: [{ name: 'camera_authority_local_id_key', columns: ['authority', 'local_id'] }],
  checks: [
    { name: 'camera_lifecycle_check', expression: 'lifecycle' },
    { name: 'camera_access_level_check', expression: 'access_level' },
    { name: 'camera_completeness_check', expression: 'completeness' },
  ],
  indices: [
    { name: 'camera_position_idx', columns: ['position'], spatial: true },
    // An expression, which TypeORM cannot describe.
    { name: 'camera_geography_idx', columns: ['position'], synchronize: false },
    { name: 'camera_changed_idx', columns: ['changed_xid', 'id'] },
    {
      name: 'camera_counted_idx',
      columns: ['authority', 'city', 'access_level', 'lifecycle', 'maintenance_until', 'id'],
    },
    // Of a part that TypeORM cannot describe.
    { name: 'camera_retention_idx', columns: ['id'], synchronize: false },
  ],
});

const CAMERA_KEY = (name: string): Column => ({
  type: 'uuid',
  primary: true,
  primaryKeyConstraintName: `${name}_pkey`,
  foreignKey: { target: 'camera', inverseSide: 'id', name: `${name}_camera_fkey`, onDelete: 'CASCADE' },
});

export const CAMERA_SECRET = new EntitySchema({
  name: 'camera_secret',
  columns: {
    camera_id: CAMERA_KEY('camera_secret'),
    slot: { type: 'smallint', primary: true, primaryKeyConstraintName: 'camera_secret_pkey' },
    kid: text,
    ciphertext: { type: 'bytea' },
    fingerprint: text,
    updated_at: moment,
  },
});

/** Milliseconds since 1970, as PostgreSQL prints it and TypeORM strips it of casts (and lowers it: hence no EXTRACT). */
const CLOCK_MS = () => "((date_part('epoch', now()) * (1000)))";

export const PROBE_LEASE = new EntitySchema({
  name: 'probe_lease',
  columns: {
    camera_id: CAMERA_KEY('probe_lease'),
    host: text,
    due_at: moment,
    asked_at: optional(moment),
    lease_owner: optional(text),
    lease_until: optional(moment),
    epoch: { type: 'bigint', default: CLOCK_MS },
    config_version: { type: 'bigint', default: CLOCK_MS },
    network: optional(text),
  },
  indices: [
    { name: 'probe_lease_network_idx', columns: ['network'] },
    { name: 'probe_lease_due_idx', columns: ['due_at'] },
    { name: 'probe_lease_host_idx', columns: ['host'], where: '(lease_until IS NOT NULL)' },
  ],
});

export const CAMERA_HEALTH = new EntitySchema({
  name: 'camera_health',
  columns: {
    camera_id: CAMERA_KEY('camera_health'),
    status: { ...text, default: 'unknown' },
    shown: { ...json, default: {} },
    state: optional(json),
    memory: optional(json),
    report: optional(json),
    revision: { ...integer, default: 0 },
    checked_at: optional(moment),
    captured_at: optional(moment),
    stale_after_s: optional({ type: 'double precision' }),
    frame_key: optional(text),
    expected_by: optional(moment),
    faults: { ...text, array: true, default: () => "'{}'" },
    failing_since: optional(moment),
    site_outage: optional({
      type: 'uuid',
      foreignKey: { target: 'site_outage', inverseSide: 'id', name: 'camera_health_site_outage_fkey' },
    }),
  },
  indices: [
    { name: 'camera_health_status_idx', columns: ['status'] },
    { name: 'camera_health_failing_idx', columns: ['failing_since'], where: '(failing_since IS NOT NULL)' },
    { name: 'camera_health_site_outage_idx', columns: ['site_outage'], where: '(site_outage IS NOT NULL)' },
    // It includes columns, which TypeORM cannot describe.
    { name: 'camera_health_unwell_idx', columns: ['camera_id'], synchronize: false },
  ],
});

export const VIEW_FOV = new EntitySchema({
  name: 'view_fov',
  columns: {
    camera_id: CAMERA_KEY('view_fov'),
    basis: { ...text, primary: true, primaryKeyConstraintName: 'view_fov_pkey' },
    is_default: { type: 'boolean' },
    geometry_version: integer,
    far_m: { type: 'real' },
    computed_at: now,
    geo: { type: 'json' },
    reach: optional({ type: 'geometry', spatialFeatureType: 'MultiPolygon', srid: 4326 }),
    footprint: optional({ type: 'geometry', spatialFeatureType: 'MultiPolygon', srid: 4326 }),
  },
  checks: [{ name: 'view_fov_basis_check', expression: 'basis' }],
  indices: [
    { name: 'view_fov_reach_idx', columns: ['reach'], spatial: true },
    { name: 'view_fov_footprint_idx', columns: ['footprint'], spatial: true },
    { name: 'view_fov_version_idx', columns: ['geometry_version', 'camera_id'] },
  ],
});

export const TERRAIN = new EntitySchema({
  name: 'terrain',
  columns: {
    id: { type: 'uuid', primary: true, primaryKeyConstraintName: 'terrain_pkey' },
    kind: text,
    date: { type: 'date' },
    status: text,
    progress: { type: 'real', default: 0 },
    problem: optional(text),
    epsg: integer,
    columns: integer,
    rows: integer,
    bytes: { type: 'bigint' },
    cell_m: { type: 'double precision' },
    first_lon: { type: 'double precision' },
    first_lat: { type: 'double precision' },
    step_lon: { type: 'double precision' },
    step_lat: { type: 'double precision' },
    grid_columns: integer,
    grid_rows: integer,
    extent: { type: 'geometry', spatialFeatureType: 'Polygon', srid: 4326 },
    tiles: { ...integer, default: 0 },
    tile_bytes: { type: 'bigint', default: 0 },
    lowest_m: optional({ type: 'real' }),
    highest_m: optional({ type: 'real' }),
    known_share: optional({ type: 'real' }),
    created_at: now,
    created_by: text,
    finished_at: optional(moment),
    lease_until: moment,
  },
  checks: [
    { name: 'terrain_kind_check', expression: 'kind' },
    { name: 'terrain_status_check', expression: 'status' },
  ],
});

export const TERRAIN_TILE = new EntitySchema({
  name: 'terrain_tile',
  columns: {
    terrain_id: {
      type: 'uuid',
      primary: true,
      primaryKeyConstraintName: 'terrain_tile_pkey',
      foreignKey: { target: 'terrain', inverseSide: 'id', name: 'terrain_tile_terrain_fkey', onDelete: 'CASCADE' },
    },
    tile_x: { ...integer, primary: true, primaryKeyConstraintName: 'terrain_tile_pkey' },
    tile_y: { ...integer, primary: true, primaryKeyConstraintName: 'terrain_tile_pkey' },
    key: text,
    lowest_m: { type: 'real' },
    highest_m: { type: 'real' },
  },
  indices: [{ name: 'terrain_tile_key_idx', columns: ['key'] }],
});

export const BUILDING_SET = new EntitySchema({
  name: 'building_set',
  columns: {
    id: { type: 'uuid', primary: true, primaryKeyConstraintName: 'building_set_pkey' },
    date: { type: 'date' },
    status: text,
    progress: { type: 'real', default: 0 },
    problem: optional(text),
    height_from: optional(text),
    base_from: optional(text),
    bytes: { type: 'bigint' },
    features: { ...integer, default: 0 },
    buildings: { ...integer, default: 0 },
    left_out: { ...integer, default: 0 },
    by_code: { ...json, default: {} },
    problems: { ...json, default: [] },
    lowest_m: optional({ type: 'real' }),
    highest_m: optional({ type: 'real' }),
    extent: optional({ type: 'geometry', spatialFeatureType: 'MultiPolygon', srid: 4326 }),
    created_at: now,
    created_by: text,
    finished_at: optional(moment),
    lease_until: moment,
  },
  checks: [{ name: 'building_set_status_check', expression: 'status' }],
});

export const BUILDING = new EntitySchema({
  name: 'building',
  columns: {
    id: {
      type: 'bigint',
      primary: true,
      primaryKeyConstraintName: 'building_pkey',
      // A strategy that TypeORM 1.1 has and its types of schemas lack.
      generated: 'identity' as 'increment',
    },
    set_id: {
      type: 'uuid',
      foreignKey: { target: 'building_set', inverseSide: 'id', name: 'building_set_fkey' },
    },
    footprint: { type: 'geometry', spatialFeatureType: 'Polygon', srid: 4326 },
    base_m: { type: 'real' },
    top_m: { type: 'real' },
  },
  indices: [
    { name: 'building_footprint_idx', columns: ['footprint'], spatial: true },
    { name: 'building_set_idx', columns: ['set_id'] },
  ],
});

export const API_KEY = new EntitySchema({
  name: 'api_key',
  columns: {
    id: { type: 'uuid', primary: true, primaryKeyConstraintName: 'api_key_pkey' },
    key_id: text,
    name: text,
    pepper_kid: text,
    secret_hmac: { type: 'bytea' },
    scopes: { ...text, array: true },
    authorities: optional({ ...text, array: true }),
    created_by: text,
    created_at: now,
    expires_at: optional(moment),
    last_used_at: optional(moment),
    revoked_at: optional(moment),
    person: optional(text),
  },
  uniques: [{ name: 'api_key_key_id_key', columns: ['key_id'] }],
  checks: [{ name: 'api_key_expires_at_check', expression: "expires_at is not null or created_by = 'settings'" }],
});

export const IDEMPOTENT_ANSWER = new EntitySchema({
  name: 'idempotent_answer',
  columns: {
    principal: { ...text, primary: true, primaryKeyConstraintName: 'idempotent_answer_pkey' },
    key: { ...text, primary: true, primaryKeyConstraintName: 'idempotent_answer_pkey' },
    fingerprint: { type: 'bytea' },
    status: optional({ type: 'smallint' }),
    headers: optional(json),
    body: optional(text),
    created_at: now,
  },
  checks: [{ name: 'idempotent_answer_status_check', expression: 'status between 200 and 299' }],
  indices: [{ name: 'idempotent_answer_created_idx', columns: ['created_at'] }],
});

export const TABLES = [
  AUTHORITY,
  CAMERA,
  CAMERA_SECRET,
  PROBE_LEASE,
  CAMERA_HEALTH,
  VIEW_FOV,
  TERRAIN,
  TERRAIN_TILE,
  BUILDING_SET,
  BUILDING,
  API_KEY,
  IDEMPOTENT_ANSWER,
  ...AUDIT_TABLES,
  ...HISTORY_TABLES,
  ...EVENT_TABLES,
  ...GRANT_TABLES,
  ...MEMBER_TABLES,
  ...PICTURE_TABLES,
  ...REFERENCE_TABLES,
  ...SITE_TABLES,
] as const;
