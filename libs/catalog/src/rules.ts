import { Type } from 'class-transformer';
import { IsOptional, registerDecorator, ValidateNested, type ValidationArguments } from 'class-validator';
import { type JsonSchema, stateSchema } from './member-schema.js';
import { type FaultCode, shown } from './problems.js';

/** What a rule finds wrong with a value, or null. */
export type Finding = readonly [code: FaultCode, detail: string] | null;

const SEPARATOR = '\u0001';

/**
 * Makes a member decorator from one judgement. The code travels in front of the message, since class-validator reports
 * only texts; `check` takes them apart.
 */
export function rule(
  name: string,
  schema: JsonSchema,
  judge: (value: unknown, owner: object) => Finding,
): PropertyDecorator {
  const find = (value: unknown, owner: object): Finding =>
    value === undefined || value === null ? ['required', 'is required'] : judge(value, owner);
  return (target, propertyName) => {
    stateSchema(target, String(propertyName), schema);
    registerDecorator({
      name,
      target: target.constructor,
      propertyName: String(propertyName),
      validator: {
        validate: (value: unknown, { object }: ValidationArguments) => find(value, object) === null,
        defaultMessage: ({ value, object }: ValidationArguments) => find(value, object)?.join(SEPARATOR) ?? '',
      },
    });
  };
}

/** Takes a message made by {@link rule} apart; null for one of class-validator's own. */
export function findingOf(message: string): Finding {
  const at = message.indexOf(SEPARATOR);
  return at < 0 ? null : [message.slice(0, at) as FaultCode, message.slice(at + 1)];
}

/** The member may be absent or null; null means absent. */
export const Optional = (): PropertyDecorator => IsOptional();

const countOf = (text: string): number => [...text].length;

/** Text of `min` to `max` code points. */
export const Text = (min: number, max: number, schema: JsonSchema = {}): PropertyDecorator =>
  rule('text', { type: 'string', minLength: min, maxLength: max, ...schema }, (value) => {
    const finding = judgeText(value, min, max);
    // What nobody may read back is not quoted either, whatever its type.
    return schema.writeOnly === true && finding?.[0] === 'type' ? ['type', 'expected text'] : finding;
  });

function judgeText(value: unknown, min: number, max: number): Finding {
  if (typeof value !== 'string') return ['type', `expected text, got ${shown(value)}`];
  const length = countOf(value);
  if (length < min || length > max) {
    return ['length', `expected ${min} to ${max} characters, got ${length}`];
  }
  return null;
}

/** Text that matches an expression; `form` says in words what is expected. */
export const Form = (pattern: RegExp, form: string, schema: JsonSchema = {}): PropertyDecorator =>
  rule('form', { type: 'string', pattern: pattern.source, ...schema }, (value) => {
    if (typeof value !== 'string') return ['type', `expected text, got ${shown(value)}`];
    return pattern.test(value) ? null : ['format', `expected ${form}, got ${shown(value)}`];
  });

/** Limits of a number; each may be left out. */
export interface Limits {
  readonly min?: number;
  readonly above?: number;
  readonly max?: number;
  readonly below?: number;
}

const limitsOf = ({ min, above, max, below }: Limits): string =>
  [
    min === undefined ? '' : `${min} <=`,
    above === undefined ? '' : `${above} <`,
    'value',
    max === undefined ? '' : `<= ${max}`,
    below === undefined ? '' : `< ${below}`,
  ]
    .filter(Boolean)
    .join(' ');

const outside = (value: number, { min, above, max, below }: Limits): boolean =>
  (min !== undefined && value < min) ||
  (above !== undefined && value <= above) ||
  (max !== undefined && value > max) ||
  (below !== undefined && value >= below);

/** Judges a number against its limits; NaN and the infinities are never numbers here. */
export function judgeNumber(value: unknown, limits: Limits, whole = false): Finding {
  if (typeof value !== 'number') return ['type', `expected a number, got ${shown(value)}`];
  if (!Number.isFinite(value)) return ['range', `expected a finite number (${limitsOf(limits)}), got ${value}`];
  if (whole && !Number.isSafeInteger(value)) return ['type', `expected a whole number, got ${value}`];
  return outside(value, limits) ? ['range', `expected ${limitsOf(limits)}, got ${value}`] : null;
}

/** JSON Schema of a number with limits. */
export const numberSchema = (type: 'number' | 'integer', { min, above, max, below }: Limits): JsonSchema => ({
  type,
  ...(min === undefined ? {} : { minimum: min }),
  ...(above === undefined ? {} : { exclusiveMinimum: above }),
  ...(max === undefined ? {} : { maximum: max }),
  ...(below === undefined ? {} : { exclusiveMaximum: below }),
});

/** A finite number within limits. */
export const Real = (limits: Limits): PropertyDecorator =>
  rule('real', numberSchema('number', limits), (value) => judgeNumber(value, limits));

/** A whole number within limits. */
export const Whole = (limits: Limits): PropertyDecorator =>
  rule('whole', numberSchema('integer', limits), (value) => judgeNumber(value, limits, true));

/** Clockwise from true north, 0 included, 360 refused: one direction has one spelling. */
export const Azimuth = (): PropertyDecorator => Real({ min: 0, below: 360 });

