import type { Webhook, WebhookDisabledReason, WebhookDocument } from '#catalog';
import type { Reach } from './reach.js';
import { webhookNoted } from './audited-webhooks.js';
import { utc } from './moments.js';
import { and, type Database, type Fragment, one, raw, run, sql } from './sql.js';

/** A signing key, sealed for its row. */
export interface SealedWebhookSecret {
  readonly number: number;
  readonly kid: string;
  readonly ciphertext: Buffer;
}

/** A webhook to keep. */
export interface NewWebhook {
  /** UUIDv7. */
  readonly id: string;
  readonly document: WebhookDocument;
  /** Principal under whose rights it is told of events. */
  readonly owner: string;
  readonly secret: SealedWebhookSecret;
}

/** Which webhooks a caller sees to: those whose owner reaches no further than he. */
export interface WebhookPage {
  readonly limit: number;
  /** The last id seen. */
  readonly after?: string;
  readonly within: Reach;
}

/** How long the key before the newest signs too. */
const BOTH_SIGN = raw(`interval '24 hours'`);

/** The owner as a principal. The column has keys by their bare key_id, as they were when nobody but keys had webhooks. */
export const WEBHOOK_OWNER = `case when w.owner like 'person:%' then w.owner else 'key:' || w.owner end`;

const ANSWER = raw(`w.document || jsonb_build_object(
    'id', w.id,
    'version', w.version,
    'owner', ${WEBHOOK_OWNER},
    'enabled', w.disabled_at is null,
    'createdAt', ${utc('w.created_at')},
    'updatedAt', ${utc('w.updated_at')},
    'disabledReason', w.disabled_reason,
    'disabledAt', ${utc('w.disabled_at')},
    'failingSince', ${utc('w.failing_since')})`);

/** Where events are sent. */
export class Webhooks {
  constructor(private readonly db: Database) {}

  /** To be run in a transaction. */
  async add({ id, document, owner, secret }: NewWebhook): Promise<Webhook> {
    const { enabled = true, ...stated } = document;
    const rows = await run<{ webhook: Webhook }>(
      this.db,
      sql`
        with w as (
          insert into webhook (id, document, owner, disabled_reason, disabled_at)
          values (${id}::uuid, ${JSON.stringify(stated)}::jsonb, ${columnOf(owner)},
                  case when ${enabled} then null else 'paused' end, case when ${enabled} then null else now() end)
          returning *),
        audited as (${webhookNoted('webhook.registered', 'made')})
        select ${ANSWER} as webhook from w`,
    );
    await this.putSecret(id, secret);
    return one(rows).webhook;
  }

  /** In the order of their making. */
  async list({ limit, after, within }: WebhookPage): Promise<Webhook[]> {
    const rows = await run<{ webhook: Webhook }>(
      this.db,
      sql`
        select ${ANSWER} as webhook
        from webhook w
        where ${and([reaches(within), ...(after === undefined ? [] : [sql`w.id > ${after}::uuid`])])}
        order by w.id
        limit ${limit}`,
    );
    return rows.map(({ webhook }) => webhook);
  }

  /** One of these webhooks, or null: one beyond the caller's reach is as good as none. */
  async find(id: string, within: Reach): Promise<Webhook | null> {
    return this.findBy(id, within, raw(''));
  }

  /** The same, locked until the transaction ends. */
  async lock(id: string, within: Reach): Promise<Webhook | null> {
    return this.findBy(id, within, raw('for update of w'));
  }

  private async findBy(id: string, within: Reach, lock: Fragment): Promise<Webhook | null> {
    const rows = await run<{ webhook: Webhook }>(
      this.db,
      sql`
        select ${ANSWER} as webhook
        from webhook w
        where w.id = ${id}::uuid and ${reaches(within)}
        ${lock}`,
    );
    return rows[0]?.webhook ?? null;
  }

