import { ByteBuffer } from './byte-buffer.js';

const LF = 0x0a;
const CR = 0x0d;

const MAX_HEAD_BYTES = 64 * 1024;
const MAX_LINES = 100;
const MAX_INTERIM = 5;
const MAX_LEADING = 4;
const PIECE_BYTES = 2 * 1024;

/** What an answer says before its body. */
export interface HttpHead {
  /** Three digits; 200 where the answer has no head at all. */
  readonly status: number;
  /** The other side leaves the connection open for another question, as far as the head tells (RFC 9112, 9.3). */
  readonly isPersistent: boolean;
  /** Values by lower-case name, in the order in which they came. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
}

/** First value of a header; undefined without it. */
export const headerOf = ({ headers }: HttpHead, name: string): string | undefined => headers.get(name)?.[0];

/** What the bytes so far are. */
export type HeadStep =
  | { readonly kind: 'more' }
  | { readonly kind: 'head'; readonly head: HttpHead; readonly body: readonly Buffer[] }
  | { readonly kind: 'fault'; readonly reason: string };

const MORE: HeadStep = { kind: 'more' };
const fault = (reason: string): HeadStep => ({ kind: 'fault', reason });

/**
 * Reads the head of an answer as cameras write it (probing.md 3): HTTP/1.x, ICY, or none at all where the picture or a delimiter comes
 * at once (HTTP/0.9); lines ended by LF, CR LF or both; folded lines, blanks around the colon, control characters, lines that are no
 * header. Interim answers (1xx) are passed over.
 */
export class HeadReader {
  readonly #buffer = new ByteBuffer(MAX_HEAD_BYTES + PIECE_BYTES);
  #searched = 0;
  #lines: string[] = [];
  #lineFrom = 0;
  #interim = 0;
  #begun = false;

  push(chunk: Buffer): HeadStep {
    // A picture comes with the head in one chunk: no more than the piece with the head's end is copied.
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      this.#buffer.append(chunk.subarray(at, at + PIECE_BYTES));
      const step = this.#read();
      if (step.kind === 'head') return { ...step, body: [...step.body, chunk.subarray(at + PIECE_BYTES)] };
      if (step.kind === 'fault') return step;
    }
    return MORE;
  }

  #read(): HeadStep {
    if (!this.#begun) {
      const step = this.#begin(this.#buffer.view());
      if (step !== null) return step;
    }
    const bytes = this.#buffer.view();
    for (let lf = bytes.indexOf(LF, this.#searched); lf >= 0; lf = bytes.indexOf(LF, this.#lineFrom)) {
      const line = bytes.toString('latin1', this.#lineFrom, bytes[lf - 1] === CR && lf > this.#lineFrom ? lf - 1 : lf);
      this.#lineFrom = lf + 1;
      if (lf >= MAX_HEAD_BYTES || this.#lines.length > MAX_LINES) return fault('the head of the answer has no end');
      if (line !== '') this.#lines.push(line);
      else {
        const step = this.#finish(bytes.subarray(lf + 1));
        if (step !== null) return step;
        return this.#read();
      }
    }
    this.#searched = bytes.length;
    return bytes.length > MAX_HEAD_BYTES ? fault('the head of the answer has no end') : MORE;
  }

  /** Decides by the first bytes whether there is a head; null when it begins. */
  #begin(bytes: Buffer): HeadStep | null {
    let from = 0;
    while (from < bytes.length && (bytes[from] === CR || bytes[from] === LF)) from += 1;
    if (from > MAX_LEADING) return fault('the answer is no HTTP');
    const start = bytes.subarray(from, from + 5);
    const text = start.toString('latin1').toUpperCase();
    if ((start[0] === 0xff && start[1] === 0xd8 && start[2] === 0xff) || text.startsWith('--')) {
      return {
        kind: 'head',
        head: { status: 200, isPersistent: false, headers: new Map() },
        body: [bytes.subarray(from)],
      };
    }
    if (text.startsWith('HTTP/') || text.startsWith('ICY ')) {
      this.#buffer.drop(from);
      this.#begun = true;
      return null;
    }
    const mayBegin = ['HTTP/', 'ICY ', '--', '\xff\xd8\xff'].some(
      (one) => one.startsWith(start.toString('latin1')) || one.startsWith(text),
    );
    return mayBegin ? MORE : fault('the answer is no HTTP');
  }

  /** A head is whole; null when it is interim and the next one is to be read. */
  #finish(rest: Buffer): HeadStep | null {
    const head = headOf(this.#lines);
    if (head === null) return fault('the answer has no status');
    if (head.status >= 200) return { kind: 'head', head, body: [rest] };
    this.#interim += 1;
    if (this.#interim > MAX_INTERIM) return fault('interim answers without end');
    this.#buffer.drop(this.#lineFrom);
    this.#lines = [];
    this.#lineFrom = this.#searched = 0;
    this.#begun = false;
    return null;
  }
}

/** Status line and headers; null where the first line has no three-digit status. */
function headOf([first = '', ...lines]: readonly string[]): HttpHead | null {
  const status = /^(?:HTTP\/[^\s]*|ICY)\s+(\d{3})(?!\d)/i.exec(first)?.[1];
  if (status === undefined || Number(status) < 100) return null;
  const headers = new Map<string, string[]>();
  let last: string[] | undefined;
  for (const line of lines) {
    if (/^[ \t]/.test(line)) {
      // A folded line goes on with the value before it (RFC 9112, 5.2).
      const value = last?.pop();
      if (value !== undefined) last?.push(`${value} ${line.trim()}`);
      continue;
    }
    const colon = line.indexOf(':');
    const name = colon < 0 ? '' : line.slice(0, colon).trim().toLowerCase();
    last = undefined;
    // Cameras print bare dates and the like among their headers (Home Assistant#14960).
    if (name === '') continue;
    last = headers.get(name) ?? [];
    last.push(line.slice(colon + 1).trim());
    headers.set(name, last);
  }
  return { status: Number(status), isPersistent: isPersistent(first, headers.get('connection') ?? []), headers };
}

function isPersistent(statusLine: string, connection: readonly string[]): boolean {
  const options = connection.join(',').toLowerCase();
  if (options.includes('close')) return false;
  return /^HTTP\/1\.[1-9]/i.test(statusLine) || (/^HTTP\/1\.0/i.test(statusLine) && options.includes('keep-alive'));
}
