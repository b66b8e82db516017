import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isPlatformAdministrator } from '#access';
import { NotFound } from '#catalog';
import { Operation } from '../operation.js';
import { type ApiParts, PARTS } from '../parts.js';
import { Readiness } from './readiness.js';

const TAG = 'operations';
const TEXT = { 'text/plain': { type: 'string' } } as const;

/** For orchestrators and people on call. */
@Controller()
export class OpsController {
  constructor(
    @Inject(PARTS) private readonly parts: ApiParts,
    @Inject(Readiness) private readonly readiness: Readiness,
  ) {}

  @Get('livez')
  @Operation({
    id: 'isAlive',
    tag: TAG,
    summary: 'Whether the process turns',
    description: 'Says nothing of the database.',
    permission: 'public',
    budget: 'none',
    isVital: true,
    answers: { 200: { description: 'It does.', content: TEXT } },
  })
  live(@Res() reply: FastifyReply): FastifyReply {
    return say(reply, 200, 'ok');
  }

  @Get('readyz')
  @Operation({
    id: 'isReady',
    tag: TAG,
    summary: 'Whether requests can be served',
    description: 'The database answers, its schema is current, and the process is not shutting down.',
    permission: 'public',
    budget: 'none',
    isVital: true,
    answers: { 200: { description: 'They can.', content: TEXT } },
  })
  async ready(@Res() reply: FastifyReply): Promise<FastifyReply> {
    const why = await this.readiness.whyNot();
    return why === null ? say(reply, 200, 'ok') : say(reply.header('retry-after', '5'), 503, why);
  }

  @Get('metrics')
  @Operation({
    id: 'getMetrics',
    tag: TAG,
    summary: 'Metrics for Prometheus',
    description: 'For callers on loopback, or with a platform administrator’s key.',
    permission: 'public',
    budget: 'none',
    isVital: true,
    answers: { 200: { description: 'The metrics.', content: TEXT } },
    refuses: ['not_found'],
  })
  async metrics(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    if (!isLoopback(request) && !isPlatformAdministrator(request.principal)) {
      throw new NotFound('there is nothing at this address');
    }
    const { metrics } = this.parts;
    return reply
      .code(200)
      .headers({ 'content-type': metrics.contentType, 'cache-control': 'no-store' })
      .send(await metrics.metrics());
  }
}

function say(reply: FastifyReply, status: number, text: string): FastifyReply {
  return reply
    .code(status)
    .headers({ 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' })
    .send(`${text}\n`);
}

/** By the socket itself: a proxy's headers do not make anybody local, and a local proxy makes nobody else so. */
function isLoopback({ raw, headers }: FastifyRequest): boolean {
  const address = raw.socket.remoteAddress ?? '';
  const isForwarded = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined;
  return !isForwarded && /^(?:127\.|::1$|::ffff:127\.)/.test(address);
}
