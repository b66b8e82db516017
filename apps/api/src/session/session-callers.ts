import type { DataSource } from 'typeorm';
import { hashOfSession, SERVER } from '#access';
import { RateLimited } from '#catalog';
import { Sessions, transactAs } from '#storage';
import { householdOf } from '../door/household.js';
import { TokenBuckets } from '../door/token-buckets.js';
import { Believed } from '../keys/believed.js';
import { type Caller, LAPSED } from '../keys/caller.js';
import { principalsNow } from '../keys/principals-now.js';

/**
 * Cookies of sessions that are over which one address may show in a minute, each as often as it likes: more than any office has, and too few for
 * the database to notice.
 */
const LAPSES_A_MINUTE = 60;

/** Tells who presents the token of a session (security.md AUTHN-5). */
export class SessionCallers {
  private readonly lapses = new TokenBuckets(() => performance.now());

  constructor(
    private readonly db: DataSource,
    private readonly believed: Believed,
    private readonly isLimited: boolean,
  ) {}

  /**
   * The caller, or null where the session is over.
   * @param address from which the request came
   * @throws RateLimited where too many tokens came from there that are none
   */
  async identify(token: string, address: string): Promise<Caller | null> {
    const hash = hashOfSession(token);
    if (hash === null) return null;
    const believedAs = Believed.nameOf(token);
    const known = this.believed.find(believedAs);
    if (known !== null) return known.session === null ? null : known;
    const household = householdOf(address);
    const { isAllowed, nextInS } = this.lapses.look(household, LAPSES_A_MINUTE);
    if (!isAllowed && this.isLimited) {
      throw new RateLimited('too many cookies of sessions that are over came from this address', Math.ceil(nextInS));
    }
    const caller = await this.find(hash, believedAs);
    if (caller === null) {
      this.lapses.take(household, LAPSES_A_MINUTE);
      // A page with a hundred pictures asks a hundred times.
      this.believed.remember({ ...LAPSED, believedAs });
      return null;
    }
    this.believed.remember(caller, Date.parse(caller.expiresAt ?? '') - Date.now());
    return caller;
  }

  private async find(hash: Buffer, believedAs: string): Promise<Caller | null> {
    const session = await new Sessions(this.db).find(hash);
    if (session === null) return null;
    if (session.isUnnoted) await transactAs(this.db, SERVER, (tx) => new Sessions(tx).touch(hash));
    const principal = (await principalsNow(this.db, [session.principal])).get(session.principal);
    if (principal === undefined) return null;
    const { issuer, subject, name, expiresAt } = session;
    const person = issuer === null || subject === null ? null : { issuer, subject, name };
    const keyName = person === null ? name : null;
    return { principal, expiresAt, keyName, person, session: hash, believedAs };
  }
}
