import { Body, Controller, Delete, Get, Headers, Inject, Param, Patch, Post, Put, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Principal, scope } from '#access';
import { Authority, AuthorityDocument, PAGE_SELECTORS, NotFound, SLUG } from '#catalog';
import { Authorities, authorityFor, transactAs } from '#storage';
import { actorOf } from '../acting.js';
import { cacheControlOf, sendRepresentation } from '../answer.js';
import { isAdministratorOf } from '../cameras/camera-rules.js';
import { selected } from '../checked.js';
import { etagOf } from '../conditional.js';
import { idempotently } from '../idempotently.js';
import { baseUrlOf } from '../links.js';
import { requireJson } from '../media-type.js';
import { contentTypeOf, FORMS, negotiate } from '../negotiate.js';
import { ETAG_HEADER, IDEMPOTENCY_KEY, IF_MATCH, IF_NONE_MATCH, Operation } from '../operation.js';
import { type ApiParts, PARTS } from '../parts.js';
import { sendPage } from '../send-page.js';
import {
  type AuthorityChange,
  patchAuthority,
  registerAuthority,
  replaceAuthority,
  withdrawAuthority,
} from './write-authority.js';
import { AuthorityPage } from './authority-page.document.js';

const TAG = 'authorities';
const SLUG_PARAMETER = {
  slug: { description: 'Slug of the authority.', schema: { type: 'string' }, example: 'tainan-wrb' },
} as const;
const ANSWER = { description: 'The authority.', content: { [FORMS.json]: Authority }, headers: ETAG_HEADER } as const;
const CHANGE_PROBLEMS = [
  'not_found',
  'version_mismatch',
  'precondition_required',
  'request_in_flight',
  'storage_full',
] as const;

/** The slug in an address. @throws NotFound for what can be none */
function slugOf(text: string): string {
  if (!SLUG.test(text)) throw new NotFound('no authority has this slug');
  return text;
}

/** Authorities: the agencies that answer for cameras. */
@Controller('v1/authorities')
export class AuthoritiesController {
  constructor(@Inject(PARTS) private readonly parts: ApiParts) {}

