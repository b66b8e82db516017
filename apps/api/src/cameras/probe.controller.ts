import { Controller, Inject, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isPlatformAdministrator, mayIn, requireScopeIn, scope } from '#access';
import { isFolded, ProbeReport } from '#catalog';
import { CameraFinder, probeNow, ProbeWishes, transactAs } from '#storage';
import { actorOf } from '../acting.js';
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
    budget: 'probes',
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
    requireScopeIn(by, 'probes:run', authority);
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const asked = await transactAs(this.parts.db, actorOf(request), (tx) => new ProbeWishes(tx).ask(idOf(id)));
    const report = await probeNow(new ProbeWishes(this.parts.db), idOf(id), {
      asked,
      timeoutMs: PATIENCE_MS,
      signal: gone.signal,
    });
    const isOperator = isPlatformAdministrator(by) || mayIn(by, 'cameras:write', authority);
    return sendResult(reply, 200, isOperator ? report : folded(report));
  }
}

/** Below operator, "probe now" must not tell one port of somebody's network from another (security.md SSRF-9): not by how far it came either. */
function folded(report: ProbeReport): ProbeReport {
  if (!isFolded(report.outcome)) return report;
  const phases = { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null, firstFrameMs: null };
  return { ...report, outcome: 'unreachable', phases };
}
