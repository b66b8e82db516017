import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { reachOf, requireScopeIn } from '#access';
import { AUDIT_SELECTORS, PLATFORM_CHAIN } from '#catalog';
import { AuditLog, placeOf } from '#storage';
import { actorOf } from '../acting.js';
import { selected } from '../checked.js';
import { FORMS } from '../negotiate.js';
import { Operation } from '../operation.js';
import { type ApiParts, PARTS } from '../parts.js';
import { sendPage } from '../send-page.js';
import { AuditPage } from './audit-page.document.js';
import { HourlyNotes } from './hourly-notes.js';

/** Who did what. */
@Controller('v1/audit')
export class AuditController {
  constructor(
    @Inject(PARTS) private readonly parts: ApiParts,
    @Inject(HourlyNotes) private readonly hourly: HourlyNotes,
  ) {}

  @Get()
  @Operation({
    id: 'listAudit',
    tag: 'audit',
    summary: 'Read the audit',
    description:
      'Who did what, for whom and when, newest first. Whoever may read the audit of single authorities reads theirs; what is beyond authorities, who may in all. Reading it is an entry of its own, once an hour.',
    permission: 'audit:read',
    query: AUDIT_SELECTORS,
    answers: {
      200: {
        description: 'One page of entries.',
        content: { [FORMS.json]: AuditPage },
        headers: { Link: 'The next page, `rel="next"`.' },
      },
    },
    refuses: ['cursor_mismatch', 'cursor_expired'],
  })
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    const { principal } = request;
    const { limit: _limit, cursor: _cursor, ...search } = selected(AUDIT_SELECTORS, request);
    for (const slug of search.authority ?? []) requireScopeIn(principal, 'audit:read', slug);
    const within = reachOf(principal, 'audit:read');
    const read = search.authority ?? (within === 'all' ? [PLATFORM_CHAIN] : within);
    for (const chain of read) {
      await this.hourly.note(actorOf(request), {
        action: 'audit.read',
        authority: chain === PLATFORM_CHAIN ? null : chain,
        subject: { kind: 'audit', id: chain },
      });
    }
    return sendPage(request, reply, this.parts, {
      path: '/v1/audit',
      selectors: AUDIT_SELECTORS,
      find: (limit, after) =>
        new AuditLog(this.parts.db).list({ ...search, limit, within, ...(after === undefined ? {} : { after }) }),
      keyOf: placeOf,
    });
  }
}
