import { headerOf, type HttpHead } from './http-head.js';
import { wholeNumber } from './part-heads.js';

const LF = 0x0a;
const CR = 0x0d;
/** A size line with its extensions. */
const MAX_SIZE_LINE = 1_024;
/** More hexadecimal digits are no size. */
const MAX_DIGITS = 12;

/** How the body of an answer is laid out, as its head says; all of it hints but the coding. */
export interface BodyPlan {
  readonly isChunked: boolean;
  /** The declared length where it can be one; null where it is absent, doubled with differing values, negative or no number. */
  readonly lengthBytes: number | null;
  readonly contentType: string;
  /** A coding that would have to be undone, which we never ask for; null without one. */
  readonly foreignCoding: string | null;
}

export function planBody(head: HttpHead): BodyPlan {
  const codings = tokensOf(head, 'transfer-encoding');
  const foreign = [...codings.filter((one) => one !== 'chunked'), ...tokensOf(head, 'content-encoding')];
  const lengths = tokensOf(head, 'content-length');
  const [length = ''] = lengths;
  return {
    isChunked: codings.includes('chunked'),
    lengthBytes: lengths.every((one) => one === length) ? wholeNumber(length) : null,
    contentType: headerOf(head, 'content-type') ?? '',
    foreignCoding: foreign.find((one) => one !== 'identity') ?? null,
  };
}

const tokensOf = ({ headers }: HttpHead, name: string): string[] =>
  (headers.get(name) ?? []).flatMap((value) => value.split(',')).flatMap((one) => one.trim().toLowerCase() || []);

/**
 * Undoes the chunked coding piece by piece, without copying (RFC 9112, 7.1, and what cameras make of it): sizes ended by LF alone, with
 * leading zeros and extensions; a body that is declared chunked and is not. What follows the last chunk is no part of it.
 */
export class ChunkedBody {
  /** `over`: the last chunk came; `ended`: and the trailers behind it; `exceeded`: and more. */
  #state: 'start' | 'size' | 'data' | 'raw' | 'over' | 'ended' | 'exceeded' | 'broken' = 'start';
  #line = '';
  #leftBytes = 0;
  /** Bytes at the start that may yet tell that nothing is chunked. */
  #held: Buffer = Buffer.alloc(0);

  get isBroken(): boolean {
    return this.#state === 'broken';
  }

  /** The last chunk came. */
  get isOver(): boolean {
    return this.#state === 'over' || this.isAtEnd || this.#state === 'exceeded';
  }

  /** So did the empty line behind it, and nothing else. */
  get isAtEnd(): boolean {
    return this.#state === 'ended';
  }

  /** Takes bytes of the connection; answers those of the body, in pieces. */
  push(chunk: Buffer): readonly Buffer[] {
    const bytes = this.#state === 'start' ? this.#begin(chunk) : chunk;
    if (bytes === null) return [];
    const pieces: Buffer[] = [];
    let at = 0;
    while (at < bytes.length && this.#state !== 'exceeded' && this.#state !== 'broken') {
      if (this.#state === 'ended') {
        this.#state = 'exceeded';
        break;
      }
      if (this.#state === 'size' || this.#state === 'over') {
        at = this.#readLine(bytes, at);
        continue;
      }
      const end = this.#state === 'raw' ? bytes.length : Math.min(bytes.length, at + this.#leftBytes);
      pieces.push(bytes.subarray(at, end));
      this.#leftBytes -= end - at;
      if (this.#state === 'data' && this.#leftBytes === 0) this.#state = 'size';
      at = end;
    }
    return pieces;
  }

  /** Looks whether the body is chunked at all; null while two bytes are not there. */
  #begin(chunk: Buffer): Buffer | null {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    let from = 0;
    while (from < bytes.length && from < 4 && (bytes[from] === CR || bytes[from] === LF)) from += 1;
    if (bytes.length < from + 2) {
      this.#held = bytes;
      return null;
    }
    const isRaw =
      (bytes[from] === 0xff && bytes[from + 1] === 0xd8) || (bytes[from] === 0x2d && bytes[from + 1] === 0x2d);
    this.#state = isRaw ? 'raw' : 'size';
    return bytes.subarray(from);
  }

  /** Reads on in the line of a size or a trailer; answers where what follows begins, or how far it came. */
  #readLine(bytes: Buffer, from: number): number {
    const lf = bytes.indexOf(LF, from);
    const end = lf < 0 ? bytes.length : lf;
    if (this.#line.length + end - from > MAX_SIZE_LINE) {
      this.#state = this.#state === 'over' ? 'exceeded' : 'broken';
      return bytes.length;
    }
    this.#line += bytes.toString('latin1', from, end);
    if (lf < 0) return bytes.length;
    const line = this.#line.trim();
    this.#line = '';
    if (this.#state === 'over') {
      if (line === '') this.#state = 'ended';
    } else if (line !== '') this.#take(line);
    // Else the line end behind the data of the chunk before.
    return lf + 1;
  }

  #take(line: string): void {
    const digits = /^([0-9a-f]*)\s*(?:;|$)/i.exec(line)?.[1]?.replace(/^0+/, '');
    if (digits === undefined || digits.length > MAX_DIGITS) this.#state = 'broken';
    else if (digits === '') this.#state = line.startsWith('0') ? 'over' : 'broken';
    else {
      this.#leftBytes = Number.parseInt(digits, 16);
      this.#state = 'data';
    }
  }
}
