import type { Frame } from '#catalog';
import { ByteBuffer, type FrameBudget, type FrameHolder } from './byte-buffer.js';
import { Delimiter, withoutLineEnd } from './delimiter.js';
import { JpegWalk } from './jpeg-walk.js';
import { PartHeads } from './part-heads.js';
import { hasSwallowedPart, landsWell } from './picture-end.js';

const ANY_DELIMITER = Buffer.from('\n--');

/** Chunks are taken in pieces of this size, so that the buffer never holds more than a frame and one of them. */
const PIECE_BYTES = 64 * 1024;
/** A declared length further behind the end marker is not believed. */
const MAX_PADDING_BYTES = 1024 * 1024;
/** What a picture that is given up counts at least, so that a million starts cost no more than a few thousand. */
const MIN_REJECT_BYTES = 1024;

/** What the bytes are expected to be. */
export interface SplitterOptions {
  /** As `declaredBoundary` reads it. */
  readonly boundary: string | null;
  /** Length of the answer where it is declared to be one picture. */
  readonly declaredBytes: number | null;
  readonly maxFrameBytes: number;
  readonly maxFramePixels: number;
  /** Memory shared with other pictures being read. */
  readonly budget?: FrameBudget;
}

/** Why no further frame will come. */
export interface SplitterFault {
  readonly outcome: 'not_a_picture' | 'bad_picture' | 'too_large' | 'prober_internal';
  readonly reason: string;
}

/** An end that a longer declared length may yet overrule. */
interface PossibleEnd {
  readonly end: number;
  readonly noEoi: boolean;
  /** How far the bytes behind it have been searched for a delimiter. */
  searched: number;
}

/**
 * Finds JPEGs in bytes as cameras send them: multipart in every dialect, bare pictures one after another, a single one. Lengths and
 * types are hints; FF D8 FF and the walk along the segments decide (probing.md 3). The frames do not depend on how the bytes are cut
 * into chunks. Time is outside: `idle` says that nothing came for a while, which matters where `isUndecided`.
 */
export class Splitter implements FrameHolder {
  readonly #buffer: ByteBuffer;
  readonly #delimiter: Delimiter;
  readonly #heads: PartHeads;
  #frames: Frame[] = [];
  /** The picture being walked; null between pictures. */
  #walk: JpegWalk | null = null;
  #possibleEnd: PossibleEnd | null = null;
  #declaredBytes: number | null = null;
  #fault: SplitterFault | null = null;
  #sawPicture = false;
  #sawOversize = false;
  #rejectedBytes = 0;
  #claimedBytes = 0;

  constructor(private readonly options: SplitterOptions) {
    this.#buffer = new ByteBuffer(options.maxFrameBytes + PIECE_BYTES);
    this.#delimiter = new Delimiter(options.boundary);
    this.#heads = new PartHeads(this.#delimiter, options.declaredBytes);
  }

  get fault(): SplitterFault | null {
    return this.#fault;
  }

  /** A picture has begun and is not yet whole. */
  get isInPicture(): boolean {
    return this.#walk !== null;
  }

  /** A picture has begun at some time, whole or not. */
  get sawPicture(): boolean {
    return this.#sawPicture;
  }

  /** The last whole picture had too many pixels and was left out. */
  get sawOversize(): boolean {
    return this.#sawOversize;
  }

  /** Whole parts of another kind came since the last frame. */
  get sawForeignParts(): boolean {
    return this.#heads.foreignParts > 0;
  }

  /** What sends the pictures says that it has lost its camera. */
  get isSourceGone(): boolean {
    return this.#heads.isSourceGone;
  }

  /** Memory held, bytes. */
  get capacityBytes(): number {
    return this.#buffer.capacity;
  }

  /** A picture may be whole already: `idle` after a quarter of a second of silence decides. */
  get isUndecided(): boolean {
    return this.#possibleEnd !== null || this.#endsAsDeclared();
  }

  /** Takes bytes; answers the frames that are whole with them. */
  push(chunk: Uint8Array): readonly Frame[] {
    for (let at = 0; at < chunk.length && this.#fault === null; at += PIECE_BYTES) {
      this.#buffer.append(chunk.subarray(at, at + PIECE_BYTES));
      this.#claim();
      this.#run();
    }
    return this.#take();
  }

