import type { Frame } from '#catalog';
import { declaredBoundary } from '../src/delimiter.js';
import { Splitter, type SplitterOptions } from '../src/multipart.js';

export const MAX_FRAME_BYTES = 16 * 1024 * 1024;

/** Places at which bytes are cut into chunks: one size, or single places. */
export type Cut = { readonly size: number } | { readonly at: readonly number[] };

export function chunksOf(bytes: Buffer, cut: Cut): Buffer[] {
  const places =
    'at' in cut
      ? [0, ...cut.at]
      : Array.from({ length: Math.ceil(bytes.length / cut.size) }, (_, index) => index * cut.size);
  return places.map((place, index) => bytes.subarray(place, places[index + 1] ?? bytes.length));
}

export const splitterFor = (contentType: string, options: Partial<SplitterOptions> = {}): Splitter =>
  new Splitter({
    boundary: declaredBoundary(contentType),
    declaredBytes: null,
    maxFrameBytes: MAX_FRAME_BYTES,
    maxFramePixels: 50e6,
    ...options,
  });

/** Every frame of a body; without an end where it is held open. */
export function framesOf(
  splitter: Splitter,
  chunks: readonly Buffer[],
  end: 'closed' | 'held' | 'open' = 'closed',
): Frame[] {
  const frames = chunks.flatMap((chunk) => splitter.push(chunk));
  if (end === 'open') return frames;
  return [...frames, ...(end === 'closed' ? splitter.end() : splitter.idle())];
}

/** Head and body of a raw answer, divided at the first empty line. */
export function bodyOf(raw: Buffer): {
  readonly contentType: string;
  readonly body: Buffer;
  readonly length: number | null;
} {
  const at = raw.indexOf('\r\n\r\n');
  const head = raw.toString('latin1', 0, at);
  const value = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'im').exec(head)?.[1]?.trim() ?? '';
  const length = value('content-length');
  return {
    contentType: value('content-type'),
    body: raw.subarray(at + 4),
    length: length === '' ? null : Number(length),
  };
}
