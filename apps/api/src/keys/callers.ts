import type { FastifyReply, FastifyRequest } from 'fastify';
import type { DataSource } from 'typeorm';
import { AccessTokens, haveSameRights, type Keyring } from '#access';
import { Unauthenticated } from '#catalog';
import type { Settings } from '#settings';
import { Sessions } from '#storage';
import { forgivesLapsedSession, requireSameSite } from '../session/same-site.js';
import { SessionCallers } from '../session/session-callers.js';
import { clearSession, sessionIn } from '../session/session-cookie.js';
import { Believed } from './believed.js';
import { type Caller, LAPSED, NOBODY } from './caller.js';
import { KeyCallers } from './key-callers.js';
import { principalsNow } from './principals-now.js';
import { TokenCallers } from './token-callers.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks, and by what he is known; set together with `principal`. */
    caller: Caller;
  }
}

type CallerSettings = Pick<Settings, 'publicUrl' | 'host' | 'port' | 'tokenIssuers' | 'rateLimits'>;

/** Tells who asks, by key, token or session. */
export class Callers {
  private readonly believed = new Believed();
  private readonly keys: KeyCallers;
  private readonly tokens: TokenCallers;
  private readonly sessions: SessionCallers;

  constructor(
    private readonly db: DataSource,
    keyring: Keyring,
    private readonly settings: CallerSettings,
  ) {
    this.keys = new KeyCallers(db, keyring, this.believed);
    this.tokens = new TokenCallers(db, new AccessTokens(settings.tokenIssuers), this.believed);
    this.sessions = new SessionCallers(db, this.believed, settings.rateLimits);
  }

  /**
   * The caller of a request; nobody only without any credentials. An `Authorization` header beats the cookie: whoever sends one is a program, and
   * no page of another site made it.
   * @throws Unauthenticated, TokenExpired, CsrfRejected, IssuerUnavailable, RateLimited
   */
  async identify(request: FastifyRequest, reply: FastifyReply): Promise<Caller> {
    const { authorization } = request.headers;
    if (authorization !== undefined && authorization !== '') return this.bearer(authorization);
    const token = sessionIn(request, this.settings);
    if (token === null) return NOBODY;
    requireSameSite(request, this.settings);
    const caller = await this.sessions.identify(token, request.ip);
    if (caller !== null) return caller;
    clearSession(request, reply, this.settings);
    if (forgivesLapsedSession(request)) return LAPSED;
    throw new Unauthenticated('this session is over; sign in again');
  }

  private async bearer(authorization: string): Promise<Caller> {
    const credentials = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
    if (credentials === undefined) {
      throw new Unauthenticated('the header Authorization is not of the form: Bearer, and an API key or access token');
    }
    return AccessTokens.isLike(credentials) ? this.tokens.identify(credentials) : this.ofKey(credentials);
  }

  /** The bearer of an API key. @throws Unauthenticated, TokenExpired */
  ofKey(text: string): Promise<Caller> {
    return this.keys.identify(text);
  }

  /** Of those whose request goes on, those who would not be let in again as they are: their credentials are over, or their rights changed. */
  async fallen(callers: readonly Caller[]): Promise<ReadonlySet<Caller>> {
    const known = callers.filter(({ believedAs }) => believedAs !== null);
    const principals = await principalsNow(
      this.db,
      known.map(({ principal }) => principal.id),
    );
    const sessions = await new Sessions(this.db).liveOf(known.flatMap(({ session }) => session ?? []));
    const stands = ({ principal, session, expiresAt }: Caller): boolean => {
      const now = principals.get(principal.id);
      if (now === undefined || !haveSameRights(now, principal)) return false;
      if (session !== null && !sessions.has(session.toString('hex'))) return false;
      return expiresAt === null || Date.parse(expiresAt) > Date.now();
    };
    const fallen = known.filter((caller) => !stands(caller));
    for (const caller of fallen) this.believed.forget(caller);
    return new Set(fallen);
  }

  /** He is asked for again at his next request. */
  forget(caller: Caller): void {
    this.believed.forget(caller);
  }
}
