import { type ApiKey, type Membership, type Scope, Unauthenticated } from '#catalog';
import { keysNoted } from './audited-keys.js';
import { utc } from './moments.js';
import { Members } from './members.js';
import type { Reach } from './reach.js';
import { and, type Database, type Fragment, raw, run, sql } from './sql.js';

/** What is kept of a secret: an HMAC, and the name of the key that it was made with. */
export interface Pepper {
  readonly kid: string;
  readonly hmac: Buffer;
}

/** A key to keep; its secret stays with the caller. */
export interface NewApiKey {
  /** UUIDv7. */
  readonly id: string;
  readonly keyId: string;
  readonly name: string;
  readonly pepper: Pepper;
  readonly scopes: readonly Scope[];
  readonly authorities: Reach;
  /** The principal that makes it, `key:` and its key id or `person:…`; `command` for one that a command of ours makes. */
  readonly createdBy: string;
  /** RFC 3339. */
  readonly expiresAt: string;
}

/** What it takes to let the bearer of a key in. */
export interface PresentedKey {
  readonly keyId: string;
  readonly pepper: Pepper;
  readonly name: string;
  /** RFC 3339; null while it is set as SIGHTLINE_ADMIN_KEY. */
  readonly expiresAt: string | null;
  /** By the clock of the database. */
  readonly state: 'live' | 'expired' | 'revoked';
  readonly scopes: readonly Scope[];
  readonly authorities: Reach;
  /** Roles of the person in whose name it was made, as they are now; null: it was made in nobody's. */
  readonly bounds: readonly Membership[] | null;
}

/** What a key may do, and where. */
export type KeyRights = Pick<PresentedKey, 'scopes' | 'authorities' | 'bounds'>;

/** A piece of the list of keys, in the order of their making. */
export interface ApiKeyPage {
  readonly limit: number;
  /** The last id seen. */
  readonly after?: string;
  readonly within: Reach;
}

const REACH = `coalesce(to_jsonb(k.authorities), '"all"')`;

/** The row as the contract shows it. */
const ANSWER = raw(`jsonb_build_object(
    'id', k.id,
    'keyId', k.key_id,
    'name', k.name,
    'scopes', to_jsonb(k.scopes),
    'authorities', ${REACH},
    'createdBy', k.created_by,
    'createdAt', ${utc('k.created_at')},
    'expiresAt', ${utc('k.expires_at')},
    'lastUsedAt', ${utc('k.last_used_at')},
    'revokedAt', ${utc('k.revoked_at')})`);

/** How `createdBy` names a key, and a person. */
const BY_KEY = 'key:';
const BY_PERSON = 'person:';
/** `createdBy` of the key in `SIGHTLINE_ADMIN_KEY`. */
const BY_SETTINGS = 'settings';

/**
 * API keys. A key is never edited, only revoked, and the keys that it made, and theirs, are revoked with it: a leaked key
 * must not live on in its children. One that expires leaves them alone, for that end was planned. What a person made, and what was made with
 * that, stays bound to the person's roles (security.md AUTHN-2).
 */
export class ApiKeys {
  constructor(private readonly db: Database) {}

  /** @throws Unauthenticated when the key that makes it was revoked meanwhile */
  async add(key: NewApiKey): Promise<ApiKey> {
    const { id, keyId, name, pepper, scopes, authorities, createdBy, expiresAt } = key;
    const maker = createdBy.startsWith(BY_KEY) ? createdBy.slice(BY_KEY.length) : null;
    const person = createdBy.startsWith(BY_PERSON) ? createdBy : null;
    // The maker's row is held until the end, so that its revocation sees this child or comes first.
    const rows = await run<{ key: ApiKey }>(
      this.db,
      sql`
        with maker as (select person from api_key where key_id = ${maker}::text and revoked_at is null for share),
        k as (
          insert into api_key (
            id, key_id, name, pepper_kid, secret_hmac, scopes, authorities, created_by, expires_at,
            person)
          select ${id}::uuid, ${keyId}, ${name}, ${pepper.kid}, ${pepper.hmac}::bytea, ${scopes}::text[],
                 ${listed(authorities)}::text[], ${createdBy}, ${expiresAt}::timestamptz,
                 coalesce(${person}::text, (select person from maker))
          where ${maker}::text is null or exists (select from maker)
          returning *),
        audited as (${keysNoted('key.minted')})
        select ${ANSWER} as key from k`,
    );
    if (rows[0] === undefined) throw new Unauthenticated('the key that asks was revoked meanwhile');
    return rows[0].key;
  }

