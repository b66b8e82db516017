import { availableParallelism } from 'node:os';
import type { Frame, PrivacyMaskDocument } from '#catalog';
import { damageIn } from './damage.js';
import { scanBytes, statedSize, withoutMetadata } from './jpeg-bytes.js';
import { maskSpans } from './mask-spans.js';
import { type Made, PictureDecoder, PictureError, type Size } from './picture-decoder.js';
import { GREY_HEIGHT_PX, GREY_WIDTH_PX, hiddenPixels, type Signals, signalsOf } from './signals.js';

/** What one look at a frame established. */
export type Inspection =
  | {
      readonly damage: null;
      /** The decoder's complaint about a picture that is whole all the same. */
      readonly warning?: string;
      /** Null where masks cover all of the picture. */
      readonly signals: Signals | null;
    }
  | {
      /** What is broken, in words: the outcome is `bad_picture`. */
      readonly damage: string;
      readonly warning?: string;
      /** Of what could be decoded; null where nothing could. */
      readonly signals: Signals | null;
    };

const GREY_SIZE: Size = { widthPx: GREY_WIDTH_PX, heightPx: GREY_HEIGHT_PX };
/** More is not decoded (security.md IMG-1). */
const MAX_PIXELS = 50e6;
const THUMBNAIL_QUALITY = 75;
/** Of the only copy that is kept of a masked camera. */
const MASKED_QUALITY = 85;
/** A number plate that fills a twentieth of the picture's width has three pixels left, which no sharpening brings back. */
const BLURRED_WIDTH_PX = 64;
/** Tallest thumbnail, in widths: a picture of 1 × 60,000 pixels is no thumbnail of any width. */
const MAX_TALLNESS = 4;
/** sharp gives up after 5 s. */
const JOB_LIMIT_MS = 6_000;
const MAX_WORKERS = 4;
const MESSAGE_LENGTH = 200;

/** Looks at JPEGs and makes others of them, in worker processes: bytes from cameras meet no decoder in this one. */
export class Pictures {
  readonly #decoder: PictureDecoder;

  private constructor(decoder: PictureDecoder) {
    this.#decoder = decoder;
  }

  /**
   * @param options.workers processes, about 60 MB each; default one less than there are processors, at least 1, at most 4
   * @param options.jobLimitMs after which a process that does not answer is killed; default 6 s
   * @param options.log told of processes that die
   */
  static async start(
    options: { workers?: number; jobLimitMs?: number; log?: (message: string) => void } = {},
  ): Promise<Pictures> {
    const decoder = await PictureDecoder.start({
      workers: options.workers ?? Math.max(1, Math.min(MAX_WORKERS, availableParallelism() - 1)),
      jobLimitMs: options.jobLimitMs ?? JOB_LIMIT_MS,
      log: options.log ?? (() => undefined),
    });
    return new Pictures(decoder);
  }

  /**
   * Decodes a frame once (twice where the decoder complains) and measures it. A picture that cannot be decoded, is too
   * large or takes too long is damaged; that is an answer, no error.
   * @param masks what they cover is not measured
   * @throws PictureError `decoder_died` or `closed`: nothing was established about the frame; `bad_mask`
   * @throws Overloaded
   */
  async inspect(frame: Frame, masks: readonly PrivacyMaskDocument[] = []): Promise<Inspection> {
    const { widthPx, heightPx } = frame;
    const hidden = hiddenBy(masks);
    if (widthPx * heightPx > MAX_PIXELS) {
      return { damage: `${widthPx} x ${heightPx} pixels are too many to decode`, signals: null };
    }
    const jpeg = withoutMetadata(frame);
    let made: Made;
    try {
      made = await this.#decoder.run({ task: 'grey', jpeg, source: { widthPx, heightPx }, size: GREY_SIZE });
    } catch (error) {
      return { damage: damageOf(error), signals: null };
    }
    const damage = damageIn(made.pixels, { warned: made.warning !== undefined, heightPx });
    const signals = signalsOf(made.pixels, (scanBytes(frame) * 8) / (widthPx * heightPx), hidden);
    return { damage, signals, ...(made.warning !== undefined && { warning: inOneLine(made.warning) }) };
  }

  /**
   * Measures a picture of the store, for which its bits a pixel say nothing and are 0; null where masks cover all of it.
   * @throws PictureError; Overloaded
   */
  async measure(jpeg: Buffer, masks: readonly PrivacyMaskDocument[]): Promise<Signals | null> {
    const source = sizeOf(jpeg);
    const hidden = hiddenBy(masks);
    const { pixels } = await this.#decoder.run({ task: 'grey', jpeg, source, size: GREY_SIZE });
    return signalsOf(pixels, 0, hidden);
  }