  /** Replaces a webhook that the caller has locked. @param owner whose rights count from now on */
  async replace(id: string, document: WebhookDocument, owner: string): Promise<Webhook> {
    const { enabled = true, ...stated } = document;
    const rows = await run<{ webhook: Webhook }>(
      this.db,
      sql`
        with b as (select * from webhook where id = ${id}::uuid),
        w as (
          update webhook w
          set document = ${JSON.stringify(stated)}::jsonb, owner = ${columnOf(owner)}, version = version + 1, updated_at = now(),
              disabled_reason = case when ${enabled} then null else coalesce(disabled_reason, 'paused') end,
              disabled_at = case when ${enabled} then null else coalesce(disabled_at, now()) end,
              failing_since = case when ${enabled} and disabled_at is not null then null else failing_since end
          where w.id = ${id}::uuid
          returning *),
        audited as (${webhookNoted('webhook.changed', 'changed')})
        select ${ANSWER} as webhook from w`,
    );
    return one(rows).webhook;
  }

  /** With its secrets and deliveries. */
  async remove(id: string): Promise<void> {
    await run(
      this.db,
      sql`
        with w as (delete from webhook where id = ${id}::uuid returning *)
        ${webhookNoted('webhook.deleted', 'gone')}`,
    );
  }

  /** Why nothing is sent from now on; a webhook that is disabled already keeps its reason. @returns whether it was not */
  async disable(id: string, reason: WebhookDisabledReason): Promise<boolean> {
    const rows = await run(
      this.db,
      sql`
        with b as (select * from webhook where id = ${id}::uuid),
        w as (
          update webhook set disabled_reason = ${reason}, disabled_at = now(), updated_at = now(), version = version + 1
          where id = ${id}::uuid and disabled_at is null
          returning *),
        audited as (${webhookNoted('webhook.disabled', 'changed')})
        select true as disabled from w`,
    );
    return rows.length > 0;
  }

  /** Keys that sign now, newest first. */
  async secrets(id: string): Promise<readonly SealedWebhookSecret[]> {
    return (await this.secretsOf([id])).get(id) ?? [];
  }

  /** Of each of these webhooks, by its id. */
  async secretsOf(ids: readonly string[]): Promise<ReadonlyMap<string, readonly SealedWebhookSecret[]>> {
    const rows = await run<SealedWebhookSecret & { readonly id: string }>(
      this.db,
      sql`
        select webhook_id as id, number, kid, ciphertext
        from webhook_secret
        where webhook_id = any(${ids}::uuid[]) and (ends_at is null or ends_at > now())
        order by number desc`,
    );
    const secrets = new Map<string, SealedWebhookSecret[]>(ids.map((id) => [id, []]));
    for (const { id, ...secret } of rows) secrets.get(id)?.push(secret);
    return secrets;
  }

  /** Adds a signing key to a webhook that the caller has locked. The one before it signs too for a day, older ones no more. */
  async addSecret(id: string, secret: SealedWebhookSecret): Promise<void> {
    await run(
      this.db,
      sql`delete from webhook_secret where webhook_id = ${id}::uuid and number < ${secret.number}::int - 1`,
    );
    await run(
      this.db,
      sql`
        update webhook_secret set ends_at = now() + ${BOTH_SIGN}
        where webhook_id = ${id}::uuid and number < ${secret.number}::int`,
    );
    await this.putSecret(id, secret);
    await this.noteOf(id, 'webhook.secret_rotated');
  }

  /** Notes that somebody had an event sent again. */
  async noteReplay(id: string): Promise<void> {
    await this.noteOf(id, 'webhook.delivery_replayed');
  }

  private async noteOf(id: string, action: 'webhook.secret_rotated' | 'webhook.delivery_replayed'): Promise<void> {
    await run(
      this.db,
      sql`
        with w as (select * from webhook where id = ${id}::uuid)
        ${webhookNoted(action, 'same')}`,
    );
  }

  private async putSecret(id: string, { number, kid, ciphertext }: SealedWebhookSecret): Promise<void> {
    await run(
      this.db,
      sql`
        insert into webhook_secret (webhook_id, number, kid, ciphertext)
        values (${id}::uuid, ${number}::int, ${kid}, ${ciphertext}::bytea)`,
    );
  }
}

const columnOf = (owner: string): string => owner.replace(/^key:/, '');

/** A webhook whose owner reaches no further than these authorities. */
function reaches(within: Reach): Fragment {
  if (within === 'all') return raw('true');
  return sql`(
      exists (
        select from api_key k
        where k.key_id = w.owner and k.authorities <@ ${within}::text[] and k.authorities <> '{}')
      or (select bool_and(m.authority is not null and m.authority = any(${within}::text[]))
          from member m where m.principal = w.owner))`;
}
