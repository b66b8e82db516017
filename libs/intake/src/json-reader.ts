/** Levels below which nothing is read (security.md DOS-2: 32 in a record, and the two lists around it). */
const MAX_DEPTH = 34;

/** Lists of records stand at the top or one level below it. */
const RECORD_LIST_DEPTH = 2;

/** Something about one place in the text that spoils the record it stands in, and no other. */
export interface JsonNote {
  readonly offset: number;
  readonly kind: 'repeated_name' | 'too_deep';
  /** The member whose name stands twice; empty for depth. */
  readonly name: string;
}

export interface JsonText {
  readonly root: unknown;
  /** Begin and end of each item of the lists at the top, in turn. */
  readonly spans: ReadonlyMap<readonly unknown[], readonly number[]>;
  readonly notes: readonly JsonNote[];
}

/** Where text stops being JSON, and what was expected there. The text itself is not quoted: it may hold a password. */
export interface JsonFault {
  readonly offset: number;
  readonly expected: string;
}

/**
 * Reads JSON as RFC 8259 says. Unlike `JSON.parse` it tells where a fault is, notes names that stand twice in an object
 * and values nested too deeply by their place, and keeps whole numbers beyond 2^53 as text, so that an id stays exact.
 */
export function readJson(text: string): JsonText | { readonly fault: JsonFault } {
  const reader = new Reader(text);
  try {
    return { root: reader.whole(), spans: reader.spans, notes: reader.notes };
  } catch (error) {
    if (error instanceof Stop) return { fault: { offset: error.offset, expected: error.expected } };
    throw error;
  }
}

/** Leaves the recursion; never leaves this file. */
class Stop extends Error {
  constructor(
    readonly offset: number,
    readonly expected: string,
  ) {
    super(expected);
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// eslint-disable-next-line no-control-regex -- raw control characters are what a JSON string may not have
const NEEDS_CARE = /[\\\u0000-\u001f]/;
const WORDS = [
  ['true', true],
  ['false', false],
  ['null', null],
] as const;

class Reader {
  readonly spans = new Map<readonly unknown[], number[]>();
  readonly notes: JsonNote[] = [];
  private at = 0;

  constructor(private readonly text: string) {}

  whole(): unknown {
    const root = this.value(1);
    this.blank();
    if (this.at < this.text.length) throw new Stop(this.at, 'the end of the text');
    return root;
  }

  private value(depth: number): unknown {
    this.blank();
    const char = this.text[this.at];
    if (char === '"') return this.string();
    if (char === '{' || char === '[') {
      if (depth > MAX_DEPTH) return this.skipped();
      return char === '{' ? this.object(depth) : this.list(depth);
    }
    for (const [word, value] of WORDS) {
      if (char === word[0] && this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return this.number();
  }

  private object(depth: number): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    this.at += 1;
    if (this.take('}')) return result;
    do {
      this.blank();
      const offset = this.at;
      if (this.text[offset] !== '"') throw new Stop(offset, 'the name of a member in quotation marks');
      const name = this.string();
      if (Object.hasOwn(result, name)) this.notes.push({ offset, kind: 'repeated_name', name });
      if (!this.take(':')) throw new Stop(this.at, 'a colon');
      const value = this.value(depth + 1);
      if (name === '__proto__') Object.defineProperty(result, name, { value, enumerable: true, configurable: true });
      else result[name] = value;
    } while (this.take(','));
    if (!this.take('}')) throw new Stop(this.at, 'a comma or a closing brace');
    return result;
  }

  private list(depth: number): unknown[] {
    const result: unknown[] = [];
    const spans: number[] | null = depth <= RECORD_LIST_DEPTH ? [] : null;
    if (spans !== null) this.spans.set(result, spans);
    this.at += 1;
    if (this.take(']')) return result;
    do {
      this.blank();
      const begin = this.at;
      result.push(this.value(depth + 1));
      spans?.push(begin, this.at);
    } while (this.take(','));
    if (!this.take(']')) throw new Stop(this.at, 'a comma or a closing bracket');
    return result;
  }

  private string(): string {
    const begin = this.at;
    let end = begin;
    do {
      end = this.text.indexOf('"', end + 1);
      if (end < 0) throw new Stop(begin, 'a text that ends with a quotation mark');
    } while (this.isEscaped(end));
    this.at = end + 1;
    const inner = this.text.slice(begin + 1, end);
    if (!NEEDS_CARE.test(inner)) return inner;
    try {
      return JSON.parse(this.text.slice(begin, end + 1)) as string;
    } catch (error) {
      if (error instanceof SyntaxError) throw new Stop(begin, 'a text with valid escapes and no raw control character');
      throw error;
    }
  }

  private isEscaped(quote: number): boolean {
    let backslashes = 0;
    while (this.text[quote - 1 - backslashes] === '\\') backslashes += 1;
    return backslashes % 2 === 1;
  }

  private number(): number | string {
    NUMBER.lastIndex = this.at;
    const written = NUMBER.exec(this.text)?.[0];
    if (written === undefined) throw new Stop(this.at, 'a value');
    this.at += written.length;
    const value = Number(written);
    return Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?\d+$/.test(written) ? written : value;
  }

  /** Passes over what is nested too deeply without a stack. */
  private skipped(): null {
    this.notes.push({ offset: this.at, kind: 'too_deep', name: '' });
    let open = 0;
    do {
      const char = this.text[this.at];
      if (char === undefined) throw new Stop(this.at, 'a closing bracket');
      if (char === '"') this.string();
      else {
        if (char === '{' || char === '[') open += 1;
        if (char === '}' || char === ']') open -= 1;
        this.at += 1;
      }
    } while (open > 0);
    return null;
  }

  private take(char: string): boolean {
    this.blank();
    if (this.text[this.at] !== char) return false;
    this.at += 1;
    return true;
  }

  private blank(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.at += 1;
    }
  }
}
