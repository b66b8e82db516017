import { Controller, Delete, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BuildingSet, InvalidParameter, NotFound, PAGE_SELECTORS, type Selector } from '#catalog';
import { Buildings } from '#storage';
import { actingIn } from '../acting.js';
import { sendDocument, sendResult } from '../answer.js';
import { selected } from '../checked.js';
import { baseUrlOf } from '../links.js';
import { FORMS, negotiate } from '../negotiate.js';
import { ETAG_HEADER, IF_NONE_MATCH, Operation } from '../operation.js';
import { type ApiParts, PARTS } from '../parts.js';
import { idIn, pathIdOf } from '../path-id.js';
import { sendPage } from '../send-page.js';
import { BuildingSetPage } from './building-set-page.document.js';
import { BuildingsImport } from './buildings-import.js';
import { receiveUpload } from './receive-upload.js';
import { DATE_SELECTOR } from './selectors.js';
import { uploadsOf } from './uploads.js';

const TAG = 'surroundings';
/** Largest file, bytes. */
const MAX_FILE_BYTES = 4 * 1_073_741_824;

const SET_ID = pathIdOf('set');

const property = (description: string, example: string): Selector<string> => ({
  description,
  schema: { type: 'string', minLength: 1, maxLength: 100 },
  example,
  parse: (given) =>
    given.length > 0 && given.length <= 100 && !/[\0\p{Surrogate}]/u.test(given)
      ? { value: given }
      : { finding: ['length', 'expected the name of a property, 1 to 100 characters'] },
});

const IMPORT_SELECTORS = {
  date: DATE_SELECTOR,
  heightFrom: property(
    'Property that holds the height of the top above the ground, metres. Absent: `heightM`, `height`, `measuredHeight`, `render_height`.',
    'h_max',
  ),
  baseFrom: property(
    'Property that holds the height of the underside above the ground, metres. Absent: `baseM`, `min_height`, `render_min_height`; 0 where there is none.',
    'h_min',
  ),
} as const;

/** Buildings that stand in lines of sight. */
@Controller('v1/buildings')
export class BuildingsController {
  constructor(
    @Inject(PARTS) private readonly parts: ApiParts,
    @Inject(Buildings) private readonly buildings: Buildings,
    @Inject(BuildingsImport) private readonly imports: BuildingsImport,
  ) {}

  @Post()
  @Operation({
    id: 'importBuildings',
    tag: TAG,
    summary: 'Import a file of buildings',
    description:
      'The body is GeoJSON, at most 4 GiB: a FeatureCollection, or features, a line each, of polygons in longitude and latitude with their heights. Answered when the file has arrived; the set then shows how far it was read. A feature that cannot be taken, for instance one without a height, is left out and reported. All buildings count at once, when the set is `ready`.',
    permission: 'platform:admin',
    query: IMPORT_SELECTORS,
    body: {
      'application/geo+json': { description: 'A FeatureCollection of polygons.' },
      'application/geo+json-seq': { description: 'Features, one after the other.' },
      'application/octet-stream': { type: 'string', contentMediaType: 'application/octet-stream' },
    },
    answers: {
      202: {
        description: 'The set, whose import goes on.',
        content: { [FORMS.json]: BuildingSet },
        headers: { Location: 'Address of the set.' },
      },
    },
    refuses: ['storage_full'],
  })
  async run(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    const { date, heightFrom, baseFrom } = selected(IMPORT_SELECTORS, request);
    negotiate(undefined, request.headers.accept, ['json']);
    if (date === undefined) {
      throw new InvalidParameter([{ parameter: 'date', code: 'required', detail: 'is required' }]);
    }
    const upload = await receiveUpload(request, uploadsOf(this.parts.settings), MAX_FILE_BYTES);
    const order = {
      date,
      createdBy: request.principal.id,
      ...(heightFrom === undefined ? {} : { heightFrom }),
      ...(baseFrom === undefined ? {} : { baseFrom }),
    };
    const set = await this.imports.accept(upload, order, actingIn(request, this.parts));
    const location = `${baseUrlOf(request, this.parts.settings)}/v1/buildings/${set.id}`;
    return sendResult(reply.header('location', location), 202, set);
  }

  @Get()
  @Operation({
    id: 'listBuildings',
    tag: TAG,
    summary: 'List sets of buildings',
    description: 'In the order in which they came, those that failed included.',
    permission: 'public',
    query: PAGE_SELECTORS,
    headers: IF_NONE_MATCH,
    answers: {
      200: {
        description: 'One page of sets.',
        content: { [FORMS.json]: BuildingSetPage },
        headers: { ...ETAG_HEADER, Link: 'The next page, `rel="next"`.' },
      },
      304: { description: 'The client’s copy is current.' },
    },
    refuses: ['cursor_mismatch', 'cursor_expired'],
  })
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    return sendPage(request, reply, this.parts, {
      path: '/v1/buildings',
      find: (limit, after) => this.buildings.list({ limit, ...(after === undefined ? {} : { after }) }),
      keyOf: ({ id }) => id,
    });
  }

  @Get(':id')
  @Operation({
    id: 'getBuildings',
    tag: TAG,
    summary: 'Read about a set of buildings',
    description:
      'How far its import is or how it ended, how many buildings it has, and which features were left out and why.',
    permission: 'public',
    path: SET_ID,
    headers: IF_NONE_MATCH,
    answers: {
      200: { description: 'The set.', content: { [FORMS.json]: BuildingSet }, headers: ETAG_HEADER },
      304: { description: 'The client’s copy is current.' },
    },
    refuses: ['not_found'],
  })
  async get(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    negotiate(undefined, request.headers.accept, ['json']);
    const set = await this.buildings.find(idIn(id, 'set'));
    if (set === null) throw new NotFound(`no set of buildings has the id ${id}`);
    return sendDocument(request, reply, set);
  }

  @Delete(':id')
  @Operation({
    id: 'deleteBuildings',
    tag: TAG,
    summary: 'Delete a set of buildings',
    description:
      'It counts no more at once; older sets in its place count again. An import that still runs is given up.',
    permission: 'platform:admin',
    path: SET_ID,
    answers: { 204: { description: 'Deleted.' } },
    refuses: ['not_found', 'storage_full'],
  })
  async delete(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    const isThere = await this.imports.remove(idIn(id, 'set'), actingIn(request, this.parts));
    if (!isThere) throw new NotFound(`no set of buildings has the id ${id}`);
    return reply.code(204).header('cache-control', 'no-store').send();
  }
}
