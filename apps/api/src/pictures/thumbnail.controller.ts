import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LINK_SELECTORS, NoFrame, THUMBNAIL_SELECTORS } from '#catalog';
import { sendRepresentation } from '../answer.js';
import { CAMERA_ID, idOf } from '../cameras/camera-id.js';
import { selected } from '../checked.js';
import { isCurrent, wantsAnew } from '../conditional.js';
import { IF_NONE_MATCH, Operation } from '../operation.js';
import { type ApiParts, PARTS } from '../parts.js';
import { RecentReadings } from './recent-readings.js';
import { pictureTag, ServedPictures, shownAs } from './served-pictures.js';
import { isLink, makerOf } from './thumbnail-links.js';

const SELECTORS = { ...THUMBNAIL_SELECTORS, ...LINK_SELECTORS } as const;

/** The latest picture of a camera, always from the store and never waiting for the camera. */
@Controller('v1')
export class ThumbnailController {
  constructor(
    @Inject(PARTS) private readonly parts: ApiParts,
    @Inject(ServedPictures) private readonly served: ServedPictures,
    @Inject(RecentReadings) private readonly recent: RecentReadings,
  ) {}

  @Get('cameras/:id/thumbnail')
  @Operation({
    id: 'getCameraThumbnail',
    tag: 'pictures',
    summary: 'Get the latest picture',
    description:
      'Re-encoded, without metadata, never enlarged. A camera that stopped answering keeps its last picture, marked `Sightline-Stale: true`. `preset` asks for another view. For others than its authority and those whom that granted access at most 640 pixels wide, or as wide as the camera says, and where it says so (`publicDelayS`) the newest picture that is old enough. A link (`POST …/thumbnail/link`) stands for whoever made it. What was read for the same caller within half a second serves again; `Cache-Control: no-cache` has it read anew.',
    permission: 'public',
    budget: 'thumbnails',
    path: CAMERA_ID,
    query: SELECTORS,
    headers: IF_NONE_MATCH,
    answers: {
      200: {
        description: 'The picture.',
        content: { 'image/jpeg': { type: 'string', contentMediaType: 'image/jpeg' } },
        headers: {
          ETag: 'Strong tag of these bytes.',
          'Last-Modified': 'When the picture was taken.',
          'Sightline-Status': 'Status of the camera.',
          'Sightline-Captured-At': 'When the picture was taken, RFC 3339.',
          Age: 'Seconds since the record of the picture was read, where somebody else had asked for it a moment ago.',
          'Sightline-Stale': '`true` where the picture is too old, or the camera does not show one now.',
        },
      },
      304: { description: 'The client’s copy is current.' },
    },
    refuses: ['not_found', 'no_frame', 'frames_unavailable'],
  })
  async get(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { width = 320, preset, ...link } = selected(SELECTORS, request);
    const cameraId = idOf(id);
    const isLinked = isLink(link);
    const by = isLinked
      ? await makerOf(link, { cameraId, width, preset }, { ...this.parts, now: Date.now() })
      : request.principal;
    const { picture, ageS } = await this.recent.of(
      { by, cameraId, preset: preset ?? null },
      wantsAnew(request.headers['cache-control']),
    );
    const as = shownAs(picture, width);
    const { frame } = picture;
    if (frame === null) throw noFrame(picture.isHeldBack);
    await this.served.noteViewed(request, by, cameraId, picture);
    const etag = pictureTag(frame.frameKey, as);
    const isPublic = by.isAnonymous && picture.accessLevel === 'public';
    return sendRepresentation(request, reply, {
      // A current copy is confirmed without touching the store.
      body: isCurrent(request.headers['if-none-match'], etag) ? '' : await this.served.bytes(frame.frameKey, as),
      contentType: 'image/jpeg',
      etag,
      cacheControl: `${isPublic ? 'public' : 'private'}, max-age=5`,
      headers: {
        'last-modified': new Date(frame.capturedAt).toUTCString(),
        'sightline-status': picture.status,
        'sightline-captured-at': frame.capturedAt,
        'sightline-stale': String(frame.stale),
        ...(ageS > 0 ? { age: String(ageS) } : {}),
        // Pages of others show what everybody sees, and what they were given a link to.
        ...(isPublic || isLinked ? { 'cross-origin-resource-policy': 'cross-origin' } : {}),
      },
    });
  }
}

const noFrame = (isHeldBack: boolean): NoFrame =>
  new NoFrame(
    isHeldBack ? 'no picture of this view is kept that is old enough for others' : 'no picture of this view is kept',
  );