  /** Nothing has come for a while: what is whole without more bytes is a frame. */
  idle(): readonly Frame[] {
    while (this.#fault === null && this.#settle()) this.#run();
    return this.#take();
  }

  /** Nothing more will come. */
  end(): readonly Frame[] {
    while (this.#fault === null && (this.#settle() || this.#skipFalseLength())) this.#run();
    return this.#take();
  }

  /** Gives the memory back; nothing can be pushed any more. */
  release(): void {
    this.#buffer.release();
    this.options.budget?.claim(this, 0);
  }

  drop(): void {
    this.#buffer.release();
    this.#fault ??= { outcome: 'prober_internal', reason: 'the memory for frames is used up' };
  }

  #claim(): void {
    if (this.#buffer.capacity === this.#claimedBytes) return;
    this.#claimedBytes = this.#buffer.capacity;
    this.options.budget?.claim(this, this.#claimedBytes);
  }

  #take(): readonly Frame[] {
    const frames = this.#frames;
    this.#frames = [];
    return frames;
  }

  #run(): void {
    while (this.#fault === null && (this.#walk === null ? this.#search() : this.#step(this.#walk)));
  }

  /** Reads what stands between pictures; true when one begins. */
  #search(): boolean {
    const { doneBytes, isPicture } = this.#heads.readTo(this.#buffer.view());
    this.#buffer.drop(doneBytes);
    const { excess } = this.#heads;
    if (excess !== null) this.#fault = { outcome: this.#sawPicture ? 'bad_picture' : 'not_a_picture', reason: excess };
    if (isPicture) this.#begin();
    return isPicture;
  }

  #begin(): void {
    this.#declaredBytes = this.#heads.declaredBytes;
    this.#heads.beginPicture();
    this.#walk = new JpegWalk(this.#delimiter.needle);
    this.#sawPicture = true;
  }

  /** Walks on, or decides on a possible end; false where more bytes are needed. */
  #step(walk: JpegWalk): boolean {
    if (this.#possibleEnd !== null) return this.#decide(this.#possibleEnd, false);
    const { maxFrameBytes } = this.options;
    const held = this.#buffer.view();
    const bytes = held.length > maxFrameBytes ? held.subarray(0, maxFrameBytes) : held;
    const step = walk.walk(bytes);
    if (this.#isHopelesslyLarge(walk)) {
      this.#tooLarge(`a picture of more than ${this.options.maxFramePixels} pixels`);
      return false;
    }
    switch (step) {
      case 'more':
        if (held.length > maxFrameBytes) this.#tooLarge(`a picture of more than ${maxFrameBytes} bytes`);
        return false;
      case 'bad':
        return this.#reject(walk, bytes.length);
      case 'end':
        return this.#endAt(walk.at);
      case 'interrupted':
        return this.#interruptAt(bytes, walk.at);
      default:
        throw new Error(`bug: unknown step ${step satisfies never}`);
    }
  }

