import { Controller, Inject, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { requireScopeIn, scope } from '#access';
import { ReferenceDocument } from '#catalog';
import { References } from '#storage';
import { selected } from '../checked.js';
import { idempotently } from '../idempotently.js';
import { FORMS, negotiate } from '../negotiate.js';
import { IDEMPOTENCY_KEY, Operation } from '../operation.js';
import { type ApiParts, PARTS } from '../parts.js';
import { acceptReference, candidateOf } from './accept-reference.js';
import { CAMERA_ID, idOf } from './camera-id.js';

/** The view with which pictures of a camera are compared. */
@Controller('v1')
export class ReferenceController {
  constructor(@Inject(PARTS) private readonly parts: ApiParts) {}

  @Post('cameras/:id/reference')
  @Operation({
    id: 'acceptReference',
    tag: 'health',
    summary: 'Accept the present view as the reference',
    description:
      'The flags `moved`, `blurred` and `covered` compare pictures with it from now on, in its light (day, twilight or night); for other lights the next good picture is taken by itself. Without this, the first good picture is the reference.',
    permission: 'cameras:write',
    path: CAMERA_ID,
    headers: IDEMPOTENCY_KEY,
    answers: { 200: { description: 'The reference.', content: { [FORMS.json]: ReferenceDocument } } },
    refuses: [
      'not_found',
      'no_fresh_picture',
      'not_comparable',
      'idempotency_key_reused',
      'request_in_flight',
      'frames_unavailable',
      'storage_full',
    ],
  })
  async accept(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    negotiate(undefined, request.headers.accept, ['json']);
    const { principal } = request;
    const present = await new References(this.parts.db).present(idOf(id), scope(principal));
    requireScopeIn(principal, 'cameras:write', present.authority);
    // Pictures are read before the transaction; what stands against one is told in it, unless the request was answered before.
    const candidate = candidateOf(present, this.parts);
    await Promise.allSettled([candidate]);
    return idempotently(request, reply, this.parts, async (tx) => ({
      status: 200,
      headers: {},
      body: JSON.stringify(await acceptReference(idOf(id), await candidate, { tx, by: principal.id })),
    }));
  }
}
