import type { DataSource } from 'typeorm';
import { type AccessTokens, idOfPerson } from '#access';
import { Believed } from './believed.js';
import type { Caller } from './caller.js';
import { principalsNow } from './principals-now.js';

/** Tells who presents an access token: the token says who it is, our tables what he may do (security.md AUTHN-3, AUTHN-4). */
export class TokenCallers {
  constructor(
    private readonly db: DataSource,
    private readonly tokens: AccessTokens,
    private readonly believed: Believed,
  ) {}

  /** @throws Unauthenticated, TokenExpired, IssuerUnavailable */
  async identify(token: string): Promise<Caller> {
    const believedAs = Believed.nameOf(token);
    const known = this.believed.find(believedAs);
    if (known !== null) return known;
    const { issuer, subject, expiresAt } = await this.tokens.verify(token);
    const id = idOfPerson({ issuer, subject });
    const principal = (await principalsNow(this.db, [id])).get(id);
    if (principal === undefined) throw new Error('bug: a person without a role is known all the same');
    const caller: Caller = {
      principal,
      expiresAt: new Date(expiresAt).toISOString(),
      keyName: null,
      person: { issuer, subject, name: null },
      session: null,
      believedAs,
    };
    this.believed.remember(caller, expiresAt - Date.now());
    return caller;
  }
}