  #isOversize(walk: JpegWalk): boolean {
    return walk.pixels > this.options.maxFramePixels;
  }

  /** In a stream one frame header may be damaged: the second such picture in a row decides. */
  #isHopelesslyLarge(walk: JpegWalk): boolean {
    return this.#isOversize(walk) && (this.#sawOversize || this.options.declaredBytes !== null);
  }

  #tooLarge(reason: string): void {
    this.#fault = { outcome: 'too_large', reason };
  }

  /** An end marker: whole, unless a longer length was declared, which may count padding in. */
  #endAt(end: number): boolean {
    const declared = this.#declaredBytes;
    if (declared === null || declared <= end || declared > end + MAX_PADDING_BYTES) return this.#emit(end, false);
    return this.#awaitDeclared({ end, noEoi: false, searched: end });
  }

  /** A delimiter or another picture in scan data: the camera left the end marker out, unless a longer declared length says otherwise. */
  #interruptAt(bytes: Buffer, found: number): boolean {
    const isPicture = bytes[found] === 0xff;
    const { end, delimiterAt } = isPicture
      ? { end: withoutLineEnd(bytes, found), delimiterAt: found }
      : this.#delimiter.endBefore(bytes, found);
    const declared = this.#declaredBytes;
    if (declared === null || declared <= delimiterAt) return this.#emit(end, true);
    return this.#awaitDeclared({ end, noEoi: true, searched: end });
  }

  #awaitDeclared(possible: PossibleEnd): boolean {
    const declared = this.#declaredBytes ?? 0;
    if (declared > this.options.maxFrameBytes) return this.#emit(possible.end, possible.noEoi);
    this.#possibleEnd = possible;
    return true;
  }

  /**
   * Decides between a possible end and a longer declared length; false where that needs more bytes. Only bytes up to two behind the
   * declared length count, so that the answer does not depend on how many came with them.
   * @param isFinal no more bytes will come, or not soon
   */
  #decide(possible: PossibleEnd, isFinal: boolean): boolean {
    const declared = this.#declaredBytes;
    if (declared === null) throw new Error('bug: waiting for a length that is not declared');
    const bytes = this.#buffer.view();
    if (!possible.noEoi && this.#hasDelimiter(bytes.subarray(0, declared), possible))
      return this.#emit(possible.end, false);
    if (bytes.length < declared + 2 && !isFinal) return false;
    if (!landsWell(bytes, declared)) return this.#emit(possible.end, possible.noEoi);
    if (!possible.noEoi) return this.#emit(declared, false);
    // What looked like a delimiter is picture data.
    this.#possibleEnd = null;
    this.#walk?.trust(declared);
    return true;
  }

  #hasDelimiter(bytes: Buffer, possible: PossibleEnd): boolean {
    const needle = this.#delimiter.needle ?? ANY_DELIMITER;
    const found = bytes.indexOf(needle, possible.searched);
    possible.searched = Math.max(possible.searched, bytes.length - needle.length + 1);
    return found >= 0;
  }

  /** The picture stands where its declared length ends, though nothing in it says so. */
  #endsAsDeclared(): boolean {
    const { length } = this.#buffer;
    return this.#walk !== null && this.#declaredBytes === length && this.#walk.isInScan && this.#walk.at <= length;
  }

  /** Decides what is undecided without waiting for more; true where there was something. */
  #settle(): boolean {
    if (this.#possibleEnd !== null) return this.#decide(this.#possibleEnd, true);
    return this.#endsAsDeclared() && this.#emit(this.#buffer.length, true);
  }

  /** No JPEG after all: two bytes further another may begin. */
  #reject(walk: JpegWalk, heldBytes: number): boolean {
    const walkedBytes = Math.min(walk.at, heldBytes);
    this.#rejectedBytes += Math.max(walkedBytes, MIN_REJECT_BYTES);
    if (this.#rejectedBytes > this.options.maxFrameBytes) {
      this.#fault = { outcome: 'bad_picture', reason: 'pictures that begin and are broken' };
      return false;
    }
    this.#heads.forgive(walkedBytes);
    this.#resume(2);
    return true;
  }

  /**
   * At the end, within a segment whose length leads beyond it: where a delimiter stands inside, the length was damaged and there may be
   * pictures behind it. Without one the picture was cut, and what is in its segment is its own (an Exif thumbnail).
   */
  #skipFalseLength(): boolean {
    const { needle } = this.#delimiter;
    if (this.#walk === null || needle === null || this.#walk.at <= this.#buffer.length) return false;
    const found = this.#buffer.view().indexOf(needle, 2);
    if (found < 0) return false;
    this.#resume(this.#delimiter.endBefore(this.#buffer.view(), found).end);
    return true;
  }

  #emit(end: number, noEoi: boolean): boolean {
    const walk = this.#walk;
    if (walk === null) throw new Error('bug: a frame without a walk');
    const held = this.#buffer.view().subarray(0, end);
    const segments = walk.segmentsTo(end);
    if (end !== this.#declaredBytes && hasSwallowedPart(held, segments, this.#delimiter.needle))
      return this.#reject(walk, end);
    this.#sawOversize = this.#isOversize(walk);
    if (!this.#sawOversize) this.#frames.push({ bytes: Buffer.from(held), ...walk.size, segments, noEoi });
    this.#heads.restart();
    this.#rejectedBytes = 0;
    this.#resume(end);
    return true;
  }

  #resume(at: number): void {
    this.#buffer.drop(at);
    this.#walk = null;
    this.#possibleEnd = null;
    this.#declaredBytes = null;
  }
}
