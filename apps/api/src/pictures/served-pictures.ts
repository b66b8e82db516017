import type { FastifyRequest } from 'fastify';
import { actingAs, type Principal } from '#access';
import { NoFrame, type ThumbnailWidthPx } from '#catalog';
import { ThumbnailCache } from '#frames';
import type { StoredPicture } from '#storage';
import type { HourlyNotes } from '../audit/hourly-notes.js';
import type { ApiParts } from '../parts.js';

/** Pictures are made when they are asked for; so much is kept of them in memory, bytes: some 10,000 of 320 pixels. */
const CACHE_BYTES = 128 * 1_048_576;

/** How a caller sees the pictures of a camera. */
export interface ShownAs {
  readonly widthPx: number;
  readonly isBlurred: boolean;
}

/**
 * How this caller sees them (security.md PRIV-4, PRIV-6). Pictures are never more open than the camera: those of a restricted one are for
 * whoever was let in, whatever its record says of thumbnails.
 * @throws NoFrame where he sees none
 */
export function shownAs(picture: StoredPicture, width: ThumbnailWidthPx): ShownAs {
  const { accessLevel, thumbnails, needsContract, publicMaxWidthPx, isLetIn } = picture;
  if (isLetIn) return { widthPx: width, isBlurred: false };
  const level = accessLevel === 'restricted' ? 'withheld' : (thumbnails ?? 'full');
  if (level === 'withheld' || needsContract === true) {
    throw new NoFrame('the authority of this camera does not show its pictures to others');
  }
  return { widthPx: Math.min(width, publicMaxWidthPx), isBlurred: level === 'blurred' };
}

/** Strong tag of the bytes that {@link ServedPictures.bytes} makes. */
export const pictureTag = (frameKey: string, { widthPx, isBlurred }: ShownAs): string =>
  `"${frameKey.slice(-24)}.${widthPx}${isBlurred ? 'b' : ''}"`;

/** Makes what is served of the pictures in the store, and remembers the last ones. */
export class ServedPictures {
  private readonly cache = new ThumbnailCache({ maxBytes: CACHE_BYTES });

  constructor(
    private readonly parts: Pick<ApiParts, 'store' | 'pictures'>,
    private readonly hourly: HourlyNotes,
  ) {}

  /** Re-encoded, without metadata. @throws NoFrame where the store no longer has it */
  async bytes(frameKey: string, { widthPx, isBlurred }: ShownAs): Promise<Buffer> {
    return this.cache.get(`${frameKey}/${widthPx}/${isBlurred}`, async () => {
      const kept = await this.parts.store.get(frameKey);
      if (kept === null) throw new NoFrame('the picture is being replaced; ask again');
      return this.parts.pictures.thumbnail(kept, { widthPx, blurred: isBlurred });
    });
  }

  /** Who looks at pictures of a restricted camera is noted (security.md AUD-1). */
  async noteViewed(
    request: FastifyRequest,
    by: Principal,
    cameraId: string,
    { accessLevel, authority }: Pick<StoredPicture, 'accessLevel' | 'authority'>,
  ): Promise<void> {
    if (accessLevel !== 'restricted') return;
    await this.hourly.note(actingAs(by, { requestId: request.id, address: request.ip }), {
      action: 'picture.viewed',
      authority,
      subject: { kind: 'camera', id: cameraId },
    });
  }
}
