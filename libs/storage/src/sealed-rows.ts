import type { DataSource } from 'typeorm';
import { type Database, one, raw, run, sql } from './sql.js';

/** How much stands under one key-encryption key. */
export interface KeyUse {
  readonly kid: string;
  readonly cameras: number;
  readonly webhooks: number;
  /** Of the API keys those that open the door: what a revoked one was checked with is of no use. */
  readonly apiKeys: number;
}

/** Sealed credentials of one camera's service, and what they are bound to. */
export interface SealedCameraRow {
  readonly cameraId: string;
  readonly authority: string;
  readonly slot: number;
  readonly kid: string;
  readonly ciphertext: Buffer;
}

/** A sealed signing key of a webhook, and what it is bound to. */
export interface SealedWebhookRow {
  readonly webhookId: string;
  readonly number: number;
  readonly kid: string;
  readonly ciphertext: Buffer;
}

/** A piece of what stands under these keys, in the order of the rows' keys. */
export interface SealedPage<Row> {
  readonly kids: readonly string[];
  readonly limit: number;
  /** The last row seen. */
  readonly after?: Row;
}

/** Secrets as they are kept, to be put under another key. Rows that somebody writes are passed over: a later look finds them. */
export class SealedRows {
  constructor(private readonly db: Database) {}

  /** Of every key that anything stands under, in the order of names. */
  async uses(): Promise<readonly KeyUse[]> {
    return run<KeyUse>(
      this.db,
      raw(`
        select kid, sum(cameras)::int as cameras, sum(webhooks)::int as webhooks, sum(api_keys)::int as "apiKeys"
        from (
          select kid, count(*) as cameras, 0 as webhooks, 0 as api_keys from camera_secret group by kid
          union all
          select kid, 0, count(*), 0 from webhook_secret group by kid
          union all
          select pepper_kid, 0, 0, count(*)
          from api_key
          where revoked_at is null and (expires_at is null or expires_at > now())
          group by pepper_kid) as each
        group by kid
        order by kid`),
    );
  }

  /** To be run in a transaction, which holds the rows. */
  async ofCameras({ kids, limit, after }: SealedPage<SealedCameraRow>): Promise<readonly SealedCameraRow[]> {
    return run<SealedCameraRow>(
      this.db,
      sql`
        select s.camera_id as "cameraId", c.authority, s.slot, s.kid, s.ciphertext
        from camera_secret s
        join camera c on c.id = s.camera_id
        where s.kid = any(${kids}::text[])
          ${after === undefined ? raw('') : sql`and (s.camera_id, s.slot) > (${after.cameraId}::uuid, ${after.slot}::smallint)`}
        order by s.camera_id, s.slot
        limit ${limit}
        for update of s skip locked`,
    );
  }

  async putOfCameras(
    rows: readonly (Omit<SealedCameraRow, 'authority'> & { readonly fingerprint: string })[],
  ): Promise<void> {
    await run(
      this.db,
      sql`
        update camera_secret s
        set kid = r.kid, ciphertext = decode(r.ciphertext, 'hex'), fingerprint = r.fingerprint
        from jsonb_to_recordset(${jsonOf(rows)}::jsonb)
          as r ("cameraId" uuid, slot smallint, kid text, ciphertext text, fingerprint text)
        where s.camera_id = r."cameraId" and s.slot = r.slot`,
    );
  }

  /** To be run in a transaction, which holds the rows. */
  async ofWebhooks({ kids, limit, after }: SealedPage<SealedWebhookRow>): Promise<readonly SealedWebhookRow[]> {
    return run<SealedWebhookRow>(
      this.db,
      sql`
        select webhook_id as "webhookId", number, kid, ciphertext
        from webhook_secret
        where kid = any(${kids}::text[])
          ${after === undefined ? raw('') : sql`and (webhook_id, number) > (${after.webhookId}::uuid, ${after.number}::int)`}
        order by webhook_id, number
        limit ${limit}
        for update skip locked`,
    );
  }

  async putOfWebhooks(rows: readonly SealedWebhookRow[]): Promise<void> {
    await run(
      this.db,
      sql`
        update webhook_secret s
        set kid = r.kid, ciphertext = decode(r.ciphertext, 'hex')
        from jsonb_to_recordset(${jsonOf(rows)}::jsonb) as r ("webhookId" uuid, number int, kid text, ciphertext text)
        where s.webhook_id = r."webhookId" and s.number = r.number`,
    );
  }
}

const jsonOf = (rows: readonly { readonly ciphertext: Buffer }[]): string =>
  JSON.stringify(rows.map(({ ciphertext, ...row }) => ({ ...row, ciphertext: ciphertext.toString('hex') })));

/**
 * Does something that one process at a time does to a database, by a lock of the session, which ends with the process however it ends.
 * @returns whether it was done; false: another process is at it
 */
export async function rotateAlone(db: DataSource, work: () => Promise<void>): Promise<boolean> {
  const runner = db.createQueryRunner();
  const lock = `hashtext('sightline keys rotate')`;
  try {
    const turn = await run<{ isOurs: boolean }>(
      runner.manager,
      raw(`select pg_try_advisory_lock(${lock}) as "isOurs"`),
    );
    if (!one(turn).isOurs) return false;
    await work();
    await run(runner.manager, raw(`select pg_advisory_unlock(${lock})`));
    return true;
  } finally {
    await runner.release();
  }
}
