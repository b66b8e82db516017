import { Body, Controller, Delete, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Grant, GrantDocument, NotFound, PAGE_SELECTORS } from '#catalog';
import { Grants, transactAs } from '#storage';
import { actorOf } from '../acting.js';
import { sendDocument } from '../answer.js';
import { selected } from '../checked.js';
import { bodyTagOf } from '../conditional.js';
import { idempotently } from '../idempotently.js';
import { baseUrlOf } from '../links.js';
import { requireJson } from '../media-type.js';
import { FORMS, negotiate } from '../negotiate.js';
import { ETAG_HEADER, IDEMPOTENCY_KEY, IF_NONE_MATCH, Operation } from '../operation.js';
import { type ApiParts, PARTS } from '../parts.js';
import { idIn, pathIdOf } from '../path-id.js';
import { sendPage } from '../send-page.js';
import { GrantPage } from './grant-page.document.js';
import { endGrant, grantsWithin, makeGrant } from './write-grant.js';

const TAG = 'access';
const GRANT_ID = pathIdOf('grant');
const ANSWER = { description: 'The grant.', content: { [FORMS.json]: Grant }, headers: ETAG_HEADER } as const;

/** Access that one authority gives another for a time. */
@Controller('v1/grants')
export class GrantsController {
  constructor(@Inject(PARTS) private readonly parts: ApiParts) {}

  @Post()
  @Operation({
    id: 'makeGrant',
    tag: TAG,
    summary: 'Let another authority see cameras',
    description:
      'One camera, or all of an authority, later ones too; until a time that is at most 400 days away. Whoever reads cameras in the grantee authority then knows these, restricted ones included, as everybody who may know them does; with `frames:read` there he sees their pictures as the owner does, with masks burnt in. It lets nobody change anything. Made by an administrator of the owner.',
    permission: 'keys:write',
    headers: IDEMPOTENCY_KEY,
    body: { [FORMS.json]: GrantDocument },
    answers: { 201: { ...ANSWER, headers: { ...ETAG_HEADER, Location: 'Address of the grant.' } } },
    refuses: ['not_found', 'idempotency_key_reused', 'request_in_flight', 'storage_full'],
  })
  async make(@Body() body: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    selected({}, request);
    requireJson(request);
    return idempotently(request, reply, this.parts, async (tx) => {
      const grant = await makeGrant(body, { tx, by: request.principal, now: Date.now() });
      const json = JSON.stringify(grant);
      const location = `${baseUrlOf(request, this.parts.settings)}/v1/grants/${grant.id}`;
      return { status: 201, headers: { location, etag: bodyTagOf(json) }, body: json };
    });
  }

  @Get()
  @Operation({
    id: 'listGrants',
    tag: TAG,
    summary: 'List grants',
    description:
      'Those that the caller’s authorities gave and were given, those that are over included, in the order of their making.',
    permission: 'cameras:read',
    query: PAGE_SELECTORS,
    headers: IF_NONE_MATCH,
    answers: {
      200: { description: 'One page of grants.', content: { [FORMS.json]: GrantPage } },
      304: { description: 'The client’s copy is current.' },
    },
    refuses: ['cursor_mismatch', 'cursor_expired'],
  })
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    const within = grantsWithin(request.principal);
    return sendPage(request, reply, this.parts, {
      path: '/v1/grants',
      find: (limit, after) =>
        new Grants(this.parts.db).list({ limit, within, ...(after === undefined ? {} : { after }) }),
      keyOf: ({ id }) => id,
    });
  }

  @Get(':id')
  @Operation({
    id: 'getGrant',
    tag: TAG,
    summary: 'Read a grant',
    description: 'One of those that the list shows.',
    permission: 'cameras:read',
    path: GRANT_ID,
    headers: IF_NONE_MATCH,
    answers: { 200: ANSWER, 304: { description: 'The client’s copy is current.' } },
    refuses: ['not_found'],
  })
  async get(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    negotiate(undefined, request.headers.accept, ['json']);
    const grant = await new Grants(this.parts.db).find(idIn(id, 'grant'), grantsWithin(request.principal));
    if (grant === null) throw new NotFound(`no grant has the id ${id}`);
    return sendDocument(request, reply, grant);
  }

  @Delete(':id')
  @Operation({
    id: 'endGrant',
    tag: TAG,
    summary: 'End a grant',
    description:
      'At once: the next request of the grantee knows nothing of it. The grant stays to be read; again, this changes nothing. By an administrator of the owner.',
    permission: 'keys:write',
    path: GRANT_ID,
    answers: { 204: { description: 'Ended.' } },
    refuses: ['not_found', 'storage_full'],
  })
  async end(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    const by = request.principal;
    await transactAs(this.parts.db, actorOf(request), (tx) => endGrant(idIn(id, 'grant'), { tx, by }));
    return reply.code(204).header('cache-control', 'no-store').send();
  }
}
