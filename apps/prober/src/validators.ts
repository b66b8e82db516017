import type { ClaimedCamera } from '#storage';
import type { Answer } from './ask-service.js';
import type { Seen } from './keep-picture.js';
import { keepable, type Validators } from './memory.js';

/** After a picture, those that came with it; without one, and after the word that it has not changed, those that we had. */
export function validatorsAfter(
  before: Validators | null,
  { configVersion }: ClaimedCamera,
  { result, slot }: Answer,
  seen: Seen | null,
): Validators | null {
  if (seen === null) return before;
  const etag = keepable(result.evidence.etag);
  const lastModified = keepable(result.evidence.lastModified);
  if (etag === undefined && lastModified === undefined) return null;
  return {
    slot,
    configVersion,
    ...(etag === undefined ? {} : { etag }),
    ...(lastModified === undefined ? {} : { lastModified }),
  };
}
