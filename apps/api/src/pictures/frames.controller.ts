import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { scope } from '#access';
import { FRAME_SELECTORS, type KeptFrame, NotFound, THUMBNAIL_SELECTORS } from '#catalog';
import { KeptFrames, type StoredPicture, StoredPictures } from '#storage';
import { sendRepresentation } from '../answer.js';
import { CAMERA_ID, idOf } from '../cameras/camera-id.js';
import { selected } from '../checked.js';
import { isCurrent } from '../conditional.js';
import { baseUrlOf } from '../links.js';
import { FORMS } from '../negotiate.js';
import { ETAG_HEADER, IF_NONE_MATCH, Operation } from '../operation.js';
import { type ApiParts, PARTS } from '../parts.js';
import { sendPage } from '../send-page.js';
import { askedFrames, momentOf } from './asked-frames.js';
import { FramePage } from './frame-page.document.js';
import { pictureTag, ServedPictures, shownAs } from './served-pictures.js';

const TAG = 'pictures';

/** What a camera showed before, where its record says that pictures are kept. */
@Controller('v1')
export class FramesController {
  constructor(
    @Inject(PARTS) private readonly parts: ApiParts,
    @Inject(ServedPictures) private readonly served: ServedPictures,
  ) {}

  @Get('cameras/:id/frames')
  @Operation({
    id: 'listCameraFrames',
    tag: TAG,
    summary: 'List what a camera showed before',
    description:
      'Newest first. Pictures are kept only where the camera’s `access.retentionS` says for how long; else the list is empty. Who sees the thumbnail sees these, as he sees the thumbnail: as wide, blurred where it is, and only those that are old enough for him (`publicDelayS`).',
    permission: 'public',
    path: CAMERA_ID,
    query: FRAME_SELECTORS,
    headers: IF_NONE_MATCH,
    answers: {
      200: {
        description: 'One page of frames.',
        content: { [FORMS.json]: FramePage },
        headers: { ...ETAG_HEADER, Link: 'The next page, `rel="next"`.' },
      },
      304: { description: 'The client’s copy is current.' },
    },
    refuses: ['not_found', 'no_frame', 'cursor_mismatch', 'cursor_expired'],
  })
  async list(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    const query = selected(FRAME_SELECTORS, request);
    const asked = askedFrames(query, Date.now());
    const { preset } = query;
    const cameraId = idOf(id);
    const picture = await this.pictureOf(cameraId, preset, request);
    shownAs(picture, 160);
    const path = `/v1/cameras/${cameraId}/frames`;
    const begin = `${baseUrlOf(request, this.parts.settings)}${path}`;
    const end = preset === undefined ? '' : `?preset=${encodeURIComponent(preset)}`;
    return sendPage(request, reply, this.parts, {
      path,
      selectors: FRAME_SELECTORS,
      find: async (limit, before): Promise<KeptFrame[]> => {
        const wanted = { cameraId, view: picture.view };
        const page = { ...asked, limit, before };
        const frames = await new KeptFrames(this.parts.db).list(wanted, page, scope(request.principal));
        return frames.map(({ capturedAt, widthPx, heightPx }) => {
          return { capturedAt, widthPx, heightPx, href: `${begin}/${capturedAt}${end}` };
        });
      },
      keyOf: ({ capturedAt }) => capturedAt,
    });
  }

  @Get('cameras/:id/frames/:capturedAt')
  @Operation({
    id: 'getCameraFrame',
    tag: TAG,
    summary: 'Get what a camera showed at a moment',
    description:
      'A picture of the list, re-encoded and without metadata. It is gone as soon as it is older than the camera’s `access.retentionS`, also where that was shortened since.',
    permission: 'public',
    budget: 'thumbnails',
    path: {
      ...CAMERA_ID,
      capturedAt: {
        description: 'When it was captured, as the list says it.',
        schema: { type: 'string', format: 'date-time' },
        example: '2026-11-24T08:00:00.000Z',
      },
    },
    query: THUMBNAIL_SELECTORS,
    headers: IF_NONE_MATCH,
    answers: {
      200: {
        description: 'The picture.',
        content: { 'image/jpeg': { type: 'string', contentMediaType: 'image/jpeg' } },
        headers: {
          ETag: 'Strong tag of these bytes.',
          'Last-Modified': 'When the picture was taken.',
          'Sightline-Captured-At': 'When the picture was taken, RFC 3339.',
        },
      },
      304: { description: 'The client’s copy is current.' },
    },
    refuses: ['not_found', 'no_frame', 'frames_unavailable'],
  })
  async get(
    @Param('id') id: string,
    @Param('capturedAt') capturedAt: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { width = 320, preset } = selected(THUMBNAIL_SELECTORS, request);
    const { principal } = request;
    const cameraId = idOf(id);
    const picture = await this.pictureOf(cameraId, preset, request);
    const as = shownAs(picture, width);
    const wanted = { cameraId, view: picture.view };
    const frame = await new KeptFrames(this.parts.db).at(wanted, momentOf(capturedAt), scope(principal));
    if (frame === null) throw new NotFound('no picture of this moment is kept');
    await this.served.noteViewed(request, principal, cameraId, picture);
    const etag = pictureTag(frame.frameKey, as);
    return sendRepresentation(request, reply, {
      body: isCurrent(request.headers['if-none-match'], etag) ? '' : await this.served.bytes(frame.frameKey, as),
      contentType: 'image/jpeg',
      etag,
      // What was shown goes when its time is over, and no cache knows when.
      cacheControl: 'no-store',
      headers: {
        'last-modified': new Date(frame.capturedAt).toUTCString(),
        'sightline-captured-at': frame.capturedAt,
      },
    });
  }

  /** Decides who sees its frames: they are the camera's (AUTHZ-6). @throws NotFound */
  private pictureOf(
    cameraId: string,
    preset: string | undefined,
    { principal }: FastifyRequest,
  ): Promise<StoredPicture> {
    const pictures = new StoredPictures(this.parts.db);
    return preset === undefined
      ? pictures.main(cameraId, scope(principal))
      : pictures.ofPreset(cameraId, preset, scope(principal));
  }
}
