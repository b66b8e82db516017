import { randomBytes } from 'node:crypto';
import { Body, Controller, Delete, Get, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { actingAs, hashOfSession, idOfPerson, makeSessionToken, type Principal } from '#access';
import { CsrfRejected, Forbidden, Session, SessionRequest } from '#catalog';
import { Audit, type AuditNote, type LiveSession, type NewSession, Sessions, transactAs } from '#storage';
import { actorOf } from '../acting.js';
import { sendResult } from '../answer.js';
import { checked, selected } from '../checked.js';
import { SignInAttempts } from '../door/sign-in-attempts.js';
import { Callers } from '../keys/callers.js';
import { principalsNow } from '../keys/principals-now.js';
import { baseUrlOf } from '../links.js';
import { requireJson } from '../media-type.js';
import { FORMS, negotiate } from '../negotiate.js';
import { Operation } from '../operation.js';
import { type ApiParts, PARTS } from '../parts.js';
import { readSignIn, writeSignIn } from './begun-sign-in.js';
import { requireOwnPath } from './return-to.js';
import { requireOwnPage, SESSION_PATH } from './same-site.js';
import {
  clearSession,
  clearSignIn,
  giveSession,
  giveSignIn,
  keepsSessions,
  sessionIn,
  signInOf,
} from './session-cookie.js';
import { CALLBACK_SELECTORS, SIGN_IN_SELECTORS } from './sign-in-selectors.js';
import { SignIn } from './sign-in.js';
import { whoAmI } from './who-am-i.js';

const TAG = 'session';
const CALLBACK_PATH = `${SESSION_PATH}/callback`;
const GIVES_COOKIE = { 'Set-Cookie': 'The session: HttpOnly, SameSite=Lax, over https `__Host-` and Secure.' } as const;

/** Sign-in of people with browsers. */
@Controller('v1/session')
export class SessionController {
  private readonly signIn: SignIn;

  constructor(
    @Inject(PARTS) private readonly parts: ApiParts,
    @Inject(Callers) private readonly callers: Callers,
    @Inject(SignInAttempts) private readonly attempts: SignInAttempts,
  ) {
    this.signIn = new SignIn(parts.settings.tokenIssuers);
  }

  @Get()
  @Operation({
    id: 'getSession',
    tag: TAG,
    summary: 'Who am I',
    description:
      'Of whatever credentials the request has, or `anonymous` without any. A cookie of a session that is over is taken back here; everywhere else but on pages for people it is a 401, never silently anonymous.',
    permission: 'public',
    answers: { 200: { description: 'The caller.', content: { [FORMS.json]: Session } } },
  })
  async get(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    selected({}, request);
    negotiate(undefined, request.headers.accept, ['json']);
    return sendResult(reply, 200, await whoAmI(request.caller, this.parts.db));
  }

  @Post()
  @Operation({
    id: 'beginSession',
    tag: TAG,
    summary: 'Sign in with an API key',
    description:
      'For a browser: the key is typed once and not kept, the session has its rights and ends with it. It lasts 12 hours, 2 hours without being used. One that the browser had before ends.',
    permission: 'public',
    budget: 'read',
    body: { [FORMS.json]: SessionRequest },
    answers: { 201: { description: 'Signed in.', content: { [FORMS.json]: Session }, headers: GIVES_COOKIE } },
    refuses: ['forbidden', 'csrf_rejected', 'storage_full'],
  })
  async begin(
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { settings, db } = this.parts;
    selected({}, request);
    requireJson(request);
    requireOwnPage(request, settings);
    this.requireCookies(request);
    const key = checked(SessionRequest, body).key.trim();
    const caller = await this.attempts.of(request, reply, key, () => this.callers.ofKey(key));
    const { principal, keyName, expiresAt } = caller;
    const session = await this.give(request, reply, principal, { name: keyName, endsAt: expiresAt });
    return sendResult(reply, 201, await whoAmI({ ...caller, expiresAt: session.expiresAt }, db));
  }

  @Delete()
  @Operation({
    id: 'endSession',
    tag: TAG,
    summary: 'Sign out',
    description:
      'Ends the session of the request’s cookie within five seconds everywhere; without one it changes nothing.',
    permission: 'public',
    isVital: true,
    answers: { 204: { description: 'There is no session any more.' } },
    refuses: ['csrf_rejected'],
  })
  async end(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    selected({}, request);
    const { session } = request.caller;
    if (session !== null) {
      await transactAs(this.parts.db, actorOf(request), async (tx) => {
        await new Sessions(tx).end(session);
        await new Audit(tx).note(sessionNote('session.ended', session));
      });
    }
    this.callers.forget(request.caller);
    clearSession(request, reply, this.parts.settings);
    return reply.code(204).header('cache-control', 'no-store').send();
  }

  @Get('sign-in')
  @Operation({
    id: 'beginSignIn',
    tag: TAG,
    summary: 'Sign in by an issuer',
    description: 'Sends the browser to the issuer, OpenID Connect with PKCE; it comes back to `/v1/session/callback`.',
    permission: 'public',
    query: SIGN_IN_SELECTORS,
    answers: { 302: { description: 'To the issuer.', headers: { Location: 'Where to sign in.' } } },
    refuses: ['forbidden', 'issuer_unavailable'],
  })
  async beginSignIn(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    const { settings } = this.parts;
    const { issuer, returnTo = '/' } = selected(SIGN_IN_SELECTORS, request);
    this.requireCookies(request);
    const { url, begun } = await this.signIn.begin(issuer, {
      callback: `${baseUrlOf(request, settings)}${CALLBACK_PATH}`,
      returnTo: requireOwnPath(returnTo),
    });
    giveSignIn(writeSignIn(begun), request, reply, settings);
    return reply.code(302).headers({ location: url, 'cache-control': 'no-store' }).send();
  }

  @Get('callback')
  @Operation({
    id: 'finishSignIn',
    tag: TAG,
    summary: 'Come back from an issuer',
    description:
      'Only the browser that began the sign-in ends it, within ten minutes. Other parameters than these, of which issuers have some, are passed over.',
    permission: 'public',
    query: CALLBACK_SELECTORS,
    answers: {
      303: { description: 'Signed in.', headers: { ...GIVES_COOKIE, Location: 'Where the sign-in was to lead.' } },
    },
    refuses: ['csrf_rejected', 'issuer_unavailable', 'storage_full'],
  })
  async finishSignIn(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    const { settings } = this.parts;
    const begun = readSignIn(signInOf(request, settings) ?? '');
    if (begun === null) throw new CsrfRejected('no sign-in began in this browser in the last ten minutes; begin again');
    clearSignIn(request, reply, settings);
    const address = new URL(`${baseUrlOf(request, settings)}${request.url}`);
    const person = await this.signIn.finish(address, begun);
    const id = idOfPerson(person);
    const principal = (await principalsNow(this.parts.db, [id])).get(id);
    if (principal === undefined) throw new Error('bug: a person without a role is known all the same');
    await this.give(request, reply, principal, { person, name: person.name });
    return reply.code(303).headers({ location: begun.returnTo, 'cache-control': 'no-store' }).send();
  }

  /** Begins a session in place of the one that the browser had: a token that somebody planted is worth nothing afterwards. */
  private async give(
    request: FastifyRequest,
    reply: FastifyReply,
    principal: Principal,
    session: Omit<NewSession, 'tokenHash' | 'principal'>,
  ): Promise<LiveSession> {
    const { db, settings } = this.parts;
    const token = makeSessionToken(randomBytes);
    const [before, tokenHash] = [hashOfSession(sessionIn(request, settings) ?? ''), hashOfSession(token)];
    if (tokenHash === null) throw new Error('bug: a token that we made is one');
    const actor = actingAs(principal, { requestId: request.id, address: request.ip });
    const begun = await transactAs(db, actor, async (tx) => {
      const sessions = new Sessions(tx);
      if (before !== null) await sessions.end(before);
      await sessions.sweep();
      await new Audit(tx).note(sessionNote('session.opened', tokenHash));
      return sessions.begin({ ...session, principal: principal.id, tokenHash });
    });
    this.callers.forget(request.caller);
    giveSession(token, request, reply, settings);
    return begun;
  }

  /** @throws Forbidden */
  private requireCookies(request: FastifyRequest): void {
    if (keepsSessions(request, this.parts.settings)) return;
    throw new Forbidden(
      'sessions are kept over https, or http on loopback; behind a proxy for TLS, SIGHTLINE_PUBLIC_URL says how browsers reach us',
    );
  }
}

/** Digits of a hash by which the audit tells sessions apart. */
const SHOWN_DIGITS = 16;

const sessionNote = (action: 'session.opened' | 'session.ended', tokenHash: Buffer): AuditNote => ({
  action,
  authority: null,
  subject: { kind: 'session', id: tokenHash.toString('hex').slice(0, SHOWN_DIGITS) },
});
