import type { FastifyReply, FastifyRequest } from 'fastify';
import { DEFAULT_LIMIT, MAX_LIMIT, PAGE_SELECTORS, type Selector } from '#catalog';
import { sendRepresentation } from './answer.js';
import { selected } from './checked.js';
import { bodyTagOf } from './conditional.js';
import { baseUrlOf } from './links.js';
import { contentTypeOf, negotiate } from './negotiate.js';
import { PageCursor } from './page-cursor.js';
import type { ApiParts } from './parts.js';

/** A list in the order of one key of its items. */
export interface PlainList<Item> {
  /** Its address path. */
  readonly path: string;
  /** Selectors of its own, `limit` and `cursor` among them; the caller reads them. */
  readonly selectors?: Readonly<Record<string, Selector<unknown>>> & typeof PAGE_SELECTORS;
  /** At most `limit` items beyond the key of the last one seen. */
  readonly find: (limit: number, after: string | undefined) => Promise<readonly Item[]>;
  readonly keyOf: (item: Item) => string;
}

/** Answers one page of a list: `limit`, `cursor`, and a link to the next page. */
export async function sendPage<Item>(
  request: FastifyRequest,
  reply: FastifyReply,
  { keyring, settings }: ApiParts,
  { path, selectors = PAGE_SELECTORS, find, keyOf }: PlainList<Item>,
): Promise<FastifyReply> {
  const { limit: wanted = DEFAULT_LIMIT, cursor: text } = selected(selectors, request);
  negotiate(undefined, request.headers.accept, ['json']);
  const limit = Math.min(wanted, MAX_LIMIT);
  const baseUrl = baseUrlOf(request, settings);
  const cursor = new PageCursor(keyring, path, request.query as Record<string, unknown>, 'json');
  const found = await find(limit + 1, cursor.read<{ key: string }>(text, Date.now())?.key);
  const items = found.slice(0, limit);
  const last = found.length > limit ? items.at(-1) : undefined;
  const next = last === undefined ? null : cursor.urlAfter({ key: keyOf(last) }, baseUrl);
  const body = JSON.stringify({ items, self: cursor.self(baseUrl), next });
  return sendRepresentation(request, reply, {
    body,
    contentType: contentTypeOf('json'),
    etag: bodyTagOf(body),
    headers: next === null ? {} : { link: `<${next}>; rel="next"` },
  });
}
