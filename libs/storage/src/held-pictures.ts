import { type Database, run, sql } from './sql.js';

/** A camera that shows one picture for longer than a picture lasts. */
export interface HeldPicture {
  readonly cameraId: string;
  readonly scanHash: string;
  /** Of the address at which it was shown. */
  readonly serviceHash: string;
}

/** A picture of this age that few cameras showed is forgotten when its camera holds another. */
const KEPT_DAYS = 30;
/** At so many services a picture is a card, and known as one from then on. */
const CARD_SERVICES = 3;

/** Pictures that cameras held: the same one from several is a card, whichever prober asked them. */
export class HeldPictures {
  constructor(private readonly db: Database) {}

  async add(held: readonly HeldPicture[]): Promise<void> {
    await run(
      this.db,
      sql`
        with r as (
          select * from jsonb_to_recordset(${JSON.stringify(held)}::jsonb)
            as r ("cameraId" uuid, "scanHash" text, "serviceHash" text)),
        forgotten as (
          delete from held_picture p
          using r
          where p.camera_id = r."cameraId" and p.seen_at < now() - make_interval(days => ${KEPT_DAYS}::int)
            and ${CARD_SERVICES}::int > (
              select count(distinct o.service_hash) from held_picture o where o.scan_hash = p.scan_hash))
        insert into held_picture (scan_hash, camera_id, service_hash)
        select "scanHash", c.id, "serviceHash"
        from r
        join camera c on c.id = r."cameraId"
        order by "scanHash", c.id
        on conflict on constraint held_picture_pkey do update
        set service_hash = excluded.service_hash, seen_at = excluded.seen_at`,
    );
  }

  /** At how many services each of these pictures was held; those that never were are absent. */
  async services(scanHashes: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const rows = await run<{ scanHash: string; services: number }>(
      this.db,
      sql`
        select scan_hash as "scanHash", count(distinct service_hash)::int as services
        from held_picture
        where scan_hash = any(${scanHashes}::text[])
        group by scan_hash`,
    );
    return new Map(rows.map(({ scanHash, services }) => [scanHash, services]));
  }
}
