import { plainToInstance } from 'class-transformer';
import { type ValidationError, validateSync } from 'class-validator';
import { below, type Fault, type FaultCode, shown } from './problems.js';
import { findingOf, isPlainObject } from './rules.js';

/** Faults reported at most; the reader mends these first. */
const MAX_FAULTS = 100;

/** Deeper or larger bodies are refused before any validator: class-validator overflows the stack at 20,000 levels. */
const MAX_DEPTH = 32;
const MAX_VALUES = 20_000;
/** Far more than a camera may have: every one of a long list would be judged before its length is. */
const MAX_SERVICES = 100;

export type Checked<T> = { readonly document: T } | { readonly problems: readonly Fault[] };

/** class-validator's own constraint names, where no rule of ours speaks. */
const CODE_OF_CONSTRAINT: Readonly<Record<string, readonly [FaultCode, string]>> = {
  whitelistValidation: ['unknown_member', 'this member is not known here'],
  nestedValidation: ['type', 'expected an object'],
  unknownValue: ['type', 'expected an object'],
};

/** Members that keep their text exactly: the agency's own words, passwords, addresses. */
const VERBATIM_MEMBERS: ReadonlySet<string> = new Set(['properties', 'credentials', 'url']);

/**
 * The one validator, for request bodies and import rows: a plain object of class `type`, its text in NFC and trimmed,
 * its nulls dropped (unknown is absent; only `credentials: null` means something), or every fault of the first step
 * that finds any.
 */
export function check<T extends object>(type: new () => T, value: unknown): Checked<T> {
  if (!isPlainObject(value)) {
    return { problems: [{ pointer: '', code: 'type', detail: `expected a JSON object, got ${shown(value)}` }] };
  }
  const tooMuch = overLimits(value);
  if (tooMuch !== null) return { problems: [tooMuch] };
  const faults: Fault[] = [];
  const cleaned = clean(value, '', faults) as Record<string, unknown>;
  if (faults.length > 0) return { problems: faults.slice(0, MAX_FAULTS) };

  const document = plainToInstance(type, cleaned, { exposeDefaultValues: false });
  const errors = validateSync(document, {
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    validationError: { target: false },
  });
  collect(errors, '', faults);
  return faults.length > 0 ? { problems: faults.slice(0, MAX_FAULTS) } : { document };
}

function overLimits(root: Readonly<Record<string, unknown>>): Fault | null {
  const { services } = root;
  if (Array.isArray(services) && services.length > MAX_SERVICES) {
    const detail = `expected at most ${MAX_SERVICES} items, got ${services.length}`;
    return { pointer: '/services', code: 'length', detail };
  }
  let values = 0;
  const open: { value: unknown; depth: number }[] = [{ value: root, depth: 1 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.depth > MAX_DEPTH) {
      return { pointer: '', code: 'length', detail: `expected at most ${MAX_DEPTH} levels of nesting` };
    }
    if (typeof next.value !== 'object' || next.value === null) continue;
    for (const value of Object.values(next.value)) {
      values += 1;
      if (values > MAX_VALUES) {
        return { pointer: '', code: 'length', detail: `expected at most ${MAX_VALUES} values` };
      }
      open.push({ value, depth: next.depth + 1 });
    }
  }
  return null;
}

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;
// eslint-disable-next-line no-control-regex -- the same without the line feed
const CONTROL_BUT_LF = /[\u0000-\u0009\u000b-\u001f\u007f]/;

/** A member name that class-transformer or class-validator would drop silently (measured on 0.15). */
const isInherited = (name: string): boolean => name in Object.prototype;

/** PostgreSQL's jsonb takes neither NUL nor half of a surrogate pair, in names as in values. */
const isStorable = (text: string): boolean => !/\0|\p{Surrogate}/u.test(text);

function clean(value: unknown, pointer: string, faults: Fault[], member = ''): unknown {
  if (typeof value === 'string') return cleanText(value, pointer, faults, member);
  if (Array.isArray(value)) return value.map((item, i) => clean(item, below(pointer, i), faults, member));
  if (!isPlainObject(value)) return value;
  const result: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value)) {
    const at = below(pointer, name);
    if (isInherited(name) || !isStorable(name)) {
      faults.push({ pointer: at, code: 'unknown_member', detail: 'this name is not allowed' });
    }
    if (item === null && name !== 'credentials' && member !== 'properties') continue;
    else result[name] = clean(item, at, faults, VERBATIM_MEMBERS.has(member) ? member : name);
  }
  return result;
}

function cleanText(text: string, pointer: string, faults: Fault[], member: string): string {
  // PostgreSQL keeps no NUL in text or jsonb, wherever it stands.
  const refused = member === 'description' ? CONTROL_BUT_LF : member === 'properties' ? /\0/ : CONTROL;
  if (refused.test(text)) {
    faults.push({ pointer, code: 'control_character', detail: 'control characters are not allowed in text' });
  }
  if (!isStorable(text) && !refused.test(text)) {
    faults.push({ pointer, code: 'format', detail: 'the text has half of a surrogate pair, which is no character' });
  }
  return VERBATIM_MEMBERS.has(member) ? text : text.normalize('NFC').trim();
}

function collect(errors: readonly ValidationError[], pointer: string, faults: Fault[]): void {
  for (const error of errors) {
    const at = error.property === undefined ? pointer : below(pointer, error.property);
    // One fault a value: the first rule that speaks.
    const [name, message] = Object.entries(error.constraints ?? {})[0] ?? [];
    if (name !== undefined && message !== undefined) {
      const [code, detail] = findingOf(message) ?? CODE_OF_CONSTRAINT[name] ?? (['format', message] as const);
      faults.push({ pointer: at, code, detail });
    } else collect(error.children ?? [], at, faults);
  }
}