  /** Keys that hold within these authorities and nowhere else, in the order of their making. */
  async list({ limit, after, within }: ApiKeyPage): Promise<ApiKey[]> {
    const conditions = [reaches(within), ...(after === undefined ? [] : [sql`k.id > ${after}::uuid`])];
    const rows = await run<{ key: ApiKey }>(
      this.db,
      sql`
        select ${ANSWER} as key
        from api_key k
        where ${and(conditions)}
        order by k.id
        limit ${limit}`,
    );
    return rows.map(({ key }) => key);
  }

  /** One of these keys, or null: one that reaches further than `within` is as good as none. */
  async find(id: string, within: Reach): Promise<ApiKey | null> {
    const rows = await run<{ key: ApiKey }>(
      this.db,
      sql`
        select ${ANSWER} as key
        from api_key k
        where k.id = ${id}::uuid and ${reaches(within)}`,
    );
    return rows[0]?.key ?? null;
  }

  /** The key of this id, to be compared with what was presented. Rides api_key_key_id_key, at each request. */
  async findByKeyId(keyId: string): Promise<PresentedKey | null> {
    const rows = await run<Omit<PresentedKey, 'pepper' | 'bounds'> & Bound & { pepperKid: string; secretHmac: Buffer }>(
      this.db,
      sql`
        select k.key_id as "keyId", k.pepper_kid as "pepperKid", k.secret_hmac as "secretHmac",
               case when k.revoked_at is not null then 'revoked'
                    when k.expires_at <= now() then 'expired'
                    else 'live' end as state,
               k.name, ${raw(utc('k.expires_at'))} as "expiresAt",
               k.scopes, ${raw(REACH)} as authorities, k.person
        from api_key k
        where k.key_id = ${keyId}`,
    );
    if (rows[0] === undefined) return null;
    const { pepperKid, secretHmac, person, ...key } = rows[0];
    const bounds = await this.boundsOf([{ person }]);
    return { ...key, pepper: { kid: pepperKid, hmac: secretHmac }, bounds: bounds({ person }) };
  }

  /** Of these keys those that open the door now, with what they may do. Rides api_key_key_id_key. */
  async liveOf(keyIds: readonly string[]): Promise<ReadonlyMap<string, KeyRights>> {
    if (keyIds.length === 0) return new Map();
    const rows = await run<Omit<KeyRights, 'bounds'> & Bound & { readonly keyId: string }>(
      this.db,
      sql`
        select k.key_id as "keyId", k.scopes, ${raw(REACH)} as authorities, k.person
        from api_key k
        where k.key_id = any(${keyIds}::text[]) and k.revoked_at is null
          and (k.expires_at is null or k.expires_at > now())`,
    );
    const bounds = await this.boundsOf(rows);
    return new Map(rows.map(({ keyId, person, ...rights }) => [keyId, { ...rights, bounds: bounds({ person }) }]));
  }

  private async boundsOf(keys: readonly Bound[]): Promise<(key: Bound) => readonly Membership[] | null> {
    const people = [...new Set(keys.flatMap(({ person }) => (person === null ? [] : [person])))];
    const roles = await new Members(this.db).rolesOf(people);
    return ({ person }) => (person === null ? null : (roles.get(person) ?? []));
  }

  /**
   * Revokes a key and all that came from it, and ends the sessions of all of them; again, it changes nothing. To be run in a transaction.
   * @returns the key, or null where `find` would
   */
  async revoke(id: string, within: Reach): Promise<ApiKey | null> {
    const rows = await run<{ key: ApiKey }>(
      this.db,
      sql`
        with k as (
          update api_key k set revoked_at = coalesce(k.revoked_at, now())
          where k.id = ${id}::uuid and ${reaches(within)}
          returning *),
        audited as (${keysNoted('key.revoked', raw('k.revoked_at = now()'))})
        select ${ANSWER} as key from k`,
    );
    if (rows[0] === undefined) return null;
    await this.revokeChildren();
    await run(
      this.db,
      sql`
        delete from session s
        using api_key k
        where s.principal = ${BY_KEY} || k.key_id and k.revoked_at is not null`,
    );
    return rows[0].key;
  }

