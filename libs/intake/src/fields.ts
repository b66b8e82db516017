import { below, shown } from '#catalog';
import type { Draft } from './row.js';

/** A key as it is compared: `Longitude_4326`, `longitude-4326` and `LONGITUDE 4326` are one. */
export const folded = (key: string): string => key.toLowerCase().replace(/[_\-\s]/g, '');

/** Words that agencies write where they know nothing. */
const ABSENT_TEXTS: ReadonlySet<string> = new Set(['', 'null', 'n/a', '-', 'not reported']);
const ABSENT_NUMBERS: ReadonlySet<string> = new Set(['-999', '-9999', '0x0']);

const isAbsent = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'string' && ABSENT_TEXTS.has(value.trim().toLowerCase()));

/** A field as it came. */
export interface Field {
  readonly pointer: string;
  readonly value: unknown;
}

/** A number with the number of decimals in which it was written. */
export interface FieldNumber {
  readonly pointer: string;
  readonly value: number;
  readonly decimals: number;
}

const DECIMAL = /^[+-]?(?:\d+(?:\.(\d*))?|\.(\d+))$/;
const EXPONENT = /^[+-]?\d+(?:\.\d+)?e[+-]?\d{1,3}$/i;

/** Reads a JSON number or a plain decimal in text: `absent`, `bad` (comma, unit, anything else), or the number. */
export function readNumber(value: unknown): Omit<FieldNumber, 'pointer'> | 'absent' | 'bad' {
  if (isAbsent(value)) return 'absent';
  if (typeof value !== 'number' && typeof value !== 'string') return 'bad';
  const text = String(value).trim();
  if (ABSENT_NUMBERS.has(text.replace(/\.0+$/, '').toLowerCase())) return 'absent';
  const plain = DECIMAL.exec(text);
  // JSON may write 1e-7; text in a table may not.
  if (plain === null && !(typeof value === 'number' && EXPONENT.test(text))) return 'bad';
  return { value: Number(text), decimals: (plain === null ? '1234567' : (plain[1] ?? plain[2] ?? '')).length };
}

/** Text in one line: CR, LF and TAB become blanks, blanks at the ends go. */
export const cleanLine = (text: string): string =>
  text
    .split(/[\r\n\t]/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .join(' ');

/** Reads the fields of one record by folded keys, and notes on the draft what is wrong with them. */
export class Fields {
  /** Keys as written, by their folded name. */
  private readonly keys = new Map<string, string>();
  /** Those that fold to a name that another key has taken. */
  private readonly others = new Map<string, string>();

  /** @param at pointer of `record` in the record as it came */
  constructor(
    private readonly record: Readonly<Record<string, unknown>>,
    private readonly draft: Draft,
    private readonly at = '',
  ) {
    for (const key of Object.keys(record)) {
      const name = folded(key);
      if (this.keys.has(name)) this.others.set(name, key);
      else this.keys.set(name, key);
    }
  }

  /** Fields with one of these folded names that state something, in the order of the names. */
  all(names: readonly string[]): Field[] {
    const found: Field[] = [];
    for (const name of names) {
      const key = this.keys.get(name);
      if (key === undefined) continue;
      const pointer = below(this.at, key);
      const other = this.others.get(name);
      if (other !== undefined) {
        const detail = `${shown(key)} and ${shown(other)} are the same name; which one counts?`;
        this.draft.error(pointer, 'ambiguous_key', detail);
      } else if (!isAbsent(this.record[key])) found.push({ pointer, value: this.record[key] });
    }
    return found;
  }

  /** The first of them, or null. */
  first(names: readonly string[]): Field | null {
    return this.all(names)[0] ?? null;
  }

  /** Text for `member`, cleaned; numbers become text. Text of another kind warns and is absent. */
  text(member: string, names: readonly string[], { lines = false } = {}): string | undefined {
    const field = this.first(names);
    this.draft.from(member, field?.pointer ?? `${this.at}/${names[0] ?? ''}`);
    if (field === null) return undefined;
    const { pointer, value } = field;
    if (typeof value !== 'string' && typeof value !== 'number') {
      this.draft.warn(pointer, 'type', 'expected text');
      return undefined;
    }
    return cleaned(String(value), pointer, this.draft, lines);
  }

  /** A number; one that cannot be read is an `error` or a `warning`, and absent. */
  number(names: readonly string[], severity: 'error' | 'warning'): FieldNumber | null {
    const field = this.first(names);
    return field === null ? null : numberIn(field, severity, this.draft);
  }
}

/** The number in a field; one that cannot be read is an `error` or a `warning`, and absent. */
export function numberIn({ pointer, value }: Field, severity: 'error' | 'warning', draft: Draft): FieldNumber | null {
  const read = readNumber(value);
  if (read === 'absent') return null;
  if (read !== 'bad') return { pointer, ...read };
  const detail = 'expected a number, or a plain decimal without comma and unit';
  draft[severity === 'error' ? 'error' : 'warn'](pointer, 'bad_number', detail, { value: shown(value) });
  return null;
}

/** Text in one line (or in several, with LF only), with a warning where that changed it. */
export function cleaned(text: string, pointer: string, draft: Draft, lines = false): string {
  const clean = lines ? text.replace(/\r\n?/g, '\n').trim() : cleanLine(text);
  if (clean !== text) {
    draft.warn(pointer, 'text_cleaned', 'line breaks or blanks at the ends were taken out', { value: shown(text) });
  }
  return clean;
}
