import { type Database, one, raw, run, sql } from './sql.js';
import { utc } from './moments.js';

/** How long a session lasts at most, and how long without being used (security.md AUTHN-5). */
const LASTS = raw(`interval '12 hours'`);
const IDLES = raw(`interval '2 hours'`);
/** Rows that one sweep deletes at most. */
const SWEEP = 1_000;

/** A session to keep; its token stays with the browser. */
export interface NewSession {
  /** SHA-256 of the token. */
  readonly tokenHash: Buffer;
  /** Who signed in. */
  readonly principal: string;
  /** Of the person or key, for people. */
  readonly name: string | null;
  /** Of a person. */
  readonly person?: { readonly issuer: string; readonly subject: string };
  /** When it ends before its time, RFC 3339. */
  readonly endsAt?: string | null;
}

/** A session that lasts. */
export interface LiveSession {
  readonly principal: string;
  readonly issuer: string | null;
  readonly subject: string | null;
  readonly name: string | null;
  /** RFC 3339. */
  readonly expiresAt: string;
}

/** The same, as it is asked for at a request. */
export interface FoundSession extends LiveSession {
  /** Its use has not been noted for a minute. */
  readonly isUnnoted: boolean;
}

/** Sign-ins of browsers. A session that is over is no row: nobody has to remember it. */
export class Sessions {
  constructor(private readonly db: Database) {}

  async begin({ tokenHash, principal, name, person, endsAt }: NewSession): Promise<LiveSession> {
    const rows = await run<LiveSession>(
      this.db,
      sql`
        insert into session (token_hash, principal, issuer, subject, name, expires_at)
        values (${tokenHash}::bytea, ${principal}, ${person?.issuer ?? null}::text, ${person?.subject ?? null}::text,
                ${name}::text, least(now() + ${LASTS}, ${endsAt ?? null}::timestamptz))
        returning principal, issuer, subject, name, ${raw(utc('expires_at'))} as "expiresAt"`,
    );
    return one(rows);
  }

  /** The session of a token, by the clock of the database, or null where it is over. */
  async find(tokenHash: Buffer): Promise<FoundSession | null> {
    const rows = await run<FoundSession>(
      this.db,
      sql`
        select principal, issuer, subject, name, ${raw(utc('expires_at'))} as "expiresAt",
               used_at < now() - interval '1 minute' as "isUnnoted"
        from session
        where token_hash = ${tokenHash}::bytea and expires_at > now() and used_at > now() - ${IDLES}`,
    );
    return rows[0] ?? null;
  }

  /** Notes that a session is used. One that is over meanwhile stays so. */
  async touch(tokenHash: Buffer): Promise<void> {
    await run(
      this.db,
      sql`update session set used_at = now() where token_hash = ${tokenHash}::bytea and used_at > now() - ${IDLES}`,
    );
  }

  /** Of these sessions those that last; to look is not to use. */
  async liveOf(tokenHashes: readonly Buffer[]): Promise<ReadonlySet<string>> {
    if (tokenHashes.length === 0) return new Set();
    const rows = await run<{ hash: string }>(
      this.db,
      sql`
        select encode(token_hash, 'hex') as hash from session
        where token_hash = any(${tokenHashes.map((hash) => `\\x${hash.toString('hex')}`)}::bytea[])
          and expires_at > now() and used_at > now() - ${IDLES}`,
    );
    return new Set(rows.map(({ hash }) => hash));
  }

  /** Ends one session; again, it changes nothing. */
  async end(tokenHash: Buffer): Promise<void> {
    await run(this.db, sql`delete from session where token_hash = ${tokenHash}::bytea`);
  }

  /** Ends all sessions of a principal. Rides session_principal_idx. */
  async endOf(principal: string): Promise<void> {
    await run(this.db, sql`delete from session where principal = ${principal}`);
  }

  /** Deletes what is over, a thousand at most. Rides session_expires_idx for what is past its end. */
  async sweep(): Promise<void> {
    await run(
      this.db,
      sql`
        delete from session
        where token_hash in (
          select token_hash from session
          where expires_at < now() or used_at < now() - ${IDLES}
          limit ${SWEEP}
          for update skip locked)`,
    );
  }
}