  @Get()
  @Operation({
    id: 'listAuthorities',
    tag: TAG,
    summary: 'List authorities',
    description: 'In the order of their slugs.',
    permission: 'public',
    query: PAGE_SELECTORS,
    headers: IF_NONE_MATCH,
    answers: {
      200: {
        description: 'One page of authorities.',
        content: { [FORMS.json]: AuthorityPage },
        headers: { ...ETAG_HEADER, Link: 'The next page, `rel="next"`.' },
      },
      304: { description: 'The client’s copy is current.' },
    },
    refuses: ['cursor_mismatch', 'cursor_expired'],
  })
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    return sendPage(request, reply, this.parts, {
      path: '/v1/authorities',
      find: async (limit, after) => {
        const found = await new Authorities(this.parts.db).search({ limit, ...(after === undefined ? {} : { after }) });
        return found.map((authority) => shownTo(request.principal, authority));
      },
      keyOf: ({ slug }) => slug,
    });
  }

  @Post()
  @Operation({
    id: 'registerAuthority',
    tag: TAG,
    summary: 'Register an authority',
    description: 'By a platform administrator. Without `network` its cameras are registered, but not dialled.',
    permission: 'platform:admin',
    headers: IDEMPOTENCY_KEY,
    body: { [FORMS.json]: AuthorityDocument },
    answers: { 201: { ...ANSWER, headers: { ...ETAG_HEADER, Location: 'Address of the authority.' } } },
    refuses: ['already_registered', 'idempotency_key_reused', 'request_in_flight', 'storage_full'],
  })
  async register(
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    requireJson(request);
    return idempotently(request, reply, this.parts, async (tx) => {
      const authority = await registerAuthority(body, tx);
      const json = JSON.stringify(authority);
      const location = `${baseUrlOf(request, this.parts.settings)}/v1/authorities/${authority.slug}`;
      return { status: 201, headers: { location, etag: etagOf(authority.version, json) }, body: json };
    });
  }

  @Get(':slug')
  @Operation({
    id: 'getAuthority',
    tag: TAG,
    summary: 'Read an authority',
    description: 'Telephone numbers and mail addresses are shown to signed-in callers, `network` to its own.',
    permission: 'public',
    path: SLUG_PARAMETER,
    headers: IF_NONE_MATCH,
    answers: { 200: ANSWER, 304: { description: 'The client’s copy is current.' } },
    refuses: ['not_found'],
  })
  async get(
    @Param('slug') slug: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    negotiate(undefined, request.headers.accept, ['json']);
    const authority = await new Authorities(this.parts.db).get(slugOf(slug));
    const { body, etag } = this.shown(authority, request);
    return sendRepresentation(request, reply, { body, contentType: contentTypeOf('json'), etag });
  }

  @Put(':slug')
  @Operation({
    id: 'replaceAuthority',
    tag: TAG,
    summary: 'Replace an authority',
    description:
      'By its administrator; `network` and `allowBasicPlaintext` by a platform administrator only. A stricter `accessFloor` hides its cameras at once.',
    permission: 'keys:write',
    path: SLUG_PARAMETER,
    headers: IF_MATCH,
    body: { [FORMS.json]: AuthorityDocument },
    answers: { 200: ANSWER },
    refuses: CHANGE_PROBLEMS,
  })
  async replace(
    @Param('slug') slug: string,
    @Body() body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    requireJson(request);
    const authority = await this.change(ifMatch, request, (change) => replaceAuthority(slugOf(slug), body, change));
    return this.sendChanged(authority, request, reply);
  }

  @Patch(':slug')
  @Operation({
    id: 'patchAuthority',
    tag: TAG,
    summary: 'Change an authority',
    description: 'A JSON merge patch (RFC 7396): null removes, lists are replaced whole.',
    permission: 'keys:write',
    path: SLUG_PARAMETER,
    headers: IF_MATCH,
    body: {
      'application/merge-patch+json': {
        type: 'object',
        additionalProperties: true,
        description: 'Members of an authority; null removes one.',
        example: { accessFloor: 'restricted' },
      },
    },
    answers: { 200: ANSWER },
    refuses: CHANGE_PROBLEMS,
  })
  async patch(
    @Param('slug') slug: string,
    @Body() body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    requireJson(request, ['application/merge-patch+json']);
    const authority = await this.change(ifMatch, request, (change) => patchAuthority(slugOf(slug), body, change));
    return this.sendChanged(authority, request, reply);
  }

  @Delete(':slug')
  @Operation({
    id: 'withdrawAuthority',
    tag: TAG,
    summary: 'Withdraw an authority',
    description: 'Only without cameras that are not retired. Its slug stays taken.',
    permission: 'platform:admin',
    path: SLUG_PARAMETER,
    headers: IF_MATCH,
    answers: { 204: { description: 'Withdrawn.' } },
    refuses: [...CHANGE_PROBLEMS, 'in_use'],
  })
  async withdraw(
    @Param('slug') slug: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    await this.change(ifMatch, request, (change) => withdrawAuthority(slugOf(slug), change));
    return reply.code(204).header('cache-control', 'no-store').send();
  }

  private change<T>(
    ifMatch: string | undefined,
    request: FastifyRequest,
    work: (change: AuthorityChange) => Promise<T>,
  ): Promise<T> {
    return transactAs(this.parts.db, actorOf(request), (tx) => work({ ifMatch, by: request.principal, tx }));
  }

  private shown(authority: Authority, { principal }: FastifyRequest): { readonly body: string; readonly etag: string } {
    const body = JSON.stringify(shownTo(principal, authority));
    return { body, etag: etagOf(authority.version, body) };
  }

  private sendChanged(authority: Authority, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const { body, etag } = this.shown(authority, request);
    const headers = { etag, 'cache-control': cacheControlOf(request.principal), 'content-type': contentTypeOf('json') };
    return reply.code(200).headers(headers).send(body);
  }
}

/** What this caller may read of an authority. */
const shownTo = (by: Principal, authority: Authority): Authority =>
  authorityFor(authority, scope(by), isAdministratorOf(by, authority.slug));
