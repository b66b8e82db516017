// One frame analysed: walked hash, decode in a worker, damage, signals, sums of cells, likeness to a reference; against the bare decode to
// 160 x 90 grey pixels by sharp, in this process and in the same run.
//   node bench/frames.mjs [--frames 60]
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import sharp from 'sharp';

const { values } = parseArgs({ options: { frames: { type: 'string', default: '60' } } });
const frames = Number(values.frames);
const { cellSumsOf, likeness, outlinesOf, Pictures, scanHash } = await import('#frames');

const SIZES = [
  [320, 180],
  [352, 288],
  [1280, 720],
  [1920, 1080],
  [3840, 2160],
];

sharp.cache(false);
sharp.concurrency(1);
const pictures = await Pictures.start({ workers: 1 });
const rows = [];
for (const [widthPx, heightPx] of SIZES) {
  const frame = walked(await drawn(widthPx, heightPx), widthPx, heightPx);
  const { signals } = await pictures.inspect(frame);
  const reference = outlinesOf(signals);
  const bare = () =>
    sharp(frame.bytes, { failOn: 'warning' }).greyscale().resize(160, 90, { fit: 'fill' }).raw().toBuffer();
  const analysed = async () => {
    scanHash(frame);
    const seen = await pictures.inspect(frame);
    cellSumsOf(seen.signals);
    likeness(reference, seen.signals);
  };
  // In turns, so that a busy machine is as unfair to one as to the other.
  const ms = { bare: [], analysed: [] };
  for (let i = 0; i < frames; i += 1) {
    ms.bare.push(await timed(bare));
    ms.analysed.push(await timed(analysed));
  }
  const [bareMs, analysedMs] = [median(ms.bare), median(ms.analysed)];
  rows.push({
    frame: `${widthPx} x ${heightPx}, ${Math.round(frame.bytes.length / 1024)} KiB`,
    bareMs: rounded(bareMs),
    analysedMs: rounded(analysedMs),
    ratio: rounded(analysedMs / bareMs),
  });
}
await pictures.close();
const machine = `${cpus().length} × ${cpus()[0]?.model}, Node ${process.versions.node}`;
console.log(JSON.stringify({ machine, frames, rows }, null, 2));

/** A road with houses and the noise of a sensor, about as many bytes as a camera makes of one. */
async function drawn(widthPx, heightPx) {
  const pixels = Buffer.alloc(widthPx * heightPx * 3);
  let chance = 1;
  for (let y = 0, at = 0; y < heightPx; y += 1) {
    for (let x = 0; x < widthPx; x += 1, at += 3) {
      chance = (Math.imul(chance, 1_664_525) + 1_013_904_223) >>> 0;
      const house = Math.imul(Math.floor((x * 40) / widthPx) + 41 * Math.floor((y * 24) / heightPx), 0x9e3779b1) >>> 24;
      const value = 40 + house * 0.6 + 20 * Math.sin(x / 9) + (chance >>> 27);
      pixels[at] = value;
      pixels[at + 1] = value * 0.95;
      pixels[at + 2] = value * 0.85;
    }
  }
  return sharp(pixels, { raw: { width: widthPx, height: heightPx, channels: 3 } })
    .jpeg({ quality: 75, optimiseCoding: false })
    .toBuffer();
}

/** The segments of a baseline JPEG that sharp wrote: one scan, to the end. */
function walked(bytes, widthPx, heightPx) {
  const segments = [];
  for (let at = 2; ;) {
    const marker = bytes[at + 1];
    const end = marker === 0xda ? bytes.length - 2 : at + 2 + bytes.readUInt16BE(at + 2);
    segments.push({ marker, start: at, end });
    if (marker === 0xda) return { bytes, widthPx, heightPx, noEoi: false, segments };
    at = end;
  }
}

async function timed(work) {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

function median(list) {
  return [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
}

function rounded(value) {
  return Number(value.toFixed(2));
}
