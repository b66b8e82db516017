/**
 * The PostgreSQL frontend/backend protocol 3.0, as far as a go-between needs it: where messages begin and end, what few
 * of them say, and a handful of our own. Source: PostgreSQL manual, "Frontend/Backend Protocol", "Message Formats".
 */

/** Transaction state in ReadyForQuery: idle, in a transaction, in a failed one. */
export type Status = 'I' | 'T' | 'E';

/** What a client may ask before it has introduced itself; by the code in place of a protocol version. */
export type Opening = 'startup' | 'encryption' | 'cancel';

const HEADER = 5;
const code = (letter: string): number => letter.charCodeAt(0);

/** The letter that names a message. */
export const letterOf = (message: Buffer): string => String.fromCharCode(message[0] ?? 0);

/** Text up to the zero byte that ends it. */
const textAt = (message: Buffer, at: number): string => message.toString('utf8', at, message.indexOf(0, at));

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

/** One message: letter, length, then its fields, of which strings are ended with a zero byte. */
export function message(letter: string, ...fields: readonly (string | Buffer)[]): Buffer {
  const body = Buffer.concat(fields.map((field) => (typeof field === 'string' ? Buffer.from(`${field}\0`) : field)));
  return Buffer.concat([Buffer.from(letter), int32(4 + body.length), body]);
}

export const query = (sql: string): Buffer => message('Q', sql);
export const closeStatement = (name: string): Buffer => message('C', Buffer.from('S'), name);
export const sync = (): Buffer => message('S');
export const copyFail = (why: string): Buffer => message('f', why);
export const ready = (status: Status): Buffer => message('Z', Buffer.from(status));

/** ErrorResponse. FATAL means that the connection ends with it. */
export function errorResponse(severity: 'ERROR' | 'FATAL', sqlState: string, text: string): Buffer {
  return message('E', `S${severity}`, `V${severity}`, `C${sqlState}`, `M${text}`, Buffer.from([0]));
}

/** The welcome of a server that asks for no password. */
export function welcome(parameters: Readonly<Record<string, string>>, processId: number, secret: number): Buffer {
  const statuses = Object.entries(parameters).map(([name, value]) => message('S', name, value));
  return Buffer.concat([
    message('R', int32(0)),
    ...statuses,
    message('K', int32(processId), int32(secret)),
    ready('I'),
  ]);
}

/** Says what the first message of a client, which has no letter, is. */
export function openingOf(first: Buffer): Opening {
  const version = first.readInt32BE(4);
  if (version === 80877103 || version === 80877104) return 'encryption';
  return version === 80877102 ? 'cancel' : 'startup';
}

/** Cuts a client's bytes into messages. The first has no letter until `introduced` is called. */
export class ClientReader {
  #chunks: Buffer[] = [];
  #size = 0;
  #letterBytes = 0;

  introduced(): void {
    this.#letterBytes = 1;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
  }

