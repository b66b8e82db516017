import { Body, Controller, Delete, Get, Headers, Inject, Param, Patch, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Member, MemberDocument, NotFound, PAGE_SELECTORS } from '#catalog';
import { type KeptMember, Members, transactAs } from '#storage';
import { actorOf } from '../acting.js';
import { sendRepresentation, sendResult } from '../answer.js';
import { selected } from '../checked.js';
import { etagOf } from '../conditional.js';
import { idempotently } from '../idempotently.js';
import { baseUrlOf } from '../links.js';
import { requireJson } from '../media-type.js';
import { contentTypeOf, FORMS, negotiate } from '../negotiate.js';
import { ETAG_HEADER, IDEMPOTENCY_KEY, IF_MATCH, IF_NONE_MATCH, Operation } from '../operation.js';
import { type ApiParts, PARTS } from '../parts.js';
import { idIn, pathIdOf } from '../path-id.js';
import { sendPage } from '../send-page.js';
import { MemberPage } from './member-page.document.js';
import { addMember, membersWithin, patchMember, removeMember } from './write-member.js';

const TAG = 'members';
const MEMBER_ID = pathIdOf('member');
const ANSWER = { description: 'The member.', content: { [FORMS.json]: Member }, headers: ETAG_HEADER } as const;
const CHANGE_PROBLEMS = ['not_found', 'version_mismatch', 'precondition_required', 'storage_full'] as const;

/** Roles of people who sign in by an issuer of SIGHTLINE_OIDC. */
@Controller('v1/members')
export class MembersController {
  constructor(@Inject(PARTS) private readonly parts: ApiParts) {}

  @Post()
  @Operation({
    id: 'addMember',
    tag: TAG,
    summary: 'Give a person a role',
    description:
      'In an authority, by its admin; beyond authorities, by a platform administrator. Nobody gives a role that may do more than he himself. The person is named as the issuer names it; `GET /v1/session` tells a signed-in person both. A person has one role in each authority, and at most one beyond them. Sessions of the person end, so that the next one has the role.',
    permission: 'members:write',
    headers: IDEMPOTENCY_KEY,
    body: { [FORMS.json]: MemberDocument },
    answers: { 201: { ...ANSWER, headers: { ...ETAG_HEADER, Location: 'Address of the member.' } } },
    refuses: ['already_registered', 'idempotency_key_reused', 'request_in_flight', 'storage_full'],
  })
  async add(@Body() body: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    selected({}, request);
    requireJson(request);
    return idempotently(request, reply, this.parts, async (tx) => {
      const member = this.shown(await addMember(body, { tx, by: request.principal }));
      const json = JSON.stringify(member);
      const location = `${baseUrlOf(request, this.parts.settings)}/v1/members/${member.id}`;
      return { status: 201, headers: { location, etag: etagOf(member.version, json) }, body: json };
    });
  }

  @Get()
  @Operation({
    id: 'listMembers',
    tag: TAG,
    summary: 'List members',
    description:
      'Those of authorities whose members the caller sees to, in the order of their making; roles beyond authorities are shown to platform administrators.',
    permission: 'members:write',
    query: PAGE_SELECTORS,
    answers: { 200: { description: 'One page of members.', content: { [FORMS.json]: MemberPage } } },
    refuses: ['cursor_mismatch', 'cursor_expired'],
  })
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    const within = membersWithin(request.principal);
    return sendPage(request, reply, this.parts, {
      path: '/v1/members',
      find: async (limit, after) => {
        const page = { limit, within, ...(after === undefined ? {} : { after }) };
        return (await new Members(this.parts.db).list(page)).map((member) => this.shown(member));
      },
      keyOf: ({ id }) => id,
    });
  }

  @Get(':id')
  @Operation({
    id: 'getMember',
    tag: TAG,
    summary: 'Read a member',
    description: 'One of those that the list shows.',
    permission: 'members:write',
    path: MEMBER_ID,
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
    const member = await new Members(this.parts.db).find(idIn(id, 'member'), membersWithin(request.principal));
    if (member === null) throw new NotFound(`no member has the id ${id}`);
    const body = JSON.stringify(this.shown(member));
    const etag = etagOf(member.version, body);
    return sendRepresentation(request, reply, { body, contentType: contentTypeOf('json'), etag });
  }

  @Patch(':id')
  @Operation({
    id: 'patchMember',
    tag: TAG,
    summary: 'Change the role or name of a member',
    description:
      'A JSON merge patch (RFC 7396). Issuer, subject and authority never change. Within five seconds the new role counts everywhere, for keys that the person made too; sessions of the person end.',
    permission: 'members:write',
    path: MEMBER_ID,
    headers: IF_MATCH,
    body: {
      'application/merge-patch+json': {
        type: 'object',
        additionalProperties: true,
        description: '`role`, `name`; null removes the name.',
        example: { role: 'viewer' },
      },
    },
    answers: { 200: ANSWER },
    refuses: CHANGE_PROBLEMS,
  })
  async patch(
    @Param('id') id: string,
    @Body() body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    requireJson(request, ['application/merge-patch+json']);
    const member = await transactAs(this.parts.db, actorOf(request), (tx) =>
      patchMember(idIn(id, 'member'), body, ifMatch, { tx, by: request.principal }),
    );
    const shown = this.shown(member);
    void reply.header('etag', etagOf(shown.version, JSON.stringify(shown)));
    return sendResult(reply, 200, shown);
  }

  @Delete(':id')
  @Operation({
    id: 'removeMember',
    tag: TAG,
    summary: 'Take a role away',
    description:
      'Within five seconds it counts nowhere any more: not for the person’s tokens, and not for keys that the person made, which keep what other roles allow. Sessions of the person end.',
    permission: 'members:write',
    path: MEMBER_ID,
    headers: IF_MATCH,
    answers: { 204: { description: 'Taken away.' } },
    refuses: CHANGE_PROBLEMS,
  })
  async remove(
    @Param('id') id: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    await transactAs(this.parts.db, actorOf(request), (tx) =>
      removeMember(idIn(id, 'member'), ifMatch, { tx, by: request.principal }),
    );
    return reply.code(204).header('cache-control', 'no-store').send();
  }

  private shown(member: KeptMember): Member {
    const issuerIsKnown = this.parts.settings.tokenIssuers.some(({ issuer }) => issuer === member.issuer);
    return { ...member, issuerIsKnown };
  }
}
