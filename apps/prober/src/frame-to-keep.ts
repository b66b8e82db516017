import type { FrameStore } from '#frames';
import type { ClaimedCamera, FrameToKeep } from '#storage';
import type { Held, Kept, Seen } from './keep-picture.js';

/** From here on no more history: what room is left is for the latest pictures (reliability.md, "disk full"). */
export const HISTORY_SHARE = 0.9;

/** A picture of a view as it is kept for its moment: as history, or for those who see it later. Empty where nobody wants it. */
export function frameToKeep(
  { isDelayed, keepsHistory }: Pick<ClaimedCamera, 'isDelayed' | 'keepsHistory'>,
  view: string,
  { seen, held, kept }: { readonly seen: Seen | null; readonly held: Held; readonly kept: Kept },
  store: Pick<FrameStore, 'fullness'>,
): readonly FrameToKeep[] {
  const frameKey = kept.frameKey === undefined ? held.frameKey : kept.frameKey;
  if (seen === null || frameKey === null || kept.capturedAt === undefined) return [];
  if (!isDelayed && !(keepsHistory && store.fullness < HISTORY_SHARE)) return [];
  const { widthPx, heightPx } = seen.frame;
  return [{ view, capturedAt: kept.capturedAt, frameKey, widthPx, heightPx }];
}
