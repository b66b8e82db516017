import { Controller, Delete, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  InvalidParameter,
  NotFound,
  PAGE_SELECTORS,
  type Selector,
  shown,
  TERRAIN_KINDS,
  type TerrainKind,
  TerrainRaster,
} from '#catalog';
import { Terrain } from '#storage';
import { actingIn } from '../acting.js';
import { sendDocument, sendResult } from '../answer.js';
import { selected } from '../checked.js';
import { baseUrlOf } from '../links.js';
import { FORMS, negotiate } from '../negotiate.js';
import { ETAG_HEADER, IF_NONE_MATCH, Operation } from '../operation.js';
import { type ApiParts, PARTS } from '../parts.js';
import { idIn, pathIdOf } from '../path-id.js';
import { sendPage } from '../send-page.js';
import { receiveUpload } from './receive-upload.js';
import { DATE_SELECTOR } from './selectors.js';
import { TerrainImport } from './terrain-import.js';
import { TerrainPage } from './terrain-page.document.js';
import { uploadsOf } from './uploads.js';

const TAG = 'surroundings';
/** Largest file, bytes. */
const MAX_FILE_BYTES = 4 * 1_073_741_824;

const RASTER_ID = pathIdOf('raster');

const KIND_SELECTOR: Selector<TerrainKind> = {
  description: 'What the heights are of: `terrain`, bare earth, the default; `dsm`, with everything that stands on it.',
  schema: { type: 'string', enum: TERRAIN_KINDS },
  parse: (given) =>
    TERRAIN_KINDS.includes(given as TerrainKind)
      ? { value: given as TerrainKind }
      : { finding: ['enum', `expected one of ${TERRAIN_KINDS.join(', ')}; got ${shown(given)}`] },
};

const CRS_SELECTOR: Selector<number> = {
  description: 'CRS of the file’s coordinates, in place of what the file states; needed where it states none.',
  schema: { type: 'string', pattern: '^EPSG:[0-9]{4,6}$' },
  example: 'EPSG:3826',
  parse: (given) => {
    const code = /^EPSG:(\d{4,6})$/i.exec(given)?.[1];
    return code === undefined
      ? { finding: ['format', `expected a code such as EPSG:3826; got ${shown(given)}`] }
      : { value: Number(code) };
  },
};

const IMPORT_SELECTORS = { date: DATE_SELECTOR, kind: KIND_SELECTOR, crs: CRS_SELECTOR } as const;

/** Heights of the ground, which block lines of sight. */
@Controller('v1/terrain')
export class TerrainController {
  constructor(
    @Inject(PARTS) private readonly parts: ApiParts,
    @Inject(Terrain) private readonly terrain: Terrain,
    @Inject(TerrainImport) private readonly imports: TerrainImport,
  ) {}

  @Post()
  @Operation({
    id: 'importTerrain',
    tag: TAG,
    summary: 'Import a raster of heights',
    description:
      'The body is a GeoTIFF of one band, at most 4 GiB, in any CRS that PROJ knows; heights in metres, or in the unit that it states. Answered when the file has arrived and its head was read; the raster then shows how far its import is. Its heights count when it is `ready`.',
    permission: 'platform:admin',
    query: IMPORT_SELECTORS,
    body: {
      'image/tiff': { type: 'string', contentMediaType: 'image/tiff' },
      'application/octet-stream': { type: 'string', contentMediaType: 'application/octet-stream' },
    },
    answers: {
      202: {
        description: 'The raster, whose import goes on.',
        content: { [FORMS.json]: TerrainRaster },
        headers: { Location: 'Address of the raster.' },
      },
    },
    refuses: ['unusable_raster', 'storage_full'],
  })
  async run(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    const { date, kind = 'terrain', crs } = selected(IMPORT_SELECTORS, request);
    negotiate(undefined, request.headers.accept, ['json']);
    if (date === undefined) {
      throw new InvalidParameter([{ parameter: 'date', code: 'required', detail: 'is required' }]);
    }
    const upload = await receiveUpload(request, uploadsOf(this.parts.settings), MAX_FILE_BYTES);
    const order = { kind, date, createdBy: request.principal.id, ...(crs === undefined ? {} : { epsg: crs }) };
    const raster = await this.imports.accept(upload, order, actingIn(request, this.parts));
    const location = `${baseUrlOf(request, this.parts.settings)}/v1/terrain/${raster.id}`;
    return sendResult(reply.header('location', location), 202, raster);
  }

  @Get()
  @Operation({
    id: 'listTerrain',
    tag: TAG,
    summary: 'List rasters of heights',
    description: 'In the order in which they came, those that failed included.',
    permission: 'public',
    query: PAGE_SELECTORS,
    headers: IF_NONE_MATCH,
    answers: {
      200: {
        description: 'One page of rasters.',
        content: { [FORMS.json]: TerrainPage },
        headers: { ...ETAG_HEADER, Link: 'The next page, `rel="next"`.' },
      },
      304: { description: 'The client’s copy is current.' },
    },
    refuses: ['cursor_mismatch', 'cursor_expired'],
  })
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    return sendPage(request, reply, this.parts, {
      path: '/v1/terrain',
      find: (limit, after) => this.terrain.list({ limit, ...(after === undefined ? {} : { after }) }),
      keyOf: ({ id }) => id,
    });
  }

  @Get(':id')
  @Operation({
    id: 'getTerrain',
    tag: TAG,
    summary: 'Read about a raster of heights',
    description: 'How far its import is or how it ended, where it lies, and between which heights.',
    permission: 'public',
    path: RASTER_ID,
    headers: IF_NONE_MATCH,
    answers: {
      200: { description: 'The raster.', content: { [FORMS.json]: TerrainRaster }, headers: ETAG_HEADER },
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
    const raster = await this.terrain.find(idIn(id, 'raster'));
    if (raster === null) throw new NotFound(`no raster of heights has the id ${id}`);
    return sendDocument(request, reply, raster);
  }

  @Delete(':id')
  @Operation({
    id: 'deleteTerrain',
    tag: TAG,
    summary: 'Delete a raster of heights',
    description:
      'It counts no more within seconds; older rasters in its place count again. An import that still runs is given up.',
    permission: 'platform:admin',
    path: RASTER_ID,
    answers: { 204: { description: 'Deleted.' } },
    refuses: ['not_found', 'storage_full'],
  })
  async delete(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    const isThere = await this.imports.remove(idIn(id, 'raster'), actingIn(request, this.parts));
    if (!isThere) throw new NotFound(`no raster of heights has the id ${id}`);
    return reply.code(204).header('cache-control', 'no-store').send();
  }
}
