import { Body, Controller, Delete, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AccessDecisionDocument, AccessRequest, AccessRequestDocument, NotFound, PAGE_SELECTORS } from '#catalog';
import { AccessRequests, transactAs } from '#storage';
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
import { AccessRequestPage } from './access-request-page.document.js';
import { decideRequest, requestAccess, requestsWithin, withdrawRequest } from './write-access-request.js';

const TAG = 'access';
const REQUEST_ID = pathIdOf('request');
const ANSWER = {
  description: 'The request.',
  content: { [FORMS.json]: AccessRequest },
  headers: ETAG_HEADER,
} as const;

/** Access that one authority asks another for. */
@Controller('v1/access-requests')
export class AccessRequestsController {
  constructor(@Inject(PARTS) private readonly parts: ApiParts) {}

  @Post()
  @Operation({
    id: 'requestAccess',
    tag: TAG,
    summary: 'Ask for access to cameras',
    description:
      'To a camera that the caller may know and whose picture is withheld from him, or to all cameras of an authority. Administrators of the owner see the request and decide. Pending once for the same cameras and the same authority.',
    permission: 'cameras:read',
    headers: IDEMPOTENCY_KEY,
    body: { [FORMS.json]: AccessRequestDocument },
    answers: { 201: { ...ANSWER, headers: { ...ETAG_HEADER, Location: 'Address of the request.' } } },
    refuses: ['not_found', 'already_registered', 'idempotency_key_reused', 'request_in_flight', 'storage_full'],
  })
  async make(@Body() body: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    selected({}, request);
    requireJson(request);
    return idempotently(request, reply, this.parts, async (tx) => {
      const made = await requestAccess(body, { tx, by: request.principal, now: Date.now() });
      const json = JSON.stringify(made);
      const location = `${baseUrlOf(request, this.parts.settings)}/v1/access-requests/${made.id}`;
      return { status: 201, headers: { location, etag: bodyTagOf(json) }, body: json };
    });
  }

  @Get()
  @Operation({
    id: 'listAccessRequests',
    tag: TAG,
    summary: 'List requests for access',
    description:
      'Those for authorities in which the caller reads cameras, and those that authorities were asked in which he decides; in the order of their making.',
    permission: 'cameras:read',
    query: PAGE_SELECTORS,
    headers: IF_NONE_MATCH,
    answers: {
      200: { description: 'One page of requests.', content: { [FORMS.json]: AccessRequestPage } },
      304: { description: 'The client’s copy is current.' },
    },
    refuses: ['cursor_mismatch', 'cursor_expired'],
  })
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    const within = requestsWithin(request.principal);
    return sendPage(request, reply, this.parts, {
      path: '/v1/access-requests',
      find: (limit, after) =>
        new AccessRequests(this.parts.db).list({ limit, within, ...(after === undefined ? {} : { after }) }),
      keyOf: ({ id }) => id,
    });
  }

  @Get(':id')
  @Operation({
    id: 'getAccessRequest',
    tag: TAG,
    summary: 'Read a request for access',
    description: 'One of those that the list shows.',
    permission: 'cameras:read',
    path: REQUEST_ID,
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
    const found = await new AccessRequests(this.parts.db).find(idIn(id, 'request'), requestsWithin(request.principal));
    if (found === null) throw new NotFound(`no request for access has the id ${id}`);
    return sendDocument(request, reply, found);
  }

  @Post(':id/decision')
  @Operation({
    id: 'decideAccessRequest',
    tag: TAG,
    summary: 'Grant or refuse access',
    description:
      '`granted` makes a grant, until the time that was asked for or another; `refused` is kept with its reason. By an administrator of the owner, once.',
    permission: 'keys:write',
    path: REQUEST_ID,
    headers: IDEMPOTENCY_KEY,
    body: { [FORMS.json]: AccessDecisionDocument },
    answers: { 200: ANSWER },
    refuses: ['not_found', 'already_decided', 'idempotency_key_reused', 'request_in_flight', 'storage_full'],
  })
  async decide(
    @Param('id') id: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    requireJson(request);
    return idempotently(request, reply, this.parts, async (tx) => {
      const write = { tx, by: request.principal, now: Date.now() };
      const json = JSON.stringify(await decideRequest(idIn(id, 'request'), body, write));
      return { status: 200, headers: { etag: bodyTagOf(json) }, body: json };
    });
  }

  @Delete(':id')
  @Operation({
    id: 'withdrawAccessRequest',
    tag: TAG,
    summary: 'Withdraw a request for access',
    description:
      'While it is pending; by who made it, or an administrator of the authority for which it was made. It stays to be read; again, this changes nothing.',
    permission: 'cameras:read',
    path: REQUEST_ID,
    answers: { 204: { description: 'Withdrawn.' } },
    refuses: ['not_found', 'already_decided', 'storage_full'],
  })
  async withdraw(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    const by = request.principal;
    await transactAs(this.parts.db, actorOf(request), (tx) => withdrawRequest(idIn(id, 'request'), { tx, by }));
    return reply.code(204).header('cache-control', 'no-store').send();
  }
}