/** One of a closed list. */
export const OneOf = (list: readonly string[], schema: JsonSchema = {}): PropertyDecorator =>
  rule('oneOf', { type: 'string', enum: [...list], ...schema }, (value) => judgeOneOf(value, list));

function judgeOneOf(value: unknown, list: readonly string[]): Finding {
  return list.includes(value as string) ? null : ['enum', `expected one of ${list.join(', ')}; got ${shown(value)}`];
}

/** Several of a closed list, each at most once. */
export const SomeOf = (list: readonly string[]): PropertyDecorator =>
  rule(
    'someOf',
    { type: 'array', items: { type: 'string', enum: [...list] }, uniqueItems: true, maxItems: list.length },
    (value) => judgeList(value, list.length, (item) => judgeOneOf(item, list)),
  );

/** A list of different texts. */
export const Texts = (maxItems: number, min: number, max: number): PropertyDecorator =>
  rule(
    'texts',
    { type: 'array', items: { type: 'string', minLength: min, maxLength: max }, uniqueItems: true, maxItems },
    (value) => judgeList(value, maxItems, (item) => judgeText(item, min, max)),
  );

/** A list of different items, each judged by itself. */
export function judgeList(value: unknown, maxItems: number, judge: (item: unknown) => Finding): Finding {
  if (!Array.isArray(value)) return ['type', `expected a list, got ${shown(value)}`];
  if (value.length > maxItems) return ['length', `expected at most ${maxItems} items, got ${value.length}`];
  for (const item of value as readonly unknown[]) {
    const finding = judge(item);
    if (finding !== null) return finding;
  }
  return new Set(value).size === value.length ? null : ['duplicate', 'the same item stands twice'];
}

/** true or false, never a text. */
export const Switch = (): PropertyDecorator =>
  rule('switch', { type: 'boolean' }, (value) =>
    typeof value === 'boolean' ? null : ['type', `expected true or false, got ${shown(value)}`],
  );

const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/** Whether a text is an RFC 3339 date and time with a zone that exists in the calendar. */
export function isMoment(text: string): boolean {
  if (!RFC3339.test(text) || Number.isNaN(Date.parse(text))) return false;
  const [year, month, day] = text.slice(0, 10).split('-').map(Number) as [number, number, number];
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/** A moment, RFC 3339 with a zone. */
export const Moment = (): PropertyDecorator =>
  rule('moment', { type: 'string', format: 'date-time' }, (value) =>
    typeof value === 'string' && isMoment(value)
      ? null
      : ['format', `expected an RFC 3339 time such as 2026-11-24T08:00:00Z, got ${shown(value)}`],
  );

/** Names by BCP 47 language tag. */
export const Names = (): PropertyDecorator =>
  rule(
    'names',
    { type: 'object', additionalProperties: { type: 'string', minLength: 1, maxLength: 200 }, maxProperties: 20 },
    (value) => {
      if (!isPlainObject(value)) return ['type', `expected an object of language tag and name, got ${shown(value)}`];
      const entries = Object.entries(value);
      if (entries.length > 20) return ['length', `expected at most 20 languages, got ${entries.length}`];
      for (const [tag, name] of entries) {
        if (!isLanguageTag(tag)) return ['format', `${shown(tag)} is no BCP 47 language tag`];
        const finding = judgeText(name, 1, 200);
        if (finding !== null) return finding;
      }
      return null;
    },
  );

function isLanguageTag(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The agency's own members, kept verbatim: at most 16 KiB as JSON, at most 4 levels deep. */
export const Verbatim = (): PropertyDecorator =>
  rule('verbatim', { type: 'object', additionalProperties: true }, (value) => {
    if (!isPlainObject(value)) return ['type', `expected an object, got ${shown(value)}`];
    if (depthOf(value) > 4) return ['length', 'expected at most 4 levels of nesting'];
    const bytes = Buffer.byteLength(JSON.stringify(value));
    return bytes <= 16_384 ? null : ['length', `expected at most 16384 bytes of JSON, got ${bytes}`];
  });

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

type ClassOf = new () => object;

/**
 * A document within a document. `@ValidateNested` alone lets lists pass where one document is meant (class-validator
 * 0.15), so the shape is judged first.
 */
export function Nested(type: () => ClassOf): PropertyDecorator {
  const shape = rule('nested', {}, (value) =>
    isPlainObject(value) ? null : ['type', `expected an object, got ${shown(value)}`],
  );
  return all(shape, ValidateNested(), Type(type));
}

/** A list of documents, `minItems` to `maxItems` long. */
export function NestedList(type: () => ClassOf, maxItems: number, minItems = 0): PropertyDecorator {
  const shape = rule('nestedList', { type: 'array', maxItems, ...(minItems > 0 ? { minItems } : {}) }, (value) => {
    if (!Array.isArray(value)) return ['type', `expected a list, got ${shown(value)}`];
    if (value.length > maxItems || value.length < minItems) {
      return ['length', `expected ${minItems} to ${maxItems} items, got ${value.length}`];
    }
    const wrong = value.find((item) => !isPlainObject(item)) as unknown;
    return wrong === undefined ? null : ['type', `expected a list of objects, got ${shown(wrong)} in it`];
  });
  return all(shape, ValidateNested({ each: true }), Type(type));
}

/** Several decorators as one. */
export function all(...decorators: PropertyDecorator[]): PropertyDecorator {
  return (target, key) => {
    for (const decorate of decorators) decorate(target, key);
  };
}
