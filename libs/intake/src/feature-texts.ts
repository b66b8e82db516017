import { isPlainObject } from '#catalog';
import { isWgs84, OTHER_CRS } from './crs.js';
import { refusal } from './decode.js';
import type { RowProblem } from './row.js';

/** Largest feature that is read, and most that a collection says besides its features, bytes. */
export const MAX_FEATURE_BYTES = 1_048_576;

/** A piece of a file: a feature as its bytes, one that is none, or why reading ends here. */
export type FeatureText =
  { readonly bytes: Uint8Array } | { readonly broken: 'too_large' | 'cut_off' } | { readonly refused: RowProblem };

/**
 * Cuts a GeoJSON file of any size into its features: a FeatureCollection, features one after the other (a line each, or a GeoJSON text
 * sequence, RFC 8142), or several collections. Memory holds one feature. What is within a feature is for others to judge; a file that is no
 * GeoJSON, names another CRS or ends too early is refused where that shows, which is also the end.
 *
 * By hand, since streaming parsers of JSON make a value of every number on the way (stream-json 3.8: 14,000 buildings a second; this:
 * 109,000), and bound no single text.
 */
export async function* featureTexts(file: AsyncIterable<Uint8Array>): AsyncGenerator<FeatureText, void> {
  const cutter = new Cutter();
  for await (const chunk of file) {
    for (const text of cutter.push(chunk)) {
      yield text;
      if ('refused' in text) return;
    }
  }
  yield* cutter.end();
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** Stands before each text of a sequence, and in no JSON. */
const RECORD_SEPARATOR = 0x1e;

/** Byte order mark of UTF-8, at the very beginning. */
const MARK = [0xef, 0xbb, 0xbf];

const EMPTY_LIST = new TextEncoder().encode('[]');
const EMPTY_LIST_AND_END = new TextEncoder().encode('[]}');

const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** Between two texts, in an object at the top, or in the features of a collection. */
type State = 'between' | 'object' | 'features';

class Cutter {
  private state: State = 'between';
  /** Brackets open since the object, or the item of features, began. */
  private depth = 0;
  private isInString = false;
  private isEscaped = false;
  /** Bytes before the current chunk. */
  private passed = 0;
  private readonly held = new Held();
  /** Of the collection whose features are read: everything up to them. */
  private head: Uint8Array | null = null;
  private hasItems = false;
  private isEmpty = true;
  /** No object has ended yet. */
  private isFirst = true;
  private isRefused = false;
  private out: FeatureText[] = [];

  push(chunk: Uint8Array): readonly FeatureText[] {
    this.out = [];
    let from = 0;
    for (let at = 0; at < chunk.length && !this.isRefused; at += 1) {
      const byte = chunk[at];
      if (this.isInString) {
        if (this.isEscaped) this.isEscaped = false;
        else if (byte === BACKSLASH) this.isEscaped = true;
        else if (byte === QUOTE) this.isInString = false;
        if (byte !== RECORD_SEPARATOR) continue;
      }
      if (this.state === 'between') {
        if (isBlank(byte) || byte === RECORD_SEPARATOR || byte === MARK[this.passed + at]) continue;
        this.beginObject(byte, at);
        from = at;
      } else if (byte === QUOTE) this.isInString = true;
      else if (byte === RECORD_SEPARATOR) this.breakOff();
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        if (byte === OPEN_LIST && this.state === 'object' && this.depth === 1 && this.enter(chunk.subarray(from, at))) {
          from = at + 1;
        } else this.depth += 1;
      } else if (byte === COMMA && this.state === 'features' && this.depth === 0) {
        this.item(chunk.subarray(from, at));
        this.hasItems = true;
        from = at + 1;
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        if (this.close(byte, chunk, from, at)) from = at + 1;
      }
    }
    if (this.state !== 'between') this.held.add(chunk.subarray(from));
    this.passed += chunk.length;
    return this.out;
  }

  end(): readonly FeatureText[] {
    if (this.isRefused) return [];
    if (this.state !== 'between') return [refusal('not_data', 'the file ends in the middle; it was probably cut off')];
    return this.isEmpty ? [refusal('not_data', 'the file is empty')] : [];
  }

  private beginObject(byte: number | undefined, at: number): void {
    if (byte !== OPEN_OBJECT) {
      this.refuse(`${EXPECTED} at byte ${this.passed + at}`);
      return;
    }
    this.state = 'object';
    this.depth = 1;
    this.isEmpty = false;
  }

  /** A text of a sequence that ends before its brackets do; those of a collection are never parts of one. */
  private breakOff(): void {
    if (this.state !== 'object' || this.head !== null) return;
    this.out.push({ broken: 'cut_off' });
    this.held.clear();
    this.isInString = false;
    this.isEscaped = false;
    this.state = 'between';
  }

  /** Begins to read the features of a collection, if the list that opens here holds them. */
  private enter(before: Uint8Array): boolean {
    if (!this.held.endsWith(FEATURES, before)) return false;
    if (this.head !== null) this.refuse('a FeatureCollection has the member "features" twice');
    this.head = this.held.take(before);
    this.judgeCollection(this.head === null ? null : joined(this.head, EMPTY_LIST_AND_END), false);
    this.state = 'features';
    this.depth = 0;
    this.hasItems = false;
    return true;
  }

  /** @returns whether a piece ended here */
  private close(byte: number, chunk: Uint8Array, from: number, at: number): boolean {
    if (this.depth > 1 || (this.depth === 1 && this.state === 'features')) {
      this.depth -= 1;
      return false;
    }
    if (this.state === 'features') {
      this.leave(byte, chunk.subarray(from, at), at);
      return true;
    }
    this.state = 'between';
    const bytes = this.held.take(chunk.subarray(from, at + 1));
    if (this.head !== null) this.judgeCollection(bytes, true);
    else if (this.isFirst && bytes !== null && !isFeature(parsedJson(bytes))) this.refuse(EXPECTED);
    else this.out.push(bytes === null ? { broken: 'too_large' } : { bytes });
    this.head = null;
    this.isFirst = false;
    return true;
  }

  /** The features end; the collection goes on, as if it had none. */
  private leave(byte: number, last: Uint8Array, at: number): void {
    if (byte !== CLOSE_LIST) {
      this.refuse(`expected a comma or a closing bracket at byte ${this.passed + at}`);
      return;
    }
    // An empty list has no item; a comma before the end has an empty one, which is wrong.
    if (this.hasItems || !this.held.isBlankWith(last)) this.item(last);
    this.held.clear();
    if (this.head !== null) this.held.add(joined(this.head, EMPTY_LIST));
    this.state = 'object';
    this.depth = 1;
  }

  private item(last: Uint8Array): void {
    const bytes = this.held.take(last);
    this.out.push(bytes === null ? { broken: 'too_large' } : { bytes });
  }

  /** Refuses what is no collection of features, or has another CRS; `isWhole` when all its members are there. */
  private judgeCollection(bytes: Uint8Array | null, isWhole: boolean): void {
    if (bytes === null) {
      this.refuse(`a FeatureCollection has more than ${MAX_FEATURE_BYTES} bytes besides its features`);
      return;
    }
    const collection = parsedJson(bytes);
    const type = isPlainObject(collection) ? collection['type'] : undefined;
    if (!isPlainObject(collection) || (type !== 'FeatureCollection' && (isWhole || type !== undefined))) {
      this.refuse(EXPECTED);
    } else if (!isWgs84(collection['crs'])) this.refuse(OTHER_CRS, 'unsupported');
  }

  private refuse(detail: string, code: 'not_data' | 'unsupported' = 'not_data'): void {
    if (!this.isRefused) this.out.push(refusal(code, detail));
    this.isRefused = true;
  }
}

