import type { Outcome } from '#catalog';
import { bytes, STREAM_HEAD } from './bytes.js';
import type { Exchange } from './exchange.js';

/** How an answer with pictures comes over the wire. */
export interface Shape {
  readonly does: string;
  /** What a probe makes of it; absent: `ok`, the picture as it left the device. */
  readonly outcome?: Outcome;
  /** Head of the answer with its blank line; absent: an Axis device's. */
  readonly head?: string;
  /** Between the head and the first part. */
  readonly begin?: string;
  /** One part, with what stands before and behind its picture; absent: an Axis device's. @param nth from 0 */
  readonly part?: (jpeg: Buffer, nth: number) => Buffer;
  /** The answer ends after so many parts; absent: never. */
  readonly parts?: number;
  /** Behind the last part. */
  readonly finish?: (jpeg: Buffer) => Buffer;
  /** Puts a piece of the body into chunks. */
  readonly chunk?: (piece: Buffer) => Buffer;
}

/** A part as Axis devices send it; `lines` stand before the picture, LENGTH for its length. */
export const partOf =
  (lines: readonly string[], { eol = '\r\n', behind = eol }: { eol?: string; behind?: string } = {}) =>
  (jpeg: Buffer): Buffer =>
    bytes(...lines.map((line) => `${line.replaceAll('LENGTH', String(jpeg.length))}${eol}`), jpeg, behind);

export const standardPart = partOf(['--myboundary', 'Content-Type: image/jpeg', 'Content-Length: LENGTH', '']);

/** Sends an answer of this shape until it is over or the other side goes. @param next takes the picture of the moment */
export async function sendShape(
  shape: Shape,
  { socket, later }: Exchange,
  next: () => Promise<Buffer>,
  periodMs: number,
): Promise<void> {
  const {
    head = STREAM_HEAD,
    begin = '',
    part = standardPart,
    parts = Infinity,
    chunk = (piece): Buffer => piece,
  } = shape;
  socket.write(bytes(head));
  if (begin !== '') socket.write(chunk(bytes(begin)));
  for (let nth = 0; nth < parts && !socket.destroyed; nth += 1) {
    if (nth > 0 && !(await later(periodMs))) return;
    while (socket.writableNeedDrain) if (!(await later(20))) return;
    socket.write(chunk(part(await next(), nth)));
  }
  if (shape.finish !== undefined) socket.write(chunk(shape.finish(await next())));
  socket.end();
}
