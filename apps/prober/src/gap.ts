import type { KnownService } from '#catalog';

/** Longest wait for the second picture of a stream, milliseconds: a viewer's place in the device is taken meanwhile. */
const LONGEST_GAP_MS = 4_000;
/** How often the gap between two pictures is measured: in one probe of so many, and in each while it looks too long. */
const GAP_EVERY = 10;
/** A stream is too slow from three times the declared gap on; a little more is waited, so that it shows. */
const DECLARED_GAPS = 3.5;

/** Seconds between two pictures of a stream, as declared; undefined where nothing is, or it is no stream. */
export const declaredGapS = ({ kind, vapix, refreshS }: KnownService): number | undefined =>
  kind !== 'mjpeg' ? undefined : vapix?.fps !== undefined && vapix.fps > 0 ? 1 / vapix.fps : refreshS;

/** How long the second picture is waited for under this lease, milliseconds; undefined: not at all. */
export function gapWithinMs(service: KnownService, epoch: number, isSuspected: boolean): number | undefined {
  const gapS = declaredGapS(service);
  const withinMs = gapS === undefined ? Infinity : gapS * DECLARED_GAPS * 1000;
  return withinMs <= LONGEST_GAP_MS && (isSuspected || epoch % GAP_EVERY === 0) ? withinMs : undefined;
}
