import { EntitySchema, type EntitySchemaColumnOptions } from 'typeorm';

type Column = EntitySchemaColumnOptions;

const text: Column = { type: 'text' };
const moment: Column = { type: 'timestamptz' };
const optional = (column: Column): Column => ({ ...column, nullable: true });
const now: Column = { ...moment, default: () => 'now()' };

const MEMBER = new EntitySchema({
  name: 'member',
  columns: {
    id: { type: 'uuid', primary: true, primaryKeyConstraintName: 'member_pkey' },
    version: { type: 'integer', default: 1 },
    issuer: text,
    subject: text,
    principal: text,
    name: optional(text),
    authority: optional({
      ...text,
      foreignKey: { target: 'authority', inverseSide: 'slug', name: 'member_authority_fkey' },
    }),
    role: text,
    created_by: text,
    created_at: now,
    updated_at: now,
  },
  checks: [{ name: 'member_role_check', expression: 'role' }],
  indices: [
    {
      name: 'member_principal_authority_idx',
      columns: ['principal', 'authority'],
      unique: true,
      where: '(authority IS NOT NULL)',
    },
    { name: 'member_principal_platform_idx', columns: ['principal'], unique: true, where: '(authority IS NULL)' },
    { name: 'member_authority_idx', columns: ['authority', 'id'] },
  ],
});

const SESSION = new EntitySchema({
  name: 'session',
  columns: {
    token_hash: { type: 'bytea', primary: true, primaryKeyConstraintName: 'session_pkey' },
    principal: text,
    issuer: optional(text),
    subject: optional(text),
    name: optional(text),
    created_at: now,
    expires_at: moment,
    used_at: now,
  },
  indices: [
    { name: 'session_principal_idx', columns: ['principal'] },
    { name: 'session_expires_idx', columns: ['expires_at'] },
  ],
});

/** People, for the drift test; see tables.ts. */
export const MEMBER_TABLES = [MEMBER, SESSION] as const;
