import { createHash } from 'node:crypto';

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

/** Plain enough for a control room's old browser: no script, no grid, no font from elsewhere. */
const STYLE = `
body { margin: 0; padding: 12px 16px 32px; background: #10161c; color: #e6edf3; font: 15px/1.4 Arial, Helvetica, sans-serif; }
a { color: #8cc8ff; }
h1 { font-size: 22px; margin: 4px 0 2px; } h2 { font-size: 16px; margin: 18px 0 4px; }
p { margin: 4px 0 10px; } code { background: #1d2730; padding: 1px 4px; }
.sum { color: #a9b6c2; margin-bottom: 10px; }
.tile { display: inline-block; vertical-align: top; width: 320px; margin: 0 8px 12px 0; background: #1a232c; border: 2px solid #2b3946; }
.tile img, .none { display: block; width: 320px; height: 180px; background: #0a0e12; border: 0; }
.none { line-height: 180px; text-align: center; color: #74838f; }
.words { padding: 6px 8px 8px; height: 78px; overflow: hidden; }
.name { font-weight: bold; } .who, .age { color: #a9b6c2; font-size: 13px; }
.status { float: right; margin-left: 8px; padding: 1px 6px; font-size: 13px; background: #2b3946; color: #fff; }
.online { background: #1f7a3d; } .degraded, .recovering, .suspect, .busy, .maintenance { background: #8a6100; }
.offline, .unreachable, .auth_failed { background: #a32020; }
.tile.stale { border-color: #a32020; } .stale .age { color: #ff9c8f; }`;

/** Content security policy of our pages: our pictures, this one style, nothing else. */
export const PAGE_CSP = [
  "default-src 'none'",
  "img-src 'self'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const STYLE_ELEMENT = new Html(`<style>${STYLE}</style>`);

/** A whole page. `refreshS` lets the browser load it anew by itself. */
export function page(title: string, content: (write: typeof html) => Html, refreshS?: number): string {
  const refresh = refreshS === undefined ? html`` : html`<meta http-equiv="refresh" content="${refreshS}">\n`;
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${refresh}<title>${title} · Sightline</title>
${STYLE_ELEMENT}
</head>
<body>
${content(html)}
</body>
</html>
`.text;
}
