import type { FastifyReply, FastifyRequest } from 'fastify';
import { scope } from '#access';
import { CAMERA_SELECTORS, type CameraSearch, DEFAULT_LIMIT, type Fault, InvalidParameter, MAX_LIMIT } from '#catalog';
import { type CameraCursor, CameraFinder, type CameraForm } from '#storage';
import { sendRepresentation } from '../answer.js';
import { selected } from '../checked.js';
import { bodyTagOf } from '../conditional.js';
import { baseUrlOf } from '../links.js';
import { contentTypeOf, type Form, negotiate } from '../negotiate.js';
import { PageCursor } from '../page-cursor.js';
import type { ApiParts } from '../parts.js';
import type { Sights } from '../sight/sights.js';
import { searchForTable, writeCameraTable } from './camera-table.js';
import { findSeeing, SEEN_ORDER, type SeenCursor } from './find-seeing.js';

/** Answers one page of cameras, as JSON, GeoJSON or CSV. */
export async function listCameras(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: ApiParts,
  sights: Sights,
): Promise<FastifyReply> {
  const search = selected(CAMERA_SELECTORS, request);
  refuseContradictions(search);
  const form = negotiate(search.f, request.headers.accept, ['json', 'geojson', 'csv']);
  const baseUrl = baseUrlOf(request, parts.settings);
  const cursor = new PageCursor(parts.keyring, '/v1/cameras', request.query as Record<string, unknown>, form);
  const asked = form === 'csv' ? searchForTable(search) : search;
  const page = await pageOf(asked, form === 'csv' ? 'json' : form, cursor, request, parts, sights);
  const links: PageLinks = {
    self: cursor.self(baseUrl),
    next: page.next === null ? null : cursor.urlAfter(page.next, baseUrl),
    resume: page.resume === null ? null : cursor.urlAfter(page.resume, baseUrl, { resume: true }),
  };
  const order = search.sees === undefined ? {} : { order: SEEN_ORDER };
  const body =
    form === 'csv' ? await writeCameraTable(page.items, search.fields) : bodyOf(form, page.items, links, order);
  return sendRepresentation(request, reply, {
    body,
    contentType: contentTypeOf(form),
    etag: bodyTagOf(body),
    headers: headersOf(form, links),
  });
}

/** A table has no room for links beside its rows: there `resume` is in the header too. */
function headersOf(form: Form, { next, resume }: PageLinks): Readonly<Record<string, string>> {
  const links = Object.entries(form === 'csv' ? { next, resume } : { next }).flatMap(([rel, url]) =>
    url === null ? [] : [`<${url}>; rel="${rel}"`],
  );
  return {
    ...(links.length === 0 ? {} : { link: links.join(', ') }),
    ...(form === 'csv' ? { 'content-disposition': 'attachment; filename="cameras.csv"' } : {}),
  };
}

interface FoundPage {
  readonly items: readonly string[];
  readonly next: object | null;
  readonly resume: object | null;
}

/** The page itself: cameras that see a place are judged one by one, all others are found by the database alone. */
async function pageOf(
  search: CameraSearch,
  form: CameraForm,
  cursor: PageCursor,
  request: FastifyRequest,
  parts: ApiParts,
  sights: Sights,
): Promise<FoundPage> {
  const by = scope(request.principal);
  const limit = Math.min(search.limit ?? DEFAULT_LIMIT, MAX_LIMIT);
  const shape = { search, limit, form, baseUrl: baseUrlOf(request, parts.settings) };
  const { sees: place } = search;
  if (place !== undefined) {
    const after = cursor.read<SeenCursor>(search.cursor, Date.now());
    const page = await findSeeing(by, { ...shape, place, ...(after === undefined ? {} : { after }) }, parts.db, sights);
    return { ...page, resume: null };
  }
  const after = cursor.read<CameraCursor>(search.cursor, Date.now());
  return new CameraFinder(parts.db).search(by, { ...shape, ...(after === undefined ? {} : { after }) });
}

interface PageLinks {
  readonly self: string;
  readonly next: string | null;
  /** Of the change feed. */
  readonly resume: string | null;
}

/** The items are JSON already: the answer is put together as text. */
function bodyOf(form: CameraForm, items: readonly string[], { self, next, resume }: PageLinks, more: object): string {
  const further = { ...(resume === null ? {} : { resume }), ...more };
  const rest = Object.entries(further)
    .map(([name, value]) => `,${JSON.stringify(name)}:${JSON.stringify(value)}`)
    .join('');
  const list = items.join(',');
  if (form === 'json')
    return `{"items":[${list}],"self":${JSON.stringify(self)},"next":${JSON.stringify(next)}${rest}}`;
  const links = [
    { rel: 'self', type: 'application/geo+json', href: self },
    ...(next === null ? [] : [{ rel: 'next', type: 'application/geo+json', href: next }]),
  ];
  const members = `"numberReturned":${items.length},"links":${JSON.stringify(links)},"next":${JSON.stringify(next)}${rest}`;
  return `{"type":"FeatureCollection","features":[${list}],${members}}`;
}

/** Selectors that mean nothing beside or without one another. */
function refuseContradictions(search: CameraSearch): void {
  const faults: Fault[] = [];
  const refuse = (parameter: keyof CameraSearch, detail: string): void => {
    if (search[parameter] !== undefined) faults.push({ parameter, code: 'conflict', detail });
  };
  if (search.near === undefined) refuse('radiusM', 'radiusM goes with near=lon,lat');
  if (search.sees === undefined) {
    refuse('targetHeightM', 'targetHeightM goes with sees=lon,lat');
    refuse('minPxPerM', 'minPxPerM goes with sees=lon,lat');
    if (search.footprint === undefined) refuse('basis', 'basis goes with sees=lon,lat or footprint=WKT');
  } else {
    refuse('updatedSince', 'the feed of changes and sees=lon,lat each have an order of their own');
  }
  if (faults.length > 0) throw new InvalidParameter(faults);
}
