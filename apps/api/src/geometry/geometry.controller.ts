import { Controller, Get, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Selector } from '#catalog';
import { GEOMETRY_VERSION } from '#geo';
import { Audit, ViewIndex } from '#storage';
import { actingIn } from '../acting.js';
import { sendResult } from '../answer.js';
import { selected } from '../checked.js';
import { FORMS, negotiate } from '../negotiate.js';
import { Operation } from '../operation.js';
import { type ApiParts, PARTS } from '../parts.js';
import { GeometryState, RebuildDocument } from './geometry-state.document.js';
import { Rebuild, type Which } from './rebuild.js';

const REBUILD_SELECTORS = {
  which: {
    description:
      '`waiting`, the default: views that were worked out by an older geometry or on other ground. `all`: every view.',
    schema: { type: 'string', enum: ['waiting', 'all'] },
    parse: (given) =>
      given === 'waiting' || given === 'all'
        ? { value: given }
        : { finding: ['enum', `expected waiting or all; got ${JSON.stringify(given)}`] },
  } satisfies Selector<Which>,
} as const;

/** What is kept of the cameras' views, and working it out again. */
@Controller('v1/geometry')
export class GeometryController {
  constructor(
    @Inject(PARTS) private readonly parts: ApiParts,
    @Inject(Rebuild) private readonly rebuild: Rebuild,
  ) {}

  @Get()
  @Operation({
    id: 'getGeometry',
    tag: 'operations',
    summary: 'How far the stored footprints are current',
    description: 'Counts of stored views, of those that wait to be worked out again, and the run that does so.',
    permission: 'platform:admin',
    answers: { 200: { description: 'The state.', content: { [FORMS.json]: GeometryState } } },
  })
  async state(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    selected({}, request);
    negotiate(undefined, request.headers.accept, ['json']);
    return this.answer(reply, 200);
  }

  @Post('rebuild')
  @Operation({
    id: 'rebuildGeometry',
    tag: 'operations',
    summary: 'Work out all footprints again',
    description:
      'Runs in the background; a run under way goes on. `GET /v1/geometry` tells how far it is. Cameras are found all the while, by what was kept before.',
    permission: 'platform:admin',
    query: REBUILD_SELECTORS,
    answers: {
      202: {
        description: 'It runs.',
        content: { [FORMS.json]: GeometryState },
        headers: { Location: 'Where to look how far it is.' },
      },
    },
  })
  async start(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    const { which = 'waiting' } = selected(REBUILD_SELECTORS, request);
    negotiate(undefined, request.headers.accept, ['json']);
    await actingIn(
      request,
      this.parts,
    )((tx) =>
      new Audit(tx).note({
        action: 'geometry.rebuild_asked',
        authority: null,
        subject: { kind: 'geometry', id: which },
      }),
    );
    await this.rebuild.start(which);
    return this.answer(reply.header('location', '/v1/geometry'), 202);
  }

  private async answer(reply: FastifyReply, status: number): Promise<FastifyReply> {
    // The run first: what it wrote by its end is then counted.
    const rebuild: RebuildDocument | null = this.rebuild.progress;
    const { views, waiting } = await new ViewIndex(this.parts.db).state();
    const body: GeometryState = { version: GEOMETRY_VERSION, views, waiting, rebuild };
    return sendResult(reply, status, body);
  }
}
