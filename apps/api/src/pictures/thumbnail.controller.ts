import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { actsFor, isPlatformAdministrator, type Principal, scope } from '#access';
import { NoFrame, THUMBNAIL_SELECTORS, type ThumbnailWidthPx } from '#catalog';
import { ThumbnailCache } from '#frames';
import { CameraFinder, type StoredPicture } from '#storage';
import { sendRepresentation } from '../answer.js';
import { CAMERA_ID, idOf } from '../cameras/camera-id.js';
import { selected } from '../checked.js';
import { isCurrent } from '../conditional.js';
import { IF_NONE_MATCH, Operation } from '../operation.js';
import { type ApiParts, PARTS } from '../parts.js';

/** Width made by the prober; any other is made when it is asked for. */
const MADE_WIDTH_PX = 320;

/** Pictures made on demand that are kept in memory, bytes. */
const CACHE_BYTES = 64 * 1_048_576;

/** The latest picture of a camera, always from the store and never waiting for the camera. */
@Controller('v1')
export class ThumbnailController {
  private readonly cache = new ThumbnailCache({ maxBytes: CACHE_BYTES });

  constructor(@Inject(PARTS) private readonly parts: ApiParts) {}

  @Get('cameras/:id/thumbnail')
  @Operation({
    id: 'getCameraThumbnail',
    tag: 'pictures',
    summary: 'Get the latest picture',
    description:
      'Re-encoded, without metadata, never enlarged. A camera that stopped answering keeps its last picture, marked `Sightline-Stale: true`. Outside its authority at most 640 pixels wide, or as wide as the camera says.',
    permission: 'public',
    path: CAMERA_ID,
    query: THUMBNAIL_SELECTORS,
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
    const { width = MADE_WIDTH_PX } = selected(THUMBNAIL_SELECTORS, request);
    const picture = await new CameraFinder(this.parts.db).picture(idOf(id), scope(request.principal));
    const shown = allowed(picture, request.principal, width);
    const etag = `"${shown.frameKey.slice(-24)}.${shown.widthPx}${shown.isBlurred ? 'b' : ''}"`;
    const isPublic = request.principal.isAnonymous && picture.accessLevel === 'public';
    return sendRepresentation(request, reply, {
      // A current copy is confirmed without touching the store.
      body: isCurrent(request.headers['if-none-match'], etag) ? '' : await this.bytes(shown),
      contentType: 'image/jpeg',
      etag,
      cacheControl: `${isPublic ? 'public' : 'private'}, max-age=5`,
      headers: {
        'last-modified': new Date(shown.capturedAt).toUTCString(),
        'sightline-status': picture.status,
        'sightline-captured-at': shown.capturedAt,
        'sightline-stale': String(picture.stale ?? true),
        ...(picture.accessLevel === 'public' ? { 'cross-origin-resource-policy': 'cross-origin' } : {}),
      },
    });
  }

  private async bytes(shown: ShownPicture): Promise<Buffer> {
    const { frameKey, thumbnailKey, widthPx, isBlurred } = shown;
    const isMade = thumbnailKey !== null && widthPx === MADE_WIDTH_PX && !isBlurred;
    return this.cache.get(isMade ? thumbnailKey : `${frameKey}/${widthPx}/${isBlurred}`, async () => {
      const kept = await this.parts.store.get(isMade ? thumbnailKey : frameKey);
      if (kept === null) throw new NoFrame('the picture is being replaced; ask again');
      return isMade ? kept : this.parts.pictures.thumbnail(kept, { widthPx, blurred: isBlurred });
    });
  }
}

interface ShownPicture {
  readonly frameKey: string;
  readonly thumbnailKey: string | null;
  readonly capturedAt: string;
  readonly widthPx: number;
  readonly isBlurred: boolean;
}

/** What of the picture this caller may see (security.md PRIV-4, PRIV-6). @throws NoFrame */
function allowed(picture: StoredPicture, by: Principal, width: ThumbnailWidthPx): ShownPicture {
  const { frameKey, thumbnailKey, capturedAt, accessLevel, publicMaxWidthPx } = picture;
  if (frameKey === null || capturedAt === null) throw new NoFrame('no picture of this camera was ever taken');
  const isOwn = isPlatformAdministrator(by) || (actsFor(by, picture.authority) && by.scopes.has('frames:read'));
  const level = picture.thumbnails ?? (accessLevel === 'restricted' ? 'withheld' : 'full');
  if (!isOwn && (level === 'withheld' || picture.needsContract === true)) {
    throw new NoFrame('the authority of this camera does not show its pictures to others');
  }
  if (!isOwn && picture.isHeldBack === true) throw new NoFrame('the latest picture is held back for a while');
  return {
    frameKey,
    thumbnailKey,
    capturedAt,
    widthPx: isOwn ? width : Math.min(width, publicMaxWidthPx),
    isBlurred: !isOwn && level === 'blurred',
  };
}