  /**
   * One generation a pass, until a pass finds none: a key that is revoked, and so locked, makes no more children, hence
   * the next pass sees all that it ever made.
   */
  private async revokeChildren(): Promise<void> {
    for (;;) {
      const revoked = await run(
        this.db,
        sql`
          with k as (
            update api_key child set revoked_at = now()
            from api_key maker
            where child.created_by = ${BY_KEY} || maker.key_id
              and maker.revoked_at is not null and child.revoked_at is null
            returning child.*),
          audited as (${keysNoted('key.revoked')})
          select id from k`,
      );
      if (revoked.length === 0) return;
    }
  }

  /** Notes that these keys were used, to the minute; rows that another process is noting are left to it. */
  async touch(keyIds: readonly string[]): Promise<void> {
    if (keyIds.length === 0) return;
    await run(
      this.db,
      sql`
        with used as materialized (
          select id from api_key
          where key_id = any(${keyIds}::text[])
            and (last_used_at is null or last_used_at < date_trunc('minute', now()))
          for update skip locked)
        update api_key k set last_used_at = date_trunc('minute', now())
        from used
        where k.id = used.id`,
    );
  }

  /** Moves a key to another pepper at its use, so that the old one may go (security.md CRED-3). */
  async setPepper(keyId: string, { kid, hmac }: Pepper): Promise<void> {
    await run(
      this.db,
      sql`update api_key set pepper_kid = ${kid}, secret_hmac = ${hmac}::bytea where key_id = ${keyId}`,
    );
  }

  /** Until the transaction ends no other process sees to the first key: two that start at once make one. */
  async alone(): Promise<void> {
    await run(this.db, raw(`select pg_advisory_xact_lock(hashtext('sightline first key'))`));
  }

  /** Whether a platform administrator's key is live: else `up` and `migrate` make the first one and print it. */
  async hasAdministrator(): Promise<boolean> {
    const rows = await run(
      this.db,
      sql`
        select from api_key
        where 'platform:admin' = any(scopes) and authorities is null and revoked_at is null
          and (expires_at is null or expires_at > now())
        limit 1`,
    );
    return rows.length > 0;
  }

  /**
   * Makes the key of `SIGHTLINE_ADMIN_KEY` hold, and ends one that stood there before (AUTHN-1); null: none is set. The
   * same at every start and in every process. A key that a person revoked stays revoked, whatever the settings say.
   * @returns whether it opens the door
   */
  async hold(key: Omit<NewApiKey, 'authorities' | 'createdBy' | 'expiresAt'> | null): Promise<boolean> {
    await run(
      this.db,
      sql`
        with k as (
          update api_key set expires_at = now()
          where created_by = ${BY_SETTINGS} and key_id is distinct from ${key?.keyId ?? null}::text
            and (expires_at is null or expires_at > now())
          returning *)
        ${keysNoted('key.revoked')}`,
    );
    if (key === null) return false;
    const rows = await run<{ isLive: boolean }>(
      this.db,
      sql`
        with k as (
          insert into api_key (id, key_id, name, pepper_kid, secret_hmac, scopes, authorities, created_by, expires_at)
          values (${key.id}::uuid, ${key.keyId}, ${key.name}, ${key.pepper.kid}, ${key.pepper.hmac}::bytea,
                  ${key.scopes}::text[], null, ${BY_SETTINGS}, null)
          on conflict on constraint api_key_key_id_key do update
          set name = excluded.name, pepper_kid = excluded.pepper_kid, secret_hmac = excluded.secret_hmac,
              scopes = excluded.scopes, authorities = null, created_by = excluded.created_by, expires_at = null
          returning *, xmax = 0 as is_made),
        audited as (${keysNoted('key.minted', raw('k.is_made'))})
        select revoked_at is null as "isLive" from k`,
    );
    return rows[0]?.isLive === true;
  }
}

/** A key, and the person in whose name it was made. */
interface Bound {
  readonly person: string | null;
}

/** Keys of at least one authority, and all of them among these. */
function reaches(within: Reach): Fragment {
  return within === 'all' ? raw('true') : sql`k.authorities <@ ${within}::text[] and k.authorities <> '{}'`;
}

/** As the column holds it. */
const listed = (authorities: Reach): readonly string[] | null => (authorities === 'all' ? null : authorities);
