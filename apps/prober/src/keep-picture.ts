import { createHash } from 'node:crypto';
import type { Frame, PrivacyMaskDocument } from '#catalog';
import { PictureError, withoutMetadata } from '#frames';
import type { ClaimedCamera, NamedPicture } from '#storage';
import type { Memory } from './memory.js';
import type { Outage } from './outage.js';
import type { ProberParts } from './parts.js';

/** What became of the camera's picture, as `ProbeRecord` says it, and what is remembered of it. */
export interface Kept {
  readonly picture?: NamedPicture | null;
  readonly capturedAt?: string;
  readonly stored: Memory['stored'];
}

export interface KeepTools {
  readonly parts: Pick<ProberParts, 'store' | 'pictures'>;
  readonly outage: Outage;
}

/** Width of the thumbnail that is made with each frame; others are made when they are asked for. */
const THUMBNAIL_WIDTH_PX = 320;

/** A picture that has just been seen: what it is, and when it came, milliseconds since 1970. */
export interface Seen {
  readonly frame: Frame;
  readonly scanHash: string;
  readonly receivedAt: number;
}

/**
 * Stores a new picture, bytes first and their names with the result (reliability.md REL-2). The same picture again is not
 * stored again; it was still so at this moment. A store that does not work costs the picture, never the probe.
 * @param came.seen null where no picture came, or only the word that it has not changed
 * @param came.of fingerprint of what decides what the picture shows
 */
export async function keepPicture(
  camera: ClaimedCamera,
  stored: Memory['stored'],
  { seen, of }: { readonly seen: Seen | null; readonly of: string },
  { parts, outage }: KeepTools,
): Promise<Kept> {
  const masks = fingerprintOf(camera.masks);
  const had = camera.frameKey === null ? null : stored;
  if (camera.authority.terms?.keepImages === 'none') return forgotten(camera);
  // What is masked now may stand open in the picture of before.
  const without: Kept =
    had !== null && had.masks !== masks && camera.masks.length > 0 ? forgotten(camera) : { stored: had };
  if (seen === null) return without;
  const capturedAt = new Date(seen.receivedAt).toISOString();
  if (had?.scanHash === seen.scanHash && had.masks === masks) return { stored: { ...had, of }, capturedAt };
  try {
    const picture = await store(seen.frame, camera.masks, parts);
    outage.worked();
    return { picture, capturedAt, stored: { scanHash: seen.scanHash, masks, of } };
  } catch (error) {
    outage.failed(error);
    return without;
  }
}

const forgotten = ({ frameKey }: ClaimedCamera): Kept =>
  frameKey === null ? { stored: null } : { stored: null, picture: null };

const fingerprintOf = (masks: readonly PrivacyMaskDocument[]): string =>
  masks.length === 0 ? '' : createHash('sha256').update(JSON.stringify(masks)).digest('base64url');

async function store(
  frame: Frame,
  masks: readonly PrivacyMaskDocument[],
  { store, pictures }: KeepTools['parts'],
): Promise<NamedPicture> {
  const clean = withoutMetadata(frame);
  const shown = masks.length === 0 ? clean : await pictures.masked(clean, masks);
  const thumbnail = await pictures.thumbnail(shown, { widthPx: THUMBNAIL_WIDTH_PX }).catch((error: unknown) => {
    // The frame was fine a moment ago: the API makes the thumbnail when somebody asks for it.
    if (error instanceof PictureError) return null;
    throw error;
  });
  const frameKey = await store.put('frame', shown);
  return { frameKey, thumbnailKey: thumbnail === null ? null : await store.put('thumbnail', thumbnail) };
}
