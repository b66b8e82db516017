import type { Attempt, ProbeResult, ServiceTarget } from './attempt.js';
import { askForPictures, type Header } from './exchange.js';
import { takeFrame } from './take-frame.js';

/** Probes a picture that is fetched one at a time; conditionally where one is had already, so that an unchanged one is not sent again. */
export async function probeSnapshot(attempt: Attempt): Promise<ProbeResult> {
  const pictures = await askForPictures(attempt, conditionsOf(attempt.target));
  if (pictures === 'unchanged') return attempt.finish({ outcome: 'ok', reason: 'the picture has not changed' }, null);
  return takeFrame(attempt, pictures, 1);
}

function conditionsOf({ cached = {} }: ServiceTarget): Header[] {
  const { etag, lastModified } = cached;
  return [
    ...(etag === undefined ? [] : [['If-None-Match', etag] as const]),
    ...(lastModified === undefined ? [] : [['If-Modified-Since', lastModified] as const]),
  ];
}
