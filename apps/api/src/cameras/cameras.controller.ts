import { Body, Controller, Delete, Get, Headers, Inject, Param, Patch, Post, Put, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { scope } from '#access';
import { Camera, CAMERA_SELECTORS, CameraRegistration, Health, NotFound, ONE_CAMERA_SELECTORS } from '#catalog';
import { CameraFinder, type CameraForm, type FoundCamera, transactAs } from '#storage';
import { actorOf } from '../acting.js';
import { cacheControlOf, sendRepresentation } from '../answer.js';
import { selected } from '../checked.js';
import { bodyTagOf, etagOf } from '../conditional.js';
import { idempotently } from '../idempotently.js';
import { baseUrlOf } from '../links.js';
import { FORMS, contentTypeOf, negotiate } from '../negotiate.js';
import { ETAG_HEADER, IDEMPOTENCY_KEY, IF_MATCH, IF_NONE_MATCH, Operation } from '../operation.js';
import { type ApiParts, PARTS } from '../parts.js';
import { CAMERA_ID, idOf } from './camera-id.js';
import { CAMERA_TABLE, CameraCollection, CameraFeature, CameraPage } from './camera-answers.document.js';
import { listCameras } from './list-cameras.js';
import { requireJson } from '../media-type.js';
import { Sights } from '../sight/sights.js';
import { ViewKeeper } from './view-keeper.js';
import { patchCamera, registerCamera, replaceCamera, retireCamera, type Write } from './write-camera.js';

const TAG = 'cameras';
const CAMERA_ANSWER = {
  description: 'The camera.',
  content: { [FORMS.json]: Camera },
  headers: ETAG_HEADER,
} as const;

/** What may stand against any change of a camera. */
const CHANGE_PROBLEMS = [
  'not_found',
  'already_registered',
  'retired_exists',
  'version_mismatch',
  'precondition_required',
  'target_not_allowed',
  'credentials_ambiguous',
  'request_in_flight',
  'storage_full',
] as const;

/** Cameras: register, read, find, change, retire. */
@Controller('v1')
export class CamerasController {
  constructor(
    @Inject(PARTS) private readonly parts: ApiParts,
    @Inject(Sights) private readonly sights: Sights,
    @Inject(ViewKeeper) private readonly keeper: ViewKeeper,
  ) {}

  @Get('cameras')
  @Operation({
    id: 'findCameras',
    tag: TAG,
    summary: 'Find cameras',
    description:
      'Selectors combine with AND; several values of one are alternatives. Without `near` or `updatedSince` the order is that of ids. Follow `next` until it is null.',
    permission: 'public',
    query: CAMERA_SELECTORS,
    headers: IF_NONE_MATCH,
    answers: {
      200: {
        description: 'One page of cameras.',
        content: { [FORMS.json]: CameraPage, [FORMS.geojson]: CameraCollection, [FORMS.csv]: CAMERA_TABLE },
        headers: {
          ...ETAG_HEADER,
          Link: 'The next page, `rel="next"`; of CSV with `updatedSince` also the address to poll for later changes, `rel="resume"`.',
          'Content-Disposition': 'Of CSV: `attachment; filename="cameras.csv"`.',
        },
      },
      304: { description: 'The client’s copy is current.' },
    },
    refuses: ['cursor_mismatch', 'cursor_expired', 'query_too_expensive'],
  })
  async find(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    return listCameras(request, reply, this.parts, this.sights);
  }

  @Post('cameras')
  @Operation({
    id: 'registerCamera',
    tag: TAG,
    summary: 'Register a camera',
    description:
      'Enough are `authority`, `localId`, `name`, `location` and one service. `missing` in the answer says what a 2-D or 3-D view still needs. The camera is probed at once. Whoever may write there but not read (`cameras:write` without `cameras:read`) is answered `id` and `version` alone where he may not know the camera.',
    permission: 'cameras:write',
    headers: IDEMPOTENCY_KEY,
    body: { [FORMS.json]: CameraRegistration },
    answers: {
      201: { ...CAMERA_ANSWER, headers: { ...ETAG_HEADER, Location: 'Address of the camera.' } },
    },
    refuses: [
      'already_registered',
      'retired_exists',
      'target_not_allowed',
      'idempotency_key_reused',
      'request_in_flight',
      'storage_full',
    ],
  })
  async register(
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    requireJson(request);
    return idempotently(request, reply, this.parts, async (tx) => {
      const found = await registerCamera(body, this.write(tx, request));
      return {
        status: 201,
        headers: {
          location: `${baseUrlOf(request, this.parts.settings)}/v1/cameras/${found.id}`,
          etag: etagOf(found.version, found.json),
        },
        body: found.json,
      };
    });
  }

  @Get('cameras/:id')
  @Operation({
    id: 'getCamera',
    tag: TAG,
    summary: 'Read a camera',
    description: 'One camera with its health. Retired cameras stay readable.',
    permission: 'public',
    path: CAMERA_ID,
    query: ONE_CAMERA_SELECTORS,
    headers: IF_NONE_MATCH,
    answers: {
      200: { ...CAMERA_ANSWER, content: { [FORMS.json]: Camera, [FORMS.geojson]: CameraFeature } },
      304: { description: 'The client’s copy is current.' },
    },
    refuses: ['not_found'],
  })
  async get(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    const form = formOf(request);
    const found = await this.finder().get(idOf(id), scope(request.principal), this.baseUrl(request), form);
    return send(found, form, request, reply);
  }

  @Get('authorities/:slug/cameras/:localId')
  @Operation({
    id: 'getCameraByLocalId',
    tag: TAG,
    summary: 'Read a camera by its agency’s own id',
    description: 'The same document as by id.',
    permission: 'public',
    path: {
      slug: { description: 'Slug of the authority.', schema: { type: 'string' }, example: 'tainan-wrb' },
      localId: { description: 'The agency’s own id, percent-encoded.', schema: { type: 'string' }, example: '1639' },
    },
    query: ONE_CAMERA_SELECTORS,
    headers: IF_NONE_MATCH,
    answers: {
      200: { ...CAMERA_ANSWER, content: { [FORMS.json]: Camera, [FORMS.geojson]: CameraFeature } },
      304: { description: 'The client’s copy is current.' },
    },
    refuses: ['not_found'],
  })
  async getLocal(
    @Param('slug') slug: string,
    @Param('localId') localId: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    const form = formOf(request);
    // PostgreSQL knows no text with a NUL, so no camera has such a name.
    if (/\0/.test(slug + localId)) throw new NotFound('this authority has no camera of this localId');
    const local = { authority: slug, localId };
    const found = await this.finder().getLocal(local, scope(request.principal), this.baseUrl(request), form);
    return send(found, form, request, reply);
  }

  @Put('cameras/:id')
  @Operation({
    id: 'replaceCamera',
    tag: TAG,
    summary: 'Replace a camera',
    description:
      'The whole document. A GET body may be sent back: what the server made is ignored, `credentials: {"set": true}` keeps them. Changing scheme, host or port of a service clears its credentials unless they are sent again. What is answered of it is as for registering.',
    permission: 'cameras:write',
    path: CAMERA_ID,
    headers: IF_MATCH,
    body: { [FORMS.json]: CameraRegistration },
    answers: { 200: CAMERA_ANSWER },
    refuses: CHANGE_PROBLEMS,
  })
  async replace(
    @Param('id') id: string,
    @Body() body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    requireJson(request);
    const found = await transactAs(this.parts.db, actorOf(request), (tx) =>
      replaceCamera(idOf(id), body, ifMatch, this.write(tx, request)),
    );
    return sendChanged(found, request, reply);
  }

  @Patch('cameras/:id')
  @Operation({
    id: 'patchCamera',
    tag: TAG,
    summary: 'Change a camera',
    description:
      'A JSON merge patch (RFC 7396): null removes, lists are replaced whole. The result is judged, and answered, as a PUT.',
    permission: 'cameras:write',
    path: CAMERA_ID,
    headers: IF_MATCH,
    body: {
      'application/merge-patch+json': {
        type: 'object',
        additionalProperties: true,
        description: 'Members of a camera registration; null removes one.',
        example: { heightM: 6, view: { azimuthDeg: 225 } },
      },
    },
    answers: { 200: CAMERA_ANSWER, 204: { description: 'Changed; nothing is returned (`Prefer: return=minimal`).' } },
    refuses: CHANGE_PROBLEMS,
  })
  async patch(
    @Param('id') id: string,
    @Body() body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    requireJson(request, ['application/merge-patch+json']);
    const found = await transactAs(this.parts.db, actorOf(request), (tx) =>
      patchCamera(idOf(id), body, ifMatch, this.write(tx, request)),
    );
    return sendChanged(found, request, reply);
  }

  @Delete('cameras/:id')
  @Operation({
    id: 'retireCamera',
    tag: TAG,
    summary: 'Retire a camera',
    description:
      'It is no more probed nor listed, its credentials are destroyed and its picture is gone. It stays readable by id and in `updatedSince`, and its `localId` stays taken.',
    permission: 'cameras:write',
    path: CAMERA_ID,
    headers: IF_MATCH,
    answers: { 204: { description: 'Retired.' } },
    refuses: ['not_found', 'version_mismatch', 'precondition_required', 'storage_full'],
  })
  async retire(
    @Param('id') id: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    await transactAs(this.parts.db, actorOf(request), (tx) => retireCamera(idOf(id), ifMatch, this.write(tx, request)));
    return reply.code(204).header('cache-control', 'no-store').send();
  }

  @Get('cameras/:id/health')
  @Operation({
    id: 'getCameraHealth',
    tag: 'health',
    summary: 'Read what probes have established',
    description:
      'Whether the camera shows a picture now, since when, and why. Outside the camera’s authority every failure below HTTP reads `unreachable`.',
    permission: 'public',
    path: CAMERA_ID,
    headers: IF_NONE_MATCH,
    answers: {
      200: { description: 'The health.', content: { [FORMS.json]: Health }, headers: ETAG_HEADER },
      304: { description: 'The client’s copy is current.' },
    },
    refuses: ['not_found'],
  })
  async health(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    negotiate(undefined, request.headers.accept, ['json']);
    const { json } = await this.finder().health(idOf(id), scope(request.principal));
    return sendRepresentation(request, reply, {
      body: json,
      contentType: contentTypeOf('json'),
      etag: bodyTagOf(json),
    });
  }

  private finder(): CameraFinder {
    return new CameraFinder(this.parts.db);
  }

  private baseUrl(request: FastifyRequest): string {
    return baseUrlOf(request, this.parts.settings);
  }

  private write(tx: Write['tx'], request: FastifyRequest): Write {
    const { parts, keeper } = this;
    return { tx, by: request.principal, parts, keeper, baseUrl: this.baseUrl(request), now: Date.now() };
  }
}

function formOf(request: FastifyRequest): CameraForm {
  const { f } = selected(ONE_CAMERA_SELECTORS, request);
  return negotiate(f, request.headers.accept, ['json', 'geojson']);
}

function send(found: FoundCamera, form: CameraForm, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const etag = etagOf(found.version, found.json);
  return sendRepresentation(request, reply, { body: found.json, contentType: contentTypeOf(form), etag });
}

function sendChanged(found: FoundCamera, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  void reply.headers({ etag: etagOf(found.version, found.json), 'cache-control': cacheControlOf(request.principal) });
  if (/(?:^|,)\s*return=minimal\s*(?:,|;|$)/i.test(String(request.headers.prefer ?? ''))) {
    return reply.code(204).header('preference-applied', 'return=minimal').send();
  }
  return reply.code(200).header('content-type', contentTypeOf('json')).send(found.json);
}
