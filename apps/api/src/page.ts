import { STYLE_PATH } from './page-style.js';

/** Text that is HTML already; everything else is escaped when it is written. */
export class Html {
  constructor(readonly text: string) {}
}

export const HTML_TYPE = 'text/html; charset=utf-8';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escape = (text: string): string => text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);

type Part = Html | string | number | readonly Html[];

/** Writes HTML; every value that is not HTML itself is escaped, so that no name of a camera becomes a tag. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const written = (part: Part): string =>
    part instanceof Html
      ? part.text
      : typeof part === 'object'
        ? part.map(({ text }) => text).join('')
        : escape(String(part));
  return new Html(strings.map((text, i) => text + (i < parts.length ? written(parts[i] as Part) : '')).join(''));
}

/** What our pages may do (security.md WEB-2, WEB-3): show our pictures and our style, and nothing else. */
export const PAGE_HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "img-src 'self'",
    "style-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
} as const;

/** A whole page. `refreshS` lets the browser load it anew by itself. */
export function page(title: string, content: (write: typeof html) => Html, refreshS?: number): string {
  const refresh = refreshS === undefined ? html`` : html`<meta http-equiv="refresh" content="${refreshS}">\n`;
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${refresh}<title>${title} · Sightline</title>
<link rel="stylesheet" href="${STYLE_PATH}">
</head>
<body>
${content(html)}
</body>
</html>
`.text;
}
