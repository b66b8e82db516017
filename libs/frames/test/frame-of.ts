import type { Frame, JpegSegment } from '#catalog';

/** Walks a JPEG file as the prober's splitter does, for tests that begin with a file. */
export function frameOf(bytes: Buffer): Frame {
  const segments: JpegSegment[] = [];
  let size = { widthPx: 0, heightPx: 0 };
  let at = 2;
  let isEnded = false;
  while (at + 1 < bytes.length && !isEnded) {
    const start = at;
    while (bytes[at + 1] === 0xff) at += 1;
    const marker = bytes.readUInt8(at + 1);
    if (marker === 0xd9) {
      at += 2;
      isEnded = true;
    } else {
      const head = at + 2 + bytes.readUInt16BE(at + 2);
      if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
        size = { heightPx: bytes.readUInt16BE(at + 5), widthPx: bytes.readUInt16BE(at + 7) };
      }
      at = marker === 0xda ? endOfScan(bytes, head) : head;
    }
    segments.push({ marker, start, end: at });
  }
  return { bytes, ...size, segments, noEoi: !isEnded };
}

/** The next marker that is neither a stuffed byte nor a restart. */
function endOfScan(bytes: Buffer, from: number): number {
  for (let at = from; at + 1 < bytes.length; at += 1) {
    const next = bytes[at + 1]!;
    if (bytes[at] === 0xff && next !== 0 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return at;
  }
  return bytes.length;
}
