/** Text that is XML already; everything else is escaped when it is written. */
export class Xml {
  constructor(readonly text: string) {}
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** What XML 1.0 admits in no form, escaped or not; halves of characters among it. */
const FORBIDDEN = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

const escape = (text: string): string =>
  text.replace(FORBIDDEN, '\u{fffd}').replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);

/** A number as drawings need it: a tenth of a pixel. */
const written = (value: number): string => String(Math.round(value * 10) / 10 + 0);

type Part = Xml | string | number | readonly Xml[];

/** Writes XML; every value that is not XML itself is escaped, so that no name of a camera becomes an element. */
export function xml(strings: TemplateStringsArray, ...parts: readonly Part[]): Xml {
  const textOf = (part: Part): string => {
    if (part instanceof Xml) return part.text;
    if (typeof part === 'number') return written(part);
    return typeof part === 'string' ? escape(part) : part.map(({ text }) => text).join('');
  };
  return new Xml(strings.map((text, i) => text + (i < parts.length ? textOf(parts[i] as Part) : '')).join(''));
}
