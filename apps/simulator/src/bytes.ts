/** Texts byte for byte, joined. */
export const bytes = (...parts: readonly (string | Buffer)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));

/** Half of a frame: scan data has begun, and much of it is missing. */
export const firstPart = (jpeg: Buffer): Buffer => jpeg.subarray(0, Math.floor(jpeg.length * 0.55));

/** Head of a stream's answer as an Axis device sends it. */
export const STREAM_HEAD =
  'HTTP/1.1 200 OK\r\nCache-Control: no-cache\r\nConnection: close\r\nContent-Type: multipart/x-mixed-replace; boundary=myboundary\r\n\r\n';
