import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { scope } from '#access';
import { HealthSummary, SUMMARY_SELECTORS } from '#catalog';
import { healthSummary } from '#storage';
import { sendDocument } from '../answer.js';
import { selected } from '../checked.js';
import { FORMS, negotiate } from '../negotiate.js';
import { ETAG_HEADER, IF_NONE_MATCH, Operation } from '../operation.js';
import { type ApiParts, PARTS } from '../parts.js';
import { summaryOf } from './summary-answer.js';

/** How all cameras are, in numbers. */
@Controller('v1')
export class SummaryController {
  constructor(@Inject(PARTS) private readonly parts: ApiParts) {}

  @Get('health/summary')
  @Operation({
    id: 'summarizeHealth',
    tag: 'health',
    summary: 'Count cameras by how they are',
    description:
      'The cameras that the caller may know and every selector fits, by authority, status or city; in each group by status and by flag at fault. Retired cameras count only where `lifecycle` names them.',
    permission: 'public',
    query: SUMMARY_SELECTORS,
    headers: IF_NONE_MATCH,
    answers: {
      200: { description: 'The counts.', content: { [FORMS.json]: HealthSummary }, headers: ETAG_HEADER },
      304: { description: 'The client’s copy is current.' },
    },
    refuses: ['query_too_expensive'],
  })
  async summary(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    const { by = 'authority', ...search } = selected(SUMMARY_SELECTORS, request);
    negotiate(undefined, request.headers.accept, ['json']);
    const alike = await healthSummary(this.parts.db, scope(request.principal), { by, search });
    return sendDocument(request, reply, summaryOf(by, alike));
  }
}
