import type { KnownService } from '#catalog';
import { sourceTimeOf } from '#frames';
import type { Told } from '#health';
import type { Answer } from './ask-service.js';
import { declaredGapS } from './gap.js';
import type { Seen } from './keep-picture.js';

/**
 * What the device and its answer tell of the picture besides what it shows.
 * @param now milliseconds since 1970, by the database's clock
 * @param services at how many the very same picture was held; null where nobody looked
 */
export function toldOf(
  { result, memory }: Answer,
  service: KnownService | undefined,
  seen: Seen | null,
  { now, services }: { readonly now: number; readonly services: number | null },
): Told {
  const { evidence } = result;
  const deviceAt = momentOf(evidence.serverDate);
  const receivedAt = seen?.receivedAt ?? now;
  const unchanged = seen === null ? memory.validators?.lastModified : undefined;
  const takenAt = (seen === null ? null : sourceTimeOf(seen.frame)) ?? momentOf(evidence.lastModified ?? unchanged);
  const gapS = service === undefined ? undefined : declaredGapS(service);
  return {
    // Both times by the same clock, where the device tells its own: then it may be wrong.
    ...(takenAt === null ? {} : { source: { at: takenAt, ageS: ((deviceAt ?? receivedAt) - takenAt) / 1000 } }),
    ...(deviceAt === null ? {} : { clockOffS: (deviceAt - receivedAt) / 1000 }),
    ...(evidence.isSourceGone === true ? { isSourceGone: true } : {}),
    ...(services === null ? {} : { cameras: services }),
    ...(gapS === undefined ? {} : { declaredGapS: gapS }),
    ...(evidence.gapMs === undefined ? {} : { gapS: evidence.gapMs / 1000 }),
  };
}

/** A date with its zone, as HTTP has it; null for anything else. */
function momentOf(text: string | undefined): number | null {
  const time = text !== undefined && /(?:GMT|UTC|Z|[+-]\d\d:?\d\d)$/.test(text.trim()) ? Date.parse(text) : NaN;
  return Number.isNaN(time) ? null : time;
}
