import { EntitySchema, type EntitySchemaColumnOptions } from 'typeorm';

type Column = EntitySchemaColumnOptions;

const text: Column = { type: 'text' };
const integer: Column = { type: 'integer' };
const bigint: Column = { type: 'bigint' };
const bytes: Column = { type: 'bytea' };

const ONE_ROW = (name: string): Column => ({
  type: 'boolean',
  primary: true,
  primaryKeyConstraintName: `${name}_pkey`,
  default: true,
});

const AUDIT_STATE = new EntitySchema({
  name: 'audit_state',
  columns: {
    id: ONE_ROW('audit_state'),
    generation: { ...integer, default: 1 },
    registry: { type: 'uuid' },
  },
  checks: [{ name: 'audit_state_id_check', expression: 'id' }],
});

const AUDIT_FEED = new EntitySchema({
  name: 'audit_feed',
  columns: { id: ONE_ROW('audit_feed'), generation: integer, xid: bigint, entry: bigint },
  checks: [{ name: 'audit_feed_id_check', expression: 'id' }],
});

const AUDIT_SEAL = new EntitySchema({
  name: 'audit_seal',
  columns: {
    audit_id: bigint,
    at: { type: 'timestamptz' },
    chain: { ...text, primary: true, primaryKeyConstraintName: 'audit_seal_pkey' },
    seq: { ...bigint, primary: true, primaryKeyConstraintName: 'audit_seal_pkey' },
    prev_hash: bytes,
    hash: bytes,
  },
  uniques: [{ name: 'audit_seal_audit_id_key', columns: ['audit_id'] }],
});

/** The audit as TypeORM knows it, but for the entries: it knows no xid8. */
export const AUDIT_TABLES = [AUDIT_STATE, AUDIT_FEED, AUDIT_SEAL] as const;
