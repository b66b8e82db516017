// The splitter's own speed, without sockets: MB a second of a multipart stream, against a bare copy of the same bytes.
//   node bench/splitter.mjs [--seconds 3] [--frame 53000]
import { parseArgs } from 'node:util';
import { MACHINE, seeded } from './server.mjs';
import { Splitter } from '../dist/libs/probe/src/multipart.js';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '3' }, frame: { type: 'string', default: '53000' } },
});
const [seconds, frameBytes] = [values.seconds, values.frame].map(Number);
const CHUNKS = [65_536, 1_400];

const random = seeded();
const stream = Buffer.concat(Array.from({ length: 160 }, () => part(jpegOf(frameBytes), true)));
const undeclared = Buffer.concat(Array.from({ length: 160 }, () => part(jpegOf(frameBytes), false)));

/** A JPEG in form: one component, and scan data with as many stuffed zeros as encoders leave in them. */
function jpegOf(bytes) {
  const segment = (marker, content) => Buffer.from([0xff, marker, 0, content.length + 2, ...content]);
  const scan = Buffer.alloc(bytes - 120);
  for (let at = 0; at < scan.length; at += 1) {
    scan[at] = Math.floor(random() * 256);
    if (at > 0 && scan[at - 1] === 0xff) scan[at] = 0;
  }
  scan[scan.length - 1] = 0;
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xdb, Array(65).fill(1)),
    segment(0xc0, [8, 2, 208, 5, 0, 1, 1, 0x11, 0]),
    segment(0xda, [1, 1, 0, 0, 63, 0]),
    scan,
    Buffer.from([0xff, 0xd9]),
  ]);
}

function part(jpeg, isDeclared) {
  const length = isDeclared ? `Content-Length: ${jpeg.length}\r\n` : '';
  const head = `--myboundary\r\nContent-Type: image/jpeg\r\n${length}\r\n`;
  return Buffer.concat([Buffer.from(head), jpeg, Buffer.from('\r\n')]);
}

const chunksOf = (bytes, size) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size));

/** The least that hands out frames: each byte is copied once, into a buffer of the frame's size. */
function copy(chunks) {
  const frame = Buffer.allocUnsafe(frameBytes);
  let at = 0;
  for (const chunk of chunks) {
    let from = 0;
    while (from < chunk.length) {
      const taken = chunk.copy(frame, at, from, from + frameBytes - at);
      from += taken;
      at = (at + taken) % frameBytes;
    }
  }
}

function split(chunks) {
  const splitter = new Splitter({
    boundary: 'myboundary',
    declaredBytes: null,
    maxFrameBytes: 16 * 1_048_576,
    maxFramePixels: 50e6,
  });
  let frames = 0;
  for (const chunk of chunks) frames += splitter.push(chunk).length;
  if (frames < 159 || splitter.fault !== null) throw new Error(`${frames} frames`);
}

/** MB a second of one core. */
function speedOf(work, chunks) {
  const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
  const until = performance.now() + seconds * 1_000;
  const cpu = process.cpuUsage();
  let done = 0;
  for (; performance.now() < until; done += bytes) work(chunks);
  const { user, system } = process.cpuUsage(cpu);
  return Math.round(done / (user + system));
}

const rows = CHUNKS.flatMap((size) =>
  [
    ['lengths declared', stream],
    ['no lengths', undeclared],
  ].map(([what, bytes]) => {
    const chunks = chunksOf(bytes, size);
    split(chunks);
    const [mbPerS, copyMbPerS] = [speedOf(split, chunks), speedOf(copy, chunks)];
    return { chunkBytes: size, what, mbPerS, copyMbPerS, ratio: Number((mbPerS / copyMbPerS).toFixed(2)) };
  }),
);
console.log(JSON.stringify({ machine: MACHINE, frameBytes, rows }, null, 2));
