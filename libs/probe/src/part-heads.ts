import type { Delimiter } from './delimiter.js';

const PICTURE_START = Buffer.from([0xff, 0xd8, 0xff]);
const LF = 0x0a;

/** Caps on what may stand before a picture (probing.md 2). */
const MAX_HEAD_BYTES = 8 * 1024;
const MAX_HEAD_LINES = 32;
const MAX_DELIMITERS = 1_000;
const MAX_TEXT_BYTES = 64 * 1024;
const MAX_OTHER_BYTES = 1024 * 1024;

/** By which ustreamer says, before each picture, whether it has a camera or draws a card. */
export const ONLINE_HEADER = 'x-ustreamer-online';

/** Longer lines are no part head; they are counted, not read. */
const MAX_LINE_BYTES = MAX_HEAD_BYTES;

/**
 * Reads what stands between pictures, line by line: delimiters, part heads, text parts, anything else; and counts it, so that a stream
 * without pictures ends. `loose` is everything that no delimiter introduced: a first part without one (Tasmota#12376), the rest of a
 * picture in whose middle we joined, a maker's own header (webcamXP).
 */
export class PartHeads {
  #section: 'loose' | 'head' | 'body' = 'loose';
  #isText = false;
  #isFirstLine = true;
  #headBytes = 0;
  #headLines = 0;
  #delimiters = 0;
  #textBytes = 0;
  #otherBytes = 0;
  #partBytes = 0;
  /** Bytes of a picture that was given up: they are read again, but count for nothing. */
  #forgivenBytes = 0;
  #foreignParts = 0;
  #declaredBytes: number | null;
  #isSourceGone = false;
  /** Bytes at the front that hold neither a picture's start nor a line's end. */
  #searchedBytes = 0;
  #isLongLine = false;

  /** @param declaredBytes length of the whole answer where it is one picture; holds until a delimiter comes */
  constructor(
    private readonly delimiter: Delimiter,
    declaredBytes: number | null,
  ) {
    this.#declaredBytes = declaredBytes;
  }

  /** The last Content-Length before the picture that begins now; null without one. */
  get declaredBytes(): number | null {
    return this.#declaredBytes;
  }

  /** The last part that said whether its camera is there said that it is not (ustreamer's `X-UStreamer-Online`). */
  get isSourceGone(): boolean {
    return this.#isSourceGone;
  }

  /** Whole parts with a content that is neither text nor a JPEG, since the last frame. */
  get foreignParts(): number {
    return this.#foreignParts;
  }

  /** The cap that is passed, as words; null within all of them. */
  get excess(): string | null {
    if (this.#headBytes > MAX_HEAD_BYTES || this.#headLines > MAX_HEAD_LINES) return 'a part head without end';
    if (this.#delimiters > MAX_DELIMITERS) return 'delimiters without pictures';
    if (this.#textBytes > MAX_TEXT_BYTES) return 'text without pictures';
    return this.#otherBytes > MAX_OTHER_BYTES ? 'a megabyte without a picture' : null;
  }

  /**
   * Reads up to the start of a picture, or as far as whole lines go.
   * @param bytes what is left of the last call, and more
   * @returns how many bytes are done with, and whether a picture begins behind them; stops early where a cap is passed
   */
  readTo(bytes: Buffer): { readonly doneBytes: number; readonly isPicture: boolean } {
    const start = bytes.indexOf(PICTURE_START, Math.max(0, this.#searchedBytes - 2));
    const text = start < 0 ? bytes : bytes.subarray(0, start);
    let at = 0;
    for (let lf = text.indexOf(LF, this.#searchedBytes); lf >= 0; lf = text.indexOf(LF, at)) {
      this.#readLine(text.subarray(at, lf + 1));
      at = lf + 1;
      if (this.excess !== null) return { doneBytes: at, isPicture: false };
    }
    this.#searchedBytes = 0;
    if (start >= 0) {
      if (start > at) this.#readLine(text.subarray(at));
      this.#isLongLine = false;
      return { doneBytes: start, isPicture: this.excess === null };
    }
    if (text.length - at > MAX_LINE_BYTES) {
      // The start of a picture may have come in part.
      const end = text.length - 2;
      this.#skip(end - at);
      this.#isLongLine = true;
      at = end;
    }
    this.#searchedBytes = text.length - at;
    return { doneBytes: at, isPicture: false };
  }

  #readLine(line: Buffer): void {
    if (this.#isLongLine || line.length > MAX_LINE_BYTES) this.#skip(line.length);
    else this.#read(line);
    this.#isLongLine = false;
  }

  /** @param line a whole line with its end, or what stands before a picture without one */
  #read(line: Buffer): void {
    const countedBytes = this.#count(line.length);
    const text = line.toString('latin1').replace(/\r?\n$/, '');
    const isBlank = text.trim() === '';
    if (!isBlank && this.delimiter.matches(text, this.#isFirstLine)) return this.#beginPart();
    if (!isBlank) this.#isFirstLine = false;
    if (this.#section !== 'head') {
      if (this.#section === 'loose') this.#readHeader(text);
      this.#addContent(countedBytes);
    } else if (text === '') {
      this.#section = 'body';
    } else {
      this.#headBytes += line.length;
      this.#headLines += 1;
      this.#readHeader(text);
    }
  }

  /** Bytes of a line that is too long to be read. */
  #skip(bytes: number): void {
    const countedBytes = this.#count(bytes);
    this.#isFirstLine = false;
    if (this.#section === 'head') this.#headBytes += bytes;
    else this.#addContent(countedBytes);
  }

  /** A picture begins: what follows it is loose until the next delimiter. */
  beginPicture(): void {
    this.#section = 'loose';
    this.#isFirstLine = false;
    this.#declaredBytes = null;
    this.#partBytes = 0;
  }

  /** The picture that began was none: its bytes come again, and count for nothing. */
  forgive(bytes: number): void {
    this.#forgivenBytes = Math.max(this.#forgivenBytes, bytes);
  }

  /** A frame came: everything counts from zero again. */
  restart(): void {
    this.#delimiters = this.#textBytes = this.#otherBytes = this.#forgivenBytes = this.#foreignParts = 0;
  }

  #beginPart(): void {
    if (this.#section === 'body' && !this.#isText && this.#partBytes > 4) this.#foreignParts += 1;
    this.#section = 'head';
    this.#isText = false;
    this.#isFirstLine = false;
    this.#headBytes = this.#headLines = this.#partBytes = 0;
    this.#delimiters += 1;
    this.#declaredBytes = null;
  }

  #readHeader(line: string): void {
    const colon = line.indexOf(':');
    if (colon <= 0) return;
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === 'content-length') this.#declaredBytes = wholeNumber(value);
    else if (name === 'content-type') this.#isText = value.toLowerCase().startsWith('text/');
    else if (name === ONLINE_HEADER) this.#isSourceGone = value.toLowerCase() === 'false';
  }

  #addContent(bytes: number): void {
    this.#partBytes += bytes;
    if (this.#isText && this.#section === 'body') this.#textBytes += bytes;
    else this.#otherBytes += bytes;
  }

  #count(bytes: number): number {
    const forgiven = Math.min(bytes, this.#forgivenBytes);
    this.#forgivenBytes -= forgiven;
    return bytes - forgiven;
  }
}

/** Digits at the front of a value; null where there are none, or too many to be a length. */
export function wholeNumber(value: string): number | null {
  const digits = /^\d{1,15}(?!\d)/.exec(value)?.[0];
  return digits === undefined ? null : Number(digits);
}
