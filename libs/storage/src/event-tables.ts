import { EntitySchema, type EntitySchemaColumnOptions } from 'typeorm';

type Column = EntitySchemaColumnOptions;

const text: Column = { type: 'text' };
const integer: Column = { type: 'integer' };
const bigint: Column = { type: 'bigint' };
const json: Column = { type: 'jsonb' };
const moment: Column = { type: 'timestamptz' };
const optional = (column: Column): Column => ({ ...column, nullable: true });
const now: Column = { ...moment, default: () => 'now()' };

const ONE_ROW = (name: string): Column => ({
  type: 'boolean',
  primary: true,
  primaryKeyConstraintName: `${name}_pkey`,
  default: true,
});

const OUTBOX_STATE = new EntitySchema({
  name: 'outbox_state',
  columns: { id: ONE_ROW('outbox_state'), generation: { ...integer, default: 1 } },
  checks: [{ name: 'outbox_state_id_check', expression: 'id' }],
});

const WEBHOOK_FEED = new EntitySchema({
  name: 'webhook_feed',
  columns: { id: ONE_ROW('webhook_feed'), generation: integer, xid: bigint, event: bigint },
  checks: [{ name: 'webhook_feed_id_check', expression: 'id' }],
});

const WEBHOOK = new EntitySchema({
  name: 'webhook',
  columns: {
    id: { type: 'uuid', primary: true, primaryKeyConstraintName: 'webhook_pkey' },
    version: { ...integer, default: 1 },
    document: json,
    owner: text,
    created_at: now,
    updated_at: now,
    disabled_reason: optional(text),
    disabled_at: optional(moment),
    failing_since: optional(moment),
  },
  checks: [{ name: 'webhook_disabled_reason_check', expression: 'disabled_reason' }],
});

const OF_WEBHOOK = (name: string): Column['foreignKey'] => ({
  target: 'webhook',
  inverseSide: 'id',
  name: `${name}_webhook_fkey`,
  onDelete: 'CASCADE',
});

const WEBHOOK_SECRET = new EntitySchema({
  name: 'webhook_secret',
  columns: {
    webhook_id: {
      type: 'uuid',
      primary: true,
      primaryKeyConstraintName: 'webhook_secret_pkey',
      foreignKey: OF_WEBHOOK('webhook_secret'),
    },
    number: { ...integer, primary: true, primaryKeyConstraintName: 'webhook_secret_pkey' },
    kid: text,
    ciphertext: { type: 'bytea' },
    ends_at: optional(moment),
  },
});

const WEBHOOK_DELIVERY = new EntitySchema({
  name: 'webhook_delivery',
  columns: {
    id: { type: 'uuid', primary: true, primaryKeyConstraintName: 'webhook_delivery_pkey' },
    webhook_id: { type: 'uuid', foreignKey: OF_WEBHOOK('webhook_delivery') },
    // A strategy that TypeORM 1.1 has and its types of schemas lack.
    seq: { ...bigint, generated: 'identity' as 'increment' },
    event: json,
    camera_id: { type: 'uuid' },
    state: { ...text, default: 'waiting' },
    attempts: { ...integer, default: 0 },
    created_at: now,
    due_at: optional(moment),
    lease_until: optional(moment),
    epoch: { ...integer, default: 0 },
    attempted_at: optional(moment),
    status: optional(integer),
    problem: optional(text),
  },
  checks: [{ name: 'webhook_delivery_state_check', expression: 'state' }],
  indices: [
    {
      name: 'webhook_delivery_due_idx',
      columns: ['webhook_id', 'due_at', 'seq'],
      where: `(state = 'waiting'::text)`,
    },
    {
      name: 'webhook_delivery_first_idx',
      columns: ['webhook_id', 'camera_id', 'seq'],
      where: `((state = 'waiting'::text) AND (attempts = 0))`,
    },
    { name: 'webhook_delivery_list_idx', columns: ['webhook_id', 'id'] },
    { name: 'webhook_delivery_created_idx', columns: ['created_at'] },
  ],
});

/** Events and webhooks as TypeORM knows them, but for the outbox: it knows no xid8. */
export const EVENT_TABLES = [OUTBOX_STATE, WEBHOOK, WEBHOOK_SECRET, WEBHOOK_DELIVERY, WEBHOOK_FEED] as const;
