import { Controller, Inject, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { actsFor, isPlatformAdministrator, requireAuthority, scope } from '#access';
import { type Outcome, ProbeReport } from '#catalog';
import { CameraFinder, probeNow, ProbeWishes } from '#storage';
import { selected } from '../checked.js';
import { baseUrlOf } from '../links.js';
import { FORMS, negotiate } from '../negotiate.js';
import { Operation } from '../operation.js';
import { type ApiParts, PARTS } from '../parts.js';
import { sendResult } from '../answer.js';
import { CAMERA_ID, idOf } from './camera-id.js';

/** Longest wait for a prober, milliseconds. */
const PATIENCE_MS = 25_000;

/** Probing now, for people who cannot wait for the next round. */
@Controller('v1')
export class ProbeController {
  constructor(@Inject(PARTS) private readonly parts: ApiParts) {}

  @Post('cameras/:id/probe')
  @Operation({
    id: 'probeCamera',
    tag: 'health',
    summary: 'Probe a camera now',
    description:
      'Asks the camera for a picture and answers what came of it, whatever the outcome, within 25 seconds. Within `minIntervalS` of a probe: that one’s result.',
    permission: 'probes:run',
    path: CAMERA_ID,
    answers: { 200: { description: 'What the probe established.', content: { [FORMS.json]: ProbeReport } } },
    refuses: ['not_found', 'not_probed', 'prober_unavailable'],
  })
  async probe(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    negotiate(undefined, request.headers.accept, ['json']);
    const by = request.principal;
    const baseUrl = baseUrlOf(request, this.parts.settings);
    const { authority } = await new CameraFinder(this.parts.db).get(idOf(id), scope(by), baseUrl);
    requireAuthority(by, authority);
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const report = await probeNow(new ProbeWishes(this.parts.db), idOf(id), {
      timeoutMs: PATIENCE_MS,
      signal: gone.signal,
    });
    const isOwn = isPlatformAdministrator(by) || (actsFor(by, authority) && by.scopes.has('cameras:write'));
    const shown: ProbeReport = isOwn ? report : { ...report, outcome: folded(report.outcome) };
    return sendResult(reply, 200, shown);
  }
}

/** Below operator, "probe now" must not tell one port of somebody's network from another (security.md SSRF-9). */
const FOLDED: readonly Outcome[] = ['refused', 'connect_timeout', 'reset', 'dns_error', 'target_not_allowed'];
const folded = (outcome: Outcome): Outcome => (FOLDED.includes(outcome) ? 'unreachable' : outcome);
