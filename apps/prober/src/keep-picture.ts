import { createHash } from 'node:crypto';
import type { Frame, PrivacyMaskDocument } from '#catalog';
import { withoutMetadata } from '#frames';
import type { ClaimedCamera } from '#storage';
import type { Memory } from './memory.js';
import type { Outage } from './outage.js';
import type { ProberParts } from './parts.js';

/** What became of the camera's picture, as `ProbeRecord` says it, and what is remembered of it. */
export interface Kept {
  readonly frameKey?: string | null;
  readonly capturedAt?: string;
  readonly stored: Memory['stored'];
}

export interface KeepTools {
  readonly parts: Pick<ProberParts, 'store' | 'pictures'>;
  readonly outage: Outage;
}

/** The picture that is kept of a view, and what is remembered of it. */
export interface Held {
  readonly frameKey: string | null;
  readonly stored: Memory['stored'];
}

/** A picture that has just been seen: what it is, and when it came, milliseconds since 1970. */
export interface Seen {
  readonly frame: Frame;
  readonly scanHash: string;
  readonly receivedAt: number;
}

/**
 * Stores a new picture, bytes first and their names with the result (reliability.md REL-2). The same picture again is not
 * stored again; it was still so at this moment. A store that does not work costs the picture, never the probe.
 * Masks are drawn for the main view, and would cover something else of another one: of a masked camera's presets nothing is kept (security.md PRIV-2).
 * @param came.seen null where no picture came, or only the word that it has not changed
 * @param came.of fingerprint of what decides what the picture shows
 */
export async function keepPicture(
  camera: ClaimedCamera,
  held: Held,
  { seen, of, isMain }: { readonly seen: Seen | null; readonly of: string; readonly isMain: boolean },
  { parts, outage }: KeepTools,
): Promise<Kept> {
  const masks = fingerprintOf(camera.masks);
  const had = held.frameKey === null ? null : held.stored;
  const isMaskable = isMain || camera.masks.length === 0;
  if (camera.authority.terms?.keepImages === 'none' || !isMaskable) return forgotten(held);
  // What is masked now may stand open in the picture of before.
  const without: Kept =
    had !== null && had.masks !== masks && camera.masks.length > 0 ? forgotten(held) : { stored: had };
  if (seen === null) return without;
  const capturedAt = new Date(seen.receivedAt).toISOString();
  if (had?.scanHash === seen.scanHash && had.masks === masks) return { stored: { ...had, of }, capturedAt };
  try {
    const frameKey = await store(seen.frame, camera.masks, parts);
    outage.worked();
    return { frameKey, capturedAt, stored: { scanHash: seen.scanHash, masks, of } };
  } catch (error) {
    outage.failed(error);
    return without;
  }
}

const forgotten = ({ frameKey }: Held): Kept =>
  frameKey === null ? { stored: null } : { stored: null, frameKey: null };

const fingerprintOf = (masks: readonly PrivacyMaskDocument[]): string =>
  masks.length === 0 ? '' : createHash('sha256').update(JSON.stringify(masks)).digest('base64url');

async function store(
  frame: Frame,
  masks: readonly PrivacyMaskDocument[],
  { store, pictures }: KeepTools['parts'],
): Promise<string> {
  const clean = withoutMetadata(frame);
  const shown = masks.length === 0 ? clean : await pictures.masked(clean, masks);
  return store.put('frame', shown);
}