  /**
   * An sRGB JPEG of at most this width, 4:2:0, without any metadata; never larger than the picture itself.
   * @param options.masks painted over first, in full size
   * @param options.blurred coarse beyond recognising people and number plates
   * @throws PictureError, also where a mask cannot be painted; Overloaded
   */
  async thumbnail(
    jpeg: Buffer,
    options: { widthPx: number; blurred?: boolean; masks?: readonly PrivacyMaskDocument[] },
  ): Promise<Buffer> {
    if (!Number.isInteger(options.widthPx) || options.widthPx < 1) throw new Error('bug: a width is a whole number');
    const source = sizeOf(jpeg);
    const masks = options.masks ?? [];
    const made = await this.#decoder.run({
      task: 'render',
      jpeg,
      source,
      covered: masks.length === 0 ? null : covered(masks, source),
      reduced: options.blurred ? within(source, Math.min(BLURRED_WIDTH_PX, Math.ceil(source.widthPx / 4))) : null,
      size: within(source, options.widthPx),
      quality: THUMBNAIL_QUALITY,
    });
    return made.pixels;
  }

  /**
   * The picture in its full size with its masks painted over: all that is ever kept of a masked camera (security.md
   * PRIV-2). Whatever goes wrong rejects, and then there is nothing to keep.
   * @throws PictureError; Overloaded
   */
  async masked(jpeg: Buffer, masks: readonly PrivacyMaskDocument[]): Promise<Buffer> {
    if (masks.length === 0) throw new PictureError('bad_mask', 'there is no mask to paint');
    const size = sizeOf(jpeg);
    const made = await this.#decoder.run({
      task: 'render',
      jpeg,
      source: size,
      covered: covered(masks, size),
      reduced: null,
      size,
      quality: MASKED_QUALITY,
    });
    return made.pixels;
  }

  /** Worker processes that had to be replaced since the start. */
  get restarts(): number {
    return this.#decoder.restarts;
  }

  /** Process ids of the workers. */
  get pids(): readonly number[] {
    return this.#decoder.pids;
  }

  /** Refuses what waits, lets running pictures end and ends the processes. */
  close(): Promise<void> {
    return this.#decoder.close();
  }
}

/** Faults that say something about the picture, in words; others are rethrown. */
function damageOf(error: unknown): string {
  if (!(error instanceof PictureError)) throw error;
  switch (error.fault) {
    case 'undecodable':
    case 'too_large':
    case 'too_slow':
      return inOneLine(error.message);
    case 'bad_mask':
    case 'decoder_died':
    case 'closed':
      throw error;
    default:
      throw new Error(`bug: unknown fault ${String(error.fault satisfies never)}`);
  }
}

/** Magic bytes and stated size, before any decoder is asked. */
function sizeOf(jpeg: Buffer): Size {
  const size = statedSize(jpeg);
  if (size === null) throw new PictureError('undecodable', 'the bytes do not begin as a JPEG with a size');
  if (size.widthPx * size.heightPx > MAX_PIXELS) {
    throw new PictureError('too_large', `${size.widthPx} x ${size.heightPx} pixels are too many to decode`);
  }
  return size;
}

const covered = (masks: readonly PrivacyMaskDocument[], size: Size): Uint32Array =>
  painted(() => maskSpans(masks, size));

const hiddenBy = (masks: readonly PrivacyMaskDocument[]): Uint8Array | null => painted(() => hiddenPixels(masks));

function painted<Mask>(paint: () => Mask): Mask {
  try {
    return paint();
  } catch (cause) {
    throw new PictureError('bad_mask', cause instanceof Error ? cause.message : 'the masks cannot be painted', {
      cause,
    });
  }
}

/** The size of a picture brought down to a width, in its own shape; never up. */
function within({ widthPx, heightPx }: Size, maxWidthPx: number): Size {
  const scale = Math.min(1, maxWidthPx / widthPx, (maxWidthPx * MAX_TALLNESS) / heightPx);
  const scaled = (lengthPx: number) => Math.max(1, Math.round(lengthPx * scale));
  return { widthPx: scaled(widthPx), heightPx: scaled(heightPx) };
}

/** Decoders speak in several lines, some with control characters. */
const inOneLine = (text: string): string =>
  text
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, MESSAGE_LENGTH);
