import { isPlainObject } from '#catalog';
import { type Decoded, decodeText, refusal } from './decode.js';
import { type JsonFault, type JsonNote, readJson } from './json-reader.js';
import { Draft } from './row.js';

/** Characters of one record at most (security.md DOS-1). */
const MAX_RECORD_CHARS = 65_536;

/** Unreadable places reported of one record. */
const MAX_NOTES = 20;

/** One record of a file with the draft that its camera becomes; no record where it could not be read. */
export interface RawRecord {
  readonly record: Readonly<Record<string, unknown>> | null;
  readonly draft: Draft;
}

export type Records = { readonly records: readonly RawRecord[] } | Extract<Decoded, { refused: unknown }>;

/** Records of a JSON text; `pick` finds their list in it, or says what is expected instead. */
export function jsonRecords(bytes: Uint8Array, pick: (root: unknown) => readonly unknown[] | string): Records {
  const decoded = decodeText(bytes);
  if ('refused' in decoded) return decoded;
  const { text } = decoded;
  const json = readJson(text);
  if ('fault' in json) return refusal('format', `this is no JSON: ${placed(text, json.fault)}`);
  const list = pick(json.root);
  if (typeof list === 'string') return refusal('not_data', list);
  const spans = json.spans.get(list) ?? [0, text.length];
  const walk = new LineWalk(text);
  const notes = new NoteWalk(json.notes);
  const records = list.map((value, i) => {
    const [begin = 0, end = 0] = [spans[2 * i], spans[2 * i + 1]];
    const draft = walk.draftAt(i + 1, begin);
    return judged(value, draft, end - begin, notes.within(begin, end));
  });
  return { records };
}

/** Records of newline-delimited JSON; a line that is none fails alone. */
export function ndjsonRecords(bytes: Uint8Array): Records {
  const decoded = decodeText(bytes);
  if ('refused' in decoded) return decoded;
  const records: RawRecord[] = [];
  decoded.text.split('\n').forEach((text, i) => {
    // RFC 8142 puts a record separator before each text.
    const line = text.startsWith('\u001e') ? text.slice(1) : text;
    if (line.trim() === '') return;
    const draft = new Draft(records.length + 1, i + 1, 1);
    const json = readJson(line);
    if ('fault' in json) {
      const { offset, expected } = json.fault;
      draft.error('', 'format', `this is no JSON: expected ${expected} at line ${i + 1}, column ${offset + 1}`);
      records.push({ record: null, draft });
    } else records.push(judged(json.root, draft, line.length, json.notes));
  });
  return { records };
}

/** What makes a record unreadable as a whole. */
function judged(value: unknown, draft: Draft, length: number, notes: readonly JsonNote[]): RawRecord {
  if (!isPlainObject(value)) draft.error('', 'type', 'expected an object');
  if (length > MAX_RECORD_CHARS) {
    draft.error('', 'length', `expected at most ${MAX_RECORD_CHARS} characters a record, got ${length}`);
  }
  for (const { kind, name } of notes) {
    if (kind === 'too_deep') draft.error('', 'length', 'expected at most 32 levels of nesting');
    else draft.error('', 'ambiguous_key', 'a name stands twice in one object', { value: name.slice(0, 60) });
  }
  return { record: isPlainObject(value) && !draft.failed ? value : null, draft };
}

/** Hands out the notes within growing spans; both come in the order of the text. */
class NoteWalk {
  private next = 0;

  constructor(private readonly notes: readonly JsonNote[]) {}

  within(begin: number, end: number): JsonNote[] {
    const inside: JsonNote[] = [];
    for (let note = this.notes[this.next]; note !== undefined && note.offset < end; note = this.notes[this.next]) {
      if (note.offset >= begin && inside.length < MAX_NOTES) inside.push(note);
      this.next += 1;
    }
    return inside;
  }
}

function placed(text: string, { offset, expected }: JsonFault): string {
  const { line, column } = new LineWalk(text).draftAt(0, offset);
  return `expected ${expected} at line ${line}, column ${column}`;
}

/** Turns growing offsets into lines and columns in one walk over the text. */
class LineWalk {
  private line = 1;
  private lineBegin = 0;
  private lineEnd: number;

  constructor(private readonly text: string) {
    this.lineEnd = this.endFrom(0);
  }

  draftAt(row: number, offset: number): Draft {
    while (this.lineEnd < offset) {
      this.line += 1;
      this.lineBegin = this.lineEnd + 1;
      this.lineEnd = this.endFrom(this.lineBegin);
    }
    return new Draft(row, this.line, offset - this.lineBegin + 1);
  }

  private endFrom(begin: number): number {
    const end = this.text.indexOf('\n', begin);
    return end < 0 ? Infinity : end;
  }
}
