import { Body, Controller, Inject, type OnModuleDestroy, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { scope } from '#access';
import {
  AreaTooLarge,
  CoveragePointsRequest,
  CoverageRequest,
  type QueryGeometry,
  type ScopedQuery,
  ValidationFailed,
} from '#catalog';
import type { LonLat } from '#geo';
import { Buildings, CameraFinder } from '#storage';
import { sendResult } from '../answer.js';
import { checked, selected } from '../checked.js';
import { requireJson } from '../media-type.js';
import { FORMS, negotiate } from '../negotiate.js';
import { Operation } from '../operation.js';
import { type ApiParts, PARTS } from '../parts.js';
import { Sights } from '../sight/sights.js';
import { Ground } from '../surroundings/ground.js';
import { searchOf } from './camera-filter.js';
import type { Covered } from './cover.js';
import { CoverAside } from './cover-aside.js';
import { coverPoints } from './cover-points.js';
import { CoverageAnswer, CoveragePointsAnswer } from './coverage-answers.document.js';
import { surroundingsOf } from './surroundings-of.js';

const TAG = 'sight';

/** Which share of a place is in view. */
@Controller('v1/coverage')
export class CoverageController implements OnModuleDestroy {
  private readonly aside = new CoverAside();

  constructor(
    @Inject(PARTS) private readonly parts: ApiParts,
    @Inject(Sights) private readonly sights: Sights,
    @Inject(Ground) private readonly ground: Ground,
    @Inject(Buildings) private readonly buildings: Buildings,
  ) {}

  async onModuleDestroy(): Promise<void> {
    await this.aside.close();
  }

  @Post()
  @Operation({
    id: 'coverArea',
    tag: TAG,
    summary: 'Which share of an area or a line is in view?',
    description:
      'Counted on a grid of one metre or more, for an area up to 400 km²; along a line in steps. Fixed cameras, and turning ones whose pose was reported in the last five minutes; a camera counts once, whatever its views; what is merely possible does not count.',
    permission: 'public',
    budget: 'spatial',
    body: { [FORMS.json]: CoverageRequest },
    answers: {
      200: {
        description: 'The pieces that are in view, and those that are not.',
        content: { [FORMS.json]: CoverageAnswer },
      },
    },
    refuses: ['area_too_large', 'query_too_expensive'],
  })
  async area(@Body() body: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    selected({}, request);
    requireJson(request);
    negotiate(undefined, request.headers.accept, ['json']);
    const asked = checked(CoverageRequest, body);
    return sendResult(reply, 200, await this.cover(asked, scope(request.principal)));
  }

  @Post('points')
  @Operation({
    id: 'coverPoints',
    tag: TAG,
    summary: 'Which cameras see each of these places?',
    description:
      'Per point the cameras that see it, best first; and the lists of points that only planned cameras see, and that none sees. Turning cameras count as they look now where that is known, else by what they can be turned to: each sight says which.',
    permission: 'public',
    budget: 'spatial',
    body: { [FORMS.json]: CoveragePointsRequest },
    answers: { 200: { description: 'Points and cameras.', content: { [FORMS.json]: CoveragePointsAnswer } } },
    refuses: ['query_too_expensive'],
  })
  async points(
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    requireJson(request);
    negotiate(undefined, request.headers.accept, ['json']);
    const asked = checked(CoveragePointsRequest, body);
    return sendResult(reply, 200, await coverPoints(scope(request.principal), asked, this.parts.db, this.sights));
  }

  private async cover(request: CoverageRequest, by: ScopedQuery): Promise<CoverageAnswer> {
    const { area, line, minPxPerM, k, filter } = request;
    const into = (area ?? line) as QueryGeometry | undefined;
    if (into === undefined || (area !== undefined && line !== undefined)) {
      const detail = 'expected either area, a Polygon or MultiPolygon, or line, a LineString or MultiLineString';
      throw new ValidationFailed([{ pointer: '', code: into === undefined ? 'required' : 'conflict', detail }]);
    }
    const search = searchOf(filter, ['active', 'maintenance']);
    const cameras = await new CameraFinder(this.parts.db).lookingInto(by, search, into);
    const asked = { ...placesOf(into), cameras };
    const covered = await this.aside.answer({
      ...asked,
      ...(await surroundingsOf(asked, this.ground, this.buildings)),
      atMs: Date.now(),
      ...(minPxPerM === undefined ? {} : { minPxPerM }),
      ...(k === undefined ? {} : { k }),
    });
    return { ...withoutNoise(shown(covered, area === undefined ? '/line' : '/area')), cameras: cameras.length };
  }
}

function placesOf(into: QueryGeometry): {
  readonly area?: readonly (readonly (readonly LonLat[])[])[];
  readonly lines?: readonly (readonly LonLat[])[];
} {
  switch (into.type) {
    case 'Polygon':
      return { area: [into.coordinates] };
    case 'MultiPolygon':
      return { area: into.coordinates };
    case 'LineString':
      return { lines: [into.coordinates] };
    case 'MultiLineString':
      return { lines: into.coordinates };
    case 'Point':
      throw new Error('bug: a point has no coverage');
    default:
      throw new Error(`bug: coverage of ${String(into satisfies never)}`);
  }
}

/** What was worked out, or why not. @throws AreaTooLarge, ValidationFailed */
function shown(covered: Covered, pointer: string): Omit<CoverageAnswer, 'cameras'> {
  if (covered === null) throw new ValidationFailed([{ pointer, code: 'geometry', detail: 'the line has no length' }]);
  if (!('refused' in covered)) return covered;
  if (covered.refused === 'area_empty') {
    throw new ValidationFailed([{ pointer, code: 'geometry', detail: 'the area is empty, or smaller than a cell' }]);
  }
  const squareKm = (covered.areaM2 / 1e6).toFixed(1);
  throw new AreaTooLarge(`the area has ${squareKm} km²; at most 400 km² are answered at once`);
}

/** Lengths and areas to a thousandth, shares to a millionth: further decimals mean nothing on a grid. */
function withoutNoise<T extends object>(covered: T): T {
  const rounded = Object.entries(covered).map(([name, value]: [string, unknown]) => {
    const scale = name.endsWith('Fraction') ? 1e6 : 1e3;
    return [name, typeof value === 'number' ? Math.round(value * scale) / scale : value] as const;
  });
  return Object.fromEntries(rounded) as T;
}
