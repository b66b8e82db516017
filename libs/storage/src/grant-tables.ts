import { EntitySchema, type EntitySchemaColumnOptions } from 'typeorm';

type Column = EntitySchemaColumnOptions;

const text: Column = { type: 'text' };
const moment: Column = { type: 'timestamptz' };
const optional = (column: Column): Column => ({ ...column, nullable: true });
const now: Column = { ...moment, default: () => 'now()' };

const authority = (name: string): Column => ({
  ...text,
  foreignKey: { target: 'authority', inverseSide: 'slug', name },
});
const camera = (name: string): Column => ({
  type: 'uuid',
  nullable: true,
  foreignKey: { target: 'camera', inverseSide: 'id', name, onDelete: 'CASCADE' },
});

const ACCESS_GRANT = new EntitySchema({
  name: 'access_grant',
  columns: {
    id: { type: 'uuid', primary: true, primaryKeyConstraintName: 'access_grant_pkey' },
    authority: authority('access_grant_authority_fkey'),
    camera_id: camera('access_grant_camera_fkey'),
    grantee: authority('access_grant_grantee_fkey'),
    until: moment,
    reason: text,
    created_by: text,
    created_at: now,
    ended_at: optional(moment),
    ended_by: optional(text),
  },
  checks: [
    { name: 'access_grant_grantee_check', expression: 'grantee <> authority' },
    { name: 'access_grant_ended_check', expression: '(ended_at is null) = (ended_by is null)' },
  ],
  indices: [
    { name: 'access_grant_grantee_idx', columns: ['grantee', 'until'] },
    { name: 'access_grant_authority_idx', columns: ['authority', 'id'] },
  ],
});

const ACCESS_REQUEST = new EntitySchema({
  name: 'access_request',
  columns: {
    id: { type: 'uuid', primary: true, primaryKeyConstraintName: 'access_request_pkey' },
    authority: authority('access_request_authority_fkey'),
    camera_id: camera('access_request_camera_fkey'),
    grantee: authority('access_request_grantee_fkey'),
    purpose: text,
    until: moment,
    reason: text,
    state: { ...text, default: 'pending' },
    created_by: text,
    created_at: now,
    decided_at: optional(moment),
    decided_by: optional(text),
    answer: optional(text),
    grant_id: {
      type: 'uuid',
      nullable: true,
      foreignKey: {
        target: 'access_grant',
        inverseSide: 'id',
        name: 'access_request_grant_fkey',
        onDelete: 'SET NULL',
      },
    },
  },
  checks: [
    { name: 'access_request_grantee_check', expression: 'grantee <> authority' },
    { name: 'access_request_state_check', expression: 'state' },
    { name: 'access_request_decided_check', expression: 'decided_at' },
  ],
  indices: [
    {
      name: 'access_request_camera_pending_idx',
      columns: ['grantee', 'camera_id'],
      unique: true,
      where: "((state = 'pending'::text) AND (camera_id IS NOT NULL))",
    },
    {
      name: 'access_request_authority_pending_idx',
      columns: ['grantee', 'authority'],
      unique: true,
      where: "((state = 'pending'::text) AND (camera_id IS NULL))",
    },
    { name: 'access_request_authority_idx', columns: ['authority', 'id'] },
    { name: 'access_request_grantee_idx', columns: ['grantee', 'id'] },
  ],
});

/** Access given and asked for, for the drift test; see tables.ts. */
export const GRANT_TABLES = [ACCESS_GRANT, ACCESS_REQUEST] as const;
