import { EntitySchema, type EntitySchemaColumnOptions } from 'typeorm';

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
  },
  indices: [
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
    thumbnail_key: optional(text),
  },
  indices: [{ name: 'camera_health_status_idx', columns: ['status'] }],
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
  API_KEY,
  IDEMPOTENT_ANSWER,
] as const;
