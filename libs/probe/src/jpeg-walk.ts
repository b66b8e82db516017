import type { JpegSegment } from '#catalog';

/** Marker bytes after FF (ITU-T T.81 table B.1). */
const RST0 = 0xd0;
const RST7 = 0xd7;
const SOI = 0xd8;
const EOI = 0xd9;
/** Start of scan: picture data follow its segment. */
export const SOS = 0xda;

/** No camera's picture has so many; each costs memory, and a hostile one has a million of four bytes. */
const MAX_SEGMENTS = 4_096;

/** SOF0 to SOF15; three codes of that range mean other things (DHT, JPG, DAC). */
const isFrameHeader = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

/** Markers that have a length behind them. */
const hasLength = (marker: number): boolean => marker >= 0xc0 && !(marker >= RST0 && marker <= EOI) && marker !== 0xff;

/**
 * Where a walk stopped:
 * `more` it needs further bytes · `end` behind the end marker · `interrupted` at a delimiter or the start of another picture in scan
 * data · `bad` at bytes that are no JPEG.
 */
export type WalkStep = 'more' | 'end' | 'interrupted' | 'bad';

/**
 * Walks a JPEG by the lengths of its segments, so that pictures in Exif and delimiters in comments are jumped over, and takes up where
 * it stopped when more bytes have come. Nothing is decoded and nothing is copied.
 */
export class JpegWalk {
  #widthPx = 0;
  #heightPx = 0;
  readonly #segments: JpegSegment[] = [];
  /** Where the segment began that is not yet complete; where a scan's segment began while in scan data. */
  #start = 2;
  #at = 2;
  #isInScan = false;
  #hasScan = false;
  /** How far scan data has been searched for the delimiter. */
  #searched = 0;
  /** Delimiters and starts of pictures before this offset are picture data. */
  #trustedTo = 0;

  /** @param delimiter what ends scan data, without line end; null: nothing but markers does */
  constructor(private readonly delimiter: Buffer | null) {}

  /** Offset from the picture's start; its meaning follows from the last step. Beyond the bytes given while a segment is jumped. */
  get at(): number {
    return this.#at;
  }

  /** Size by the first frame header, pixels; zeros before it. */
  get size(): { readonly widthPx: number; readonly heightPx: number } {
    return { widthPx: this.#widthPx, heightPx: this.#heightPx };
  }

  get pixels(): number {
    return this.#widthPx * this.#heightPx;
  }

  /** The walk is in picture data, which may end at any byte. */
  get isInScan(): boolean {
    return this.#isInScan;
  }

  /** @param bytes everything from the picture's start (FF D8) on; each time the same bytes and more */
  walk(bytes: Buffer): WalkStep {
    for (;;) {
      const step = this.#isInScan ? this.#walkScan(bytes) : this.#walkSegment(bytes);
      if (step !== null) return step;
    }
  }

  /** After `interrupted`: what stands there is picture data after all, as is anything like it before this offset. */
  trust(to: number): void {
    this.#trustedTo = to;
  }

  /** The segments of the picture that ends at this offset; a scan that was walked into ends there too. */
  segmentsTo(end: number): readonly JpegSegment[] {
    return this.#isInScan ? [...this.#segments, { marker: SOS, start: this.#start, end }] : this.#segments;
  }

  /** One segment; null when it is walked. */
  #walkSegment(bytes: Buffer): WalkStep | null {
    // Fill bytes: any number of FF may stand before a marker.
    let marker = bytes[this.#at];
    if (marker === undefined) return 'more';
    if (marker !== 0xff) return 'bad';
    while ((marker = bytes[this.#at + 1]) === 0xff) this.#at += 1;
    if (marker === undefined) return 'more';
    if (marker === EOI) return this.#endAt(this.#at + 2);
    if (!hasLength(marker) || this.#segments.length >= MAX_SEGMENTS) return 'bad';
    if (this.#at + 4 > bytes.length) return 'more';
    const length = bytes.readUInt16BE(this.#at + 2);
    if (length < 2) return 'bad';
    if (isFrameHeader(marker)) {
      const step = this.#readSize(bytes, length);
      if (step !== null) return step;
    }
    const end = this.#at + 2 + length;
    if (marker === SOS) {
      // One to four components: a longer header is damaged, and would lead over the scan's end.
      if (this.#widthPx === 0 || length < 8 || length > 14) return 'bad';
      this.#isInScan = this.#hasScan = true;
      this.#searched = end;
    } else {
      this.#segments.push({ marker, start: this.#start, end });
      this.#start = end;
    }
    this.#at = end;
    return null;
  }

  #readSize(bytes: Buffer, length: number): WalkStep | null {
    if (length < 8) return 'bad';
    if (this.#at + 9 > bytes.length) return 'more';
    const heightPx = bytes.readUInt16BE(this.#at + 5);
    const widthPx = bytes.readUInt16BE(this.#at + 7);
    if (widthPx === 0 || heightPx === 0) return 'bad';
    // Hierarchical files have several: the first is the picture that decoders show.
    if (this.#widthPx === 0) [this.#widthPx, this.#heightPx] = [widthPx, heightPx];
    return null;
  }

  /** Scan data to the next marker that ends it; null when a further segment begins. */
  #walkScan(bytes: Buffer): WalkStep | null {
    const marker = this.#nextMarker(bytes);
    // Whatever the marker is: a delimiter before it comes first.
    if (this.#findDelimiter(bytes, this.#at)) return 'interrupted';
    if (marker === null) return 'more';
    if (marker === SOI) {
      if (bytes.length < this.#at + 3) return 'more';
      if (bytes[this.#at + 2] !== 0xff) return 'bad';
      if (this.#at >= this.#trustedTo) return 'interrupted';
      this.#at += 2;
      return null;
    }
    if (marker !== EOI && !hasLength(marker)) return 'bad';
    if (this.#segments.length >= MAX_SEGMENTS) return 'bad';
    this.#segments.push({ marker: SOS, start: this.#start, end: this.#at });
    this.#start = this.#at;
    this.#isInScan = false;
    return null;
  }

  /** Moves to the next FF in scan data with a marker that is no stuffed zero, restart or fill; null where none has come yet. */
  #nextMarker(bytes: Buffer): number | null {
    let at = this.#at;
    let marker: number | undefined;
    for (;;) {
      at = bytes.indexOf(0xff, at);
      if (at < 0) {
        this.#at = Math.max(this.#at, bytes.length);
        return null;
      }
      while ((marker = bytes[at + 1]) === 0xff) at += 1;
      if (marker === 0 || (marker !== undefined && marker >= RST0 && marker <= RST7)) at += 2;
      else break;
    }
    this.#at = at;
    return marker ?? null;
  }

  /** Looks for the delimiter before this offset, each byte once, and moves to it. */
  #findDelimiter(bytes: Buffer, to: number): boolean {
    if (this.delimiter === null || this.delimiter.length === 0) return false;
    const from = Math.max(this.#searched, this.#trustedTo);
    const found = bytes.subarray(0, Math.min(to, bytes.length)).indexOf(this.delimiter, from);
    // The delimiter may have come in part.
    this.#searched = found < 0 ? Math.max(this.#searched, to - this.delimiter.length + 1) : found;
    if (found >= 0) this.#at = found;
    return found >= 0;
  }

  #endAt(end: number): WalkStep {
    if (!this.#hasScan) return 'bad';
    this.#segments.push({ marker: EOI, start: this.#start, end });
    this.#start = this.#at = end;
    return 'end';
  }
}
