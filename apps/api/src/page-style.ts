import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';

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

/** Under this address the style stands; another style has another one, so that browsers keep each for good. */
export const STYLE_PATH = `/assets/page-${createHash('sha256').update(STYLE).digest('hex').slice(0, 16)}.css`;

/** A file of its own, since our pages run and show nothing that stands in their text (security.md WEB-2). */
export function servePageStyle(server: FastifyInstance): void {
  server.get(STYLE_PATH, async (_request, reply) =>
    reply
      .headers({ 'content-type': 'text/css; charset=utf-8', 'cache-control': 'public, max-age=31536000, immutable' })
      .removeHeader('vary')
      .send(STYLE),
  );
}
