import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { scope } from '#access';
import {
  type CameraDocument,
  CAMERA_SELECTORS,
  CameraSight,
  InvalidParameter,
  NoView,
  type Selector,
  SIGHT_SELECTORS,
} from '#catalog';
import { footprintFeature, toGeoPose, toViewingFrustum, turningFeature } from '#geo';
import { CameraFinder, type Stance } from '#storage';
import { sendDocument } from '../answer.js';
import { CAMERA_ID, idOf } from '../cameras/camera-id.js';
import { selected } from '../checked.js';
import { FORMS, negotiate } from '../negotiate.js';
import { ETAG_HEADER, IF_NONE_MATCH, Operation } from '../operation.js';
import { type ApiParts, PARTS } from '../parts.js';
import { sightAnswer } from './sight-answer.js';
import { FootprintFeature, GeoPoseDocument, ViewingFrustumFeature } from './sight-answers.document.js';
import { Sights } from './sights.js';

const TAG = 'sight';
const CURRENT = { description: 'The client’s copy is current.' } as const;

/** A feature is JSON too, for clients that ask for nothing else. */
const GEOJSON_FORMS = ['geojson', 'json'] as const;

const ONE_SIGHT_SELECTORS = {
  point: { ...CAMERA_SELECTORS.sees, description: 'The place, lon,lat. Required.' },
  ...SIGHT_SELECTORS,
} as const;

const FOOTPRINT_SELECTORS = {
  basis: {
    ...SIGHT_SELECTORS.basis,
    description:
      '`current`, the default: the ground that the camera’s view covers. `reach`: all that a turning camera can be turned to.',
  },
  minPxPerM: {
    ...CAMERA_SELECTORS.minPxPerM,
    description: 'Only ground with at least so many pixels per metre; not with basis=reach.',
  } satisfies Selector<number>,
} as const;

/** Where one camera looks, and whether it sees a place. */
@Controller('v1/cameras/:id')
export class SightController {
  constructor(
    @Inject(PARTS) private readonly parts: ApiParts,
    @Inject(Sights) private readonly sights: Sights,
  ) {}

  @Get('sight')
  @Operation({
    id: 'getCameraSight',
    tag: TAG,
    summary: 'Does this camera see this place?',
    description:
      'How well, or why not: `reason` names the first thing that stands against it, what no turning of the camera could cure first. A camera too little of which is known answers `no_view`.',
    permission: 'public',
    path: CAMERA_ID,
    query: ONE_SIGHT_SELECTORS,
    headers: IF_NONE_MATCH,
    answers: {
      200: { description: 'The answer.', content: { [FORMS.json]: CameraSight }, headers: ETAG_HEADER },
      304: CURRENT,
    },
    refuses: ['not_found'],
  })
  async sight(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { point, targetHeightM = 0, basis } = selected(ONE_SIGHT_SELECTORS, request);
    negotiate(undefined, request.headers.accept, ['json']);
    if (point === undefined) {
      const detail = 'is required: the place as lon,lat';
      throw new InvalidParameter([{ parameter: 'point', code: 'required', detail }]);
    }
    const stance = await this.stance(id, request);
    const question = { camera: stance.camera, target: { position: point, heightM: targetHeightM } };
    const [sight] = await this.sights.judge([question], {
      atMs: Date.now(),
      ...(basis === undefined ? {} : { basis }),
    });
    if (sight === undefined) throw new Error('bug: a question without an answer');
    const whole = { cameraId: stance.id, point, targetHeightM, ...sightAnswer(sight), showing: stance.showing };
    return sendDocument(request, reply, whole);
  }

  @Get('footprint')
  @Operation({
    id: 'getCameraFootprint',
    tag: TAG,
    summary: 'The ground that a camera shows',
    description:
      'On level ground at the mast: exactly the places of which `sight` says yes. The geometry is null where too little is known of the view, or where it meets no ground. `clamped`: the far edge is the end of the stated range, not the edge of the picture.',
    permission: 'public',
    path: CAMERA_ID,
    query: FOOTPRINT_SELECTORS,
    headers: IF_NONE_MATCH,
    answers: {
      200: {
        description: 'A feature.',
        content: { [FORMS.geojson]: FootprintFeature, [FORMS.json]: FootprintFeature },
        headers: ETAG_HEADER,
      },
      304: CURRENT,
    },
    refuses: ['not_found'],
  })
  async footprint(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { basis, minPxPerM } = selected(FOOTPRINT_SELECTORS, request);
    const form = negotiate(undefined, request.headers.accept, GEOJSON_FORMS);
    if (basis === 'reach' && minPxPerM !== undefined) {
      const detail = 'the reach of a turning camera has no density of its own';
      throw new InvalidParameter([{ parameter: 'minPxPerM', code: 'conflict', detail }]);
    }
    const { id: cameraId, camera, computedAt } = await this.stance(id, request);
    const ground = await this.sights.groundAt(camera.location.coordinates);
    const options = ground === null ? {} : { groundM: ground };
    const feature =
      basis === 'reach'
        ? turningFeature(camera, computedAt, options)
        : footprintFeature(camera, computedAt, { ...options, ...(minPxPerM === undefined ? {} : { minPxPerM }) });
    const properties = { ...feature.properties, basis: basis === 'reach' ? 'reach' : 'view' };
    return sendDocument(request, reply, { ...feature, id: cameraId, properties }, { form });
  }

