// The process that alone decodes what cameras send (security.md IMG-1). Plain JavaScript, since Node 20 forks nothing
// else: it knows how to drive sharp and nothing more. What to make of a picture is decided in pictures.ts.
// @ts-check
import sharp from 'sharp';
import { greyOf } from './grey-of.mjs';

/** @typedef {import('./picture-decoder.js').Job} Job */
/** @typedef {import('./picture-decoder.js').Made} Made */

sharp.cache(false);
sharp.concurrency(1);
// By default libvips opens whatever it knows by its first bytes: SVG, PDF, TIFF and a dozen more.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: ['VipsForeignLoadJpeg'] });

const MAX_PIXELS = 50e6;
const TIMEOUT_S = 5;
/**
 * Up to here (a CIF of 352 × 288) a picture is decoded whole and brought down to grey here: what libvips does before it resizes its
 * first pixel takes longer (bench/frames.mjs). Larger ones are brought down while they are decoded.
 */
const SMALL_PIXELS = 352 * 288;

/**
 * Colour profiles are not applied: cameras deliver sRGB, a stored frame has none, and one parser less meets foreign bytes.
 * Exif orientation is not applied either: masks, footprint and view are stated of the pixels as pulled.
 * @param {Uint8Array} bytes
 * @param {import('sharp').SharpOptions} options
 */
const open = (bytes, options) =>
  sharp(bytes, {
    limitInputPixels: MAX_PIXELS,
    sequentialRead: true,
    ignoreIcc: true,
    autoOrient: false,
    ...options,
  }).timeout({ seconds: TIMEOUT_S });

/** @param {sharp.Sharp} picture */
const pixelsOf = (picture) => picture.toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });

/** @param {string} error */
const isTooSlow = (error) => error.includes('timeout');

/** @param {Extract<Job, { task: 'grey' }>} job @returns {Promise<Made>} */
async function grey({ jpeg, source, size }) {
  const isSmall =
    source.widthPx >= size.widthPx &&
    source.heightPx >= size.heightPx &&
    source.widthPx * source.heightPx <= SMALL_PIXELS;
  /** @param {'warning' | 'none'} failOn */
  const decode = async (failOn) => {
    const picture = open(jpeg, { failOn });
    if (!isSmall) {
      return picture.resize(size.widthPx, size.heightPx, { fit: 'fill' }).toColourspace('b-w').raw().toBuffer();
    }
    const { data, info } = await pixelsOf(picture);
    return greyOf(data, info, size);
  };
  try {
    return { pixels: await decode('warning') };
  } catch (error) {
    const warning = String(/** @type {Error} */ (error).message);
    if (isTooSlow(warning)) throw error;
    return { pixels: await decode('none'), warning };
  }
}

/** @param {Extract<Job, { task: 'render' }>} job @returns {Promise<Made>} */
async function render({ jpeg, source, covered, reduced, size, quality }) {
  let picture = open(jpeg, { failOn: 'none' });
  if (covered !== null) {
    const { data, info } = await pixelsOf(picture);
    if (info.width !== source.widthPx || info.height !== source.heightPx) {
      throw new Error('the decoded picture has another size than its header states: masks would lie beside');
    }
    for (let at = 0; at < covered.length; at += 2) {
      data.fill(0, Number(covered[at]) * info.channels, Number(covered[at + 1]) * info.channels);
    }
    picture = open(data, { raw: info });
  }
  if (reduced !== null) {
    const { data, info } = await pixelsOf(picture.resize(reduced.widthPx, reduced.heightPx, { fit: 'fill' }));
    picture = open(data, { raw: info });
  }
  const pixels = await picture
    .resize(size.widthPx, size.heightPx, { fit: 'fill', kernel: reduced === null ? 'lanczos3' : 'cubic' })
    .toColourspace('srgb')
    .jpeg({ quality, chromaSubsampling: '4:2:0', mozjpeg: false })
    .toBuffer();
  return { pixels };
}

/** @param {Job} job */
const make = (job) => (job.task === 'grey' ? grey(job) : render(job));

/** @param {Error} error */
function faultOf(error) {
  const message = String(error.message);
  const fault = isTooSlow(message) ? 'too_slow' : message.includes('pixel limit') ? 'too_large' : 'undecodable';
  return { fault, message };
}

/** Resolves when the answer is out: a job at which this process dies must not take the answer before it along. @param {Job} job */
async function answer(job) {
  const said = await make(job).then((made) => ({ made }), faultOf);
  await new Promise((out) => process.send?.(said, undefined, undefined, () => out(undefined)));
}

/** Jobs are done in the order in which they came. */
let turn = Promise.resolve();
process.on('message', (/** @type {Job} */ job) => {
  turn = turn.then(() => answer(job));
});

// A signal to the whole group is the parent's to obey: it still wants the pictures of its last probes.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
// The parent closed the channel, or is dead. A decoder that is at work must not hold the process.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

process.send?.({ ready: true });