const EXPECTED = 'expected a GeoJSON FeatureCollection, or features, in UTF-8';

const isFeature = (value: unknown): boolean => isPlainObject(value) && value['type'] === 'Feature';

/** The value of a text; undefined where it is no UTF-8 or no JSON. */
export function parsedJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(strictDecoder.decode(bytes)) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError || (error as { readonly code?: unknown }).code === NO_UTF8) return undefined;
    throw error;
  }
}

const NO_UTF8 = 'ERR_ENCODING_INVALID_ENCODED_DATA';
const strictDecoder = new TextDecoder('utf-8', { fatal: true });

/** Bytes of a piece that began in earlier chunks. */
class Held {
  private readonly bytes = new Uint8Array(MAX_FEATURE_BYTES);
  private size = 0;

  add(more: Uint8Array): void {
    if (this.size + more.length <= MAX_FEATURE_BYTES) this.bytes.set(more, this.size);
    // Beyond the limit only the size is kept.
    this.size += more.length;
  }

  /** The piece, which ends with `last`; null where it is too large. Nothing of it is held any more. */
  take(last: Uint8Array): Uint8Array | null {
    const size = this.size + last.length;
    const whole = size > MAX_FEATURE_BYTES ? null : this.size === 0 ? last : joined(this.kept(), last);
    this.size = 0;
    return whole;
  }

  clear(): void {
    this.size = 0;
  }

  isBlankWith(last: Uint8Array): boolean {
    return this.size <= MAX_FEATURE_BYTES && this.kept().every(isBlank) && last.every(isBlank);
  }

  /** Whether the piece, up to `last`, ends with the name of a member and its colon. */
  endsWith(name: RegExp, last: Uint8Array): boolean {
    if (this.size > MAX_FEATURE_BYTES) return false;
    return name.test(decoder.decode(joined(this.kept().subarray(-TAIL_BYTES), last.subarray(-TAIL_BYTES))));
  }

  private kept(): Uint8Array {
    return this.bytes.subarray(0, this.size);
  }
}

/** Bytes before a list that are looked at for its name. */
const TAIL_BYTES = 256;
const FEATURES = /[{,]\s*"features"\s*:\s*$/;

/** For looking at bytes: what does not decode is replaced. */
const decoder = new TextDecoder();

const joined = (first: Uint8Array, second: Uint8Array): Uint8Array => {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
};
