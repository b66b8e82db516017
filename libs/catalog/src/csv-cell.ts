/**
 * What spreadsheets take for the beginning of a formula (security.md CSV-1), in the full-width forms too, which those of East Asia read alike. Apostrophes may
 * stand before: text that begins with `'=` gets one more, so that whoever takes one away, as imports do, always has the text as it was.
 */
const LIKE_A_FORMULA = /^'*[=+\-@\t\r＝＋－＠]/;

/** Items that would not be told apart in a list with semicolons. */
const NOT_PLAIN = /[;[]/;

const isText = (value: unknown): value is string => typeof value === 'string';

/**
 * A value of a document as the text of one CSV cell, yet without quotes. Absent, null and an empty list: nothing. A number stands as in JSON, and is never
 * guarded: -12.5 is one. Lists of texts: `a; b`, or JSON where an item has a semicolon or bracket; everything else is JSON.
 */
export function csvCell(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return guarded(isText(value) ? value : Array.isArray(value) ? listText(value) : JSON.stringify(value));
}

const guarded = (text: string): string => (LIKE_A_FORMULA.test(text) ? `'${text}` : text);

function listText(items: readonly unknown[]): string {
  if (items.every((item) => isText(item) && !NOT_PLAIN.test(item))) return items.join('; ');
  return JSON.stringify(items);
}