  @Get('view.geopose')
  @Operation({
    id: 'getCameraGeoPose',
    tag: TAG,
    summary: 'A camera’s pose as OGC GeoPose',
    description:
      'GeoPose 1.0, Basic-YPR: yaw counter-clockwise from east, pitch positive down. The standard’s `h` is a height above the ellipsoid; which height was known is in the header `Sightline-Height-Reference`.',
    permission: 'public',
    path: CAMERA_ID,
    query: {},
    headers: IF_NONE_MATCH,
    answers: {
      200: {
        description: 'The pose.',
        content: { [FORMS.json]: GeoPoseDocument },
        headers: {
          ...ETAG_HEADER,
          'Sightline-Height-Reference':
            'What `h` counts from: `ellipsoid`, `geoid` (mean sea level), or `ground` at the mast where its elevation is unknown.',
        },
      },
      304: CURRENT,
    },
    refuses: ['not_found', 'no_view'],
  })
  async geoPose(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    negotiate(undefined, request.headers.accept, ['json']);
    const { camera } = await this.stance(id, request);
    const { azimuthDeg, tiltDeg, rollDeg = 0 } = camera.view ?? {};
    if (azimuthDeg === undefined || tiltDeg === undefined) {
      throw new NoView('a pose needs view.azimuthDeg and view.tiltDeg');
    }
    const { heightM, reference } = await this.heightOf(camera);
    const pose = toGeoPose(camera.location.coordinates, heightM, { azimuthDeg, tiltDeg, rollDeg });
    return sendDocument(request, reply, pose, { headers: { 'sightline-height-reference': reference } });
  }

  @Get('view.frustum')
  @Operation({
    id: 'getCameraFrustum',
    tag: TAG,
    summary: 'A camera’s view as an OGC ViewingFrustum',
    description:
      'OGC API - Connected Systems, draft Part 4 (July 2025): a GeoJSON feature at the foot of the mast, pose in north, east, down.',
    permission: 'public',
    path: CAMERA_ID,
    query: {},
    headers: IF_NONE_MATCH,
    answers: {
      200: {
        description: 'A feature.',
        content: { [FORMS.geojson]: ViewingFrustumFeature, [FORMS.json]: ViewingFrustumFeature },
        headers: ETAG_HEADER,
      },
      304: CURRENT,
    },
    refuses: ['not_found', 'no_view'],
  })
  async frustum(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    selected({}, request);
    const form = negotiate(undefined, request.headers.accept, GEOJSON_FORMS);
    const { id: cameraId, camera } = await this.stance(id, request);
    const frustum = toViewingFrustum(camera);
    if (frustum === null) throw new NoView('a frustum needs view.azimuthDeg, view.tiltDeg and view.hfovDeg');
    return sendDocument(request, reply, { id: cameraId, ...frustum }, { form });
  }

  private stance(id: string, request: FastifyRequest): Promise<Stance> {
    return new CameraFinder(this.parts.db).stance(idOf(id), scope(request.principal));
  }

  /** The best known height of the lens, metres, and what it counts from. */
  private async heightOf(camera: CameraDocument): Promise<{ heightM: number; reference: string }> {
    const { heightM = 0, elevationM, elevationDatum = 'msl' } = camera;
    if (elevationM !== undefined && elevationDatum !== 'unknown') {
      return { heightM: elevationM + heightM, reference: elevationDatum === 'ellipsoid' ? 'ellipsoid' : 'geoid' };
    }
    const ground = await this.sights.groundAt(camera.location.coordinates);
    return ground === null ? { heightM, reference: 'ground' } : { heightM: ground + heightM, reference: 'geoid' };
  }
}
