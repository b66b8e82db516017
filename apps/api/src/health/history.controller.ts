import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { scope } from '#access';
import { DEFAULT_TRANSITIONS, HealthHistoryDocument, HISTORY_SELECTORS, MAX_LIMIT } from '#catalog';
import { HealthHistory } from '#storage';
import { sendDocument } from '../answer.js';
import { CAMERA_ID, idOf } from '../cameras/camera-id.js';
import { selected } from '../checked.js';
import { FORMS, negotiate } from '../negotiate.js';
import { ETAG_HEADER, IF_NONE_MATCH, Operation } from '../operation.js';
import { type ApiParts, PARTS } from '../parts.js';
import { askedTime, LENGTH_MS } from './asked-history.js';
import { historyAnswer, LONGEST_MS } from './history-answer.js';

/** What probes have established over time. */
@Controller('v1')
export class HistoryController {
  constructor(@Inject(PARTS) private readonly parts: ApiParts) {}

  @Get('cameras/:id/health/history')
  @Operation({
    id: 'getCameraHealthHistory',
    tag: 'health',
    summary: 'Read how a camera was over time',
    description:
      'Changes of the status, counts of probes by minute, hour or day, and availability: the share of the measured time in which the camera showed a picture. Outside the camera’s authority every failure below HTTP reads `unreachable`, and latencies are left out.',
    permission: 'public',
    path: CAMERA_ID,
    query: HISTORY_SELECTORS,
    headers: IF_NONE_MATCH,
    answers: {
      200: { description: 'The history.', content: { [FORMS.json]: HealthHistoryDocument }, headers: ETAG_HEADER },
      304: { description: 'The client’s copy is current.' },
    },
    refuses: ['not_found', 'query_too_expensive'],
  })
  async history(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    const query = selected(HISTORY_SELECTORS, request);
    negotiate(undefined, request.headers.accept, ['json']);
    const now = Date.now();
    const asked = askedTime(query, now);
    const lengthMs = LENGTH_MS[asked.resolution];
    const kept = await new HealthHistory(this.parts.db).read(idOf(id), scope(request.principal), {
      ...asked,
      from: Math.floor(asked.from / lengthMs) * lengthMs,
      to: Math.ceil(asked.to / lengthMs) * lengthMs,
      since: Math.min(asked.from, now - LONGEST_MS - CLOCKS_APART_MS),
    });
    return sendDocument(
      request,
      reply,
      historyAnswer(kept, asked, Math.min(query.limit ?? DEFAULT_TRANSITIONS, MAX_LIMIT)),
    );
  }
}

/** The last 30 days are those of the database's clock, which may go ahead of ours or behind it. */
const CLOCKS_APART_MS = 3_600_000;