  /** The next whole message, or null while bytes are missing. @throws when the length cannot be */
  next(): Buffer | null {
    const header = this.#letterBytes + 4;
    if (this.#size < header) return null;
    if (this.#chunks[0]!.length < header) this.#chunks = [Buffer.concat(this.#chunks)];
    const stated = this.#chunks[0]!.readInt32BE(this.#letterBytes);
    if (stated < (this.#letterBytes === 0 ? 8 : 4)) throw new Error(`a message says it has ${stated} bytes`);
    const length = this.#letterBytes + stated;
    return this.#size < length ? null : this.#take(length);
  }

  #take(length: number): Buffer {
    const whole = this.#chunks[0]!.length >= length ? this.#chunks.shift()! : Buffer.concat(this.#chunks.splice(0));
    if (whole.length > length) this.#chunks.unshift(whole.subarray(length));
    this.#size -= length;
    return whole.subarray(0, length);
  }
}

/** Where a client's message names a prepared statement, or null where it names none. */
function statementNameAt(sent: Buffer): number | null {
  switch (letterOf(sent)) {
    case 'P':
      return HEADER;
    case 'B':
      return sent.indexOf(0, HEADER) + 1; // after the name of the portal
    case 'D':
    case 'C':
      return sent[HEADER] === code('S') ? HEADER + 1 : null;
    default:
      return null;
  }
}

/** The name of the prepared statement that a client's message is about: null for none, '' for the unnamed one. */
export function statementNameOf(sent: Buffer): string | null {
  const at = statementNameAt(sent);
  return at === null ? null : textAt(sent, at);
}

/** The same message about a statement of another name. */
export function withStatementName(sent: Buffer, name: string): Buffer {
  const at = statementNameAt(sent);
  if (at === null) return sent;
  const body = [sent.subarray(HEADER, at), Buffer.from(name), sent.subarray(sent.indexOf(0, at))];
  return message(letterOf(sent), ...body);
}

/** The SQL that a client's message carries (Query, Parse), or null. */
export function sqlOf(sent: Buffer): string | null {
  const letter = letterOf(sent);
  if (letter === 'Q') return textAt(sent, HEADER);
  return letter === 'P' ? textAt(sent, sent.indexOf(0, HEADER) + 1) : null;
}

/** What a go-between has to know of a server's reply. Everything is in `bytes` but what it must decide on itself. */
export type Reply =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'ready'; readonly status: Status }
  | { readonly kind: 'notification'; readonly channel: string; readonly message: Buffer }
  /** Its message is in `bytes` too. */
  | { readonly kind: 'copy in' }
  /** Of CommandComplete; its message is in `bytes` too. */
  | { readonly kind: 'done'; readonly tag: string }
  /** FATAL or PANIC: the backend is no more. Its message is in `bytes` too. */
  | { readonly kind: 'fatal'; readonly text: string };

/** Letters of messages that are read whole; all others, rows above all, pass in whatever pieces they come. */
const READ = new Set(['Z', 'A', 'G', 'C', 'E'].map(code));

/** Reads a server's reply as it streams by. A large row is never held. */
export class ReplyReader {
  #held: Buffer = Buffer.alloc(0);
  /** Bytes of the current message that are still to come and that nobody reads. */
  #passing = 0;

  read(chunk: Buffer): readonly Reply[] {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const replies: Reply[] = [];
    let from = 0;
    let at = Math.min(this.#passing, bytes.length);
    this.#passing -= at;
    while (at + HEADER <= bytes.length) {
      const end = at + 1 + bytes.readInt32BE(at + 1);
      const letter = bytes[at]!;
      if (READ.has(letter)) {
        if (end > bytes.length) break;
        const whole = bytes.subarray(at, end);
        const reply = understood(whole);
        if (reply.kind === 'ready' || reply.kind === 'notification') {
          if (at > from) replies.push({ kind: 'bytes', bytes: bytes.subarray(from, at) });
          from = end;
        }
        if (reply.kind !== 'bytes') replies.push(reply);
      } else if (end > bytes.length) {
        this.#passing = end - bytes.length;
      }
      at = Math.min(end, bytes.length);
    }
    if (at > from) replies.push({ kind: 'bytes', bytes: bytes.subarray(from, at) });
    this.#held = bytes.subarray(at);
    return replies;
  }
}

function understood(whole: Buffer): Reply {
  switch (letterOf(whole)) {
    case 'Z':
      return { kind: 'ready', status: String.fromCharCode(whole[HEADER]!) as Status };
    case 'A':
      return { kind: 'notification', channel: textAt(whole, HEADER + 4), message: Buffer.from(whole) };
    case 'G':
      return { kind: 'copy in' };
    case 'C':
      return { kind: 'done', tag: textAt(whole, HEADER) };
    default: {
      const { V: severity, M: text = '' } = errorFields(whole);
      return severity === 'FATAL' || severity === 'PANIC' ? { kind: 'fatal', text } : { kind: 'bytes', bytes: whole };
    }
  }
}

/** Fields of an ErrorResponse by their letters: V severity, C SQLSTATE, M message, ... */
function errorFields(error: Buffer): Readonly<Record<string, string | undefined>> {
  const fields = error.toString('utf8', HEADER).split('\0').filter(Boolean);
  return Object.fromEntries<string>(fields.map((field) => [field.charAt(0), field.slice(1)]));
}

/** Rows of a whole reply, as text. @throws the server's error */
export function rowsOf(reply: Buffer): readonly (readonly (string | null)[])[] {
  const rows: (readonly (string | null)[])[] = [];
  for (let at = 0, end; at < reply.length; at = end) {
    end = at + 1 + reply.readInt32BE(at + 1);
    const whole = reply.subarray(at, end);
    if (letterOf(whole) === 'E') throw new Error(`PostgreSQL refuses: ${errorFields(whole)['M'] ?? 'no reason given'}`);
    if (letterOf(whole) === 'D') rows.push(rowOf(whole));
  }
  return rows;
}

function rowOf(row: Buffer): readonly (string | null)[] {
  let at = HEADER + 2;
  return Array.from({ length: row.readInt16BE(HEADER) }, () => {
    const length = row.readInt32BE(at);
    at += 4 + Math.max(length, 0);
    return length < 0 ? null : row.toString('utf8', at - length, at);
  });
}
