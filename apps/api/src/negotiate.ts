import { NotAcceptable } from '#catalog';

/** Forms of an answer, and the media types that ask for them. */
export const FORMS = {
  json: 'application/json',
  geojson: 'application/geo+json',
  csv: 'text/csv',
} as const;
export type Form = keyof typeof FORMS;

const CHARSET = '; charset=utf-8';
export const contentTypeOf = (form: Form): string =>
  `${FORMS[form]}${CHARSET}${form === 'csv' ? '; header=present' : ''}`;

interface Range {
  readonly type: string;
  readonly quality: number;
}

/**
 * The form that the caller likes best: `f=` beats `Accept`; a browser's `text/html` and a wildcard give JSON.
 * @throws NotAcceptable
 */
export function negotiate<const Offered extends Form>(
  f: Form | undefined,
  accept: string | undefined,
  offered: readonly Offered[],
): Offered {
  const [usual] = offered as [Offered];
  if (f !== undefined) {
    const form = offered.find((one) => one === f);
    if (form !== undefined) return form;
    throw new NotAcceptable(`this can be answered as ${offered.join(', ')}, not as ${f}`);
  }
  if (accept === undefined || accept.trim() === '') return usual;
  for (const { type } of rangesOf(accept)) {
    if (['*/*', 'application/*', 'text/html', 'application/xhtml+xml'].includes(type)) return usual;
    const form = offered.find((one) => FORMS[one] === type || (type === 'text/*' && FORMS[one].startsWith('text/')));
    if (form !== undefined) return form;
  }
  throw new NotAcceptable(`this can be answered as ${offered.map((form) => FORMS[form]).join(', ')}`);
}

/** Media ranges that the caller takes at all, best first (RFC 9110 12.5.1). */
function rangesOf(accept: string): readonly Range[] {
  const ranges = accept.split(',').map((part): Range => {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith('q='));
    const quality = q === undefined ? 1 : Number(q.slice(2));
    return { type, quality: Number.isFinite(quality) ? quality : 0 };
  });
  return ranges.filter(({ quality }) => quality > 0).sort((a, b) => b.quality - a.quality);
}
