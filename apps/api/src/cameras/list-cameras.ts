import type { FastifyReply, FastifyRequest } from 'fastify';
import { scope } from '#access';
import { CAMERA_SELECTORS, DEFAULT_LIMIT, type Fault, InvalidParameter, MAX_LIMIT, type CameraSearch } from '#catalog';
import { type CameraCursor, CameraFinder } from '#storage';
import { sendRepresentation } from '../answer.js';
import { selected } from '../checked.js';
import { bodyTagOf } from '../conditional.js';
import { baseUrlOf } from '../links.js';
import { contentTypeOf, type Form, negotiate } from '../negotiate.js';
import { PageCursor } from '../page-cursor.js';
import type { ApiParts } from '../parts.js';

/** Answers one page of cameras, as JSON or GeoJSON. */
export async function listCameras(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: ApiParts,
): Promise<FastifyReply> {
  const search = selected(CAMERA_SELECTORS, request);
  refuseContradictions(search);
  const form = negotiate(search.f, request.headers.accept, ['json', 'geojson']);
  const baseUrl = baseUrlOf(request, parts.settings);
  const cursor = new PageCursor(parts.keyring, '/v1/cameras', request.query as Record<string, unknown>, form);
  const after = cursor.read<CameraCursor>(search.cursor, Date.now());
  const page = await new CameraFinder(parts.db).search(scope(request.principal), {
    search,
    limit: Math.min(search.limit ?? DEFAULT_LIMIT, MAX_LIMIT),
    ...(after === undefined ? {} : { after }),
    form,
    baseUrl,
  });
  const links: PageLinks = {
    self: cursor.self(baseUrl),
    next: page.next === null ? null : cursor.urlAfter(page.next, baseUrl),
    resume: page.resume === null ? null : cursor.urlAfter(page.resume, baseUrl, { resume: true }),
  };
  const body = bodyOf(form, page.items, links);
  const link: Record<string, string> = links.next === null ? {} : { link: `<${links.next}>; rel="next"` };
  return sendRepresentation(request, reply, {
    body,
    contentType: contentTypeOf(form),
    etag: bodyTagOf(body),
    headers: link,
  });
}

interface PageLinks {
  readonly self: string;
  readonly next: string | null;
  /** Of the change feed. */
  readonly resume: string | null;
}

/** The items are JSON already: the answer is put together as text. */
function bodyOf(form: Form, items: readonly string[], { self, next, resume }: PageLinks): string {
  const resumed = resume === null ? '' : `,"resume":${JSON.stringify(resume)}`;
  const list = items.join(',');
  if (form === 'json')
    return `{"items":[${list}],"self":${JSON.stringify(self)},"next":${JSON.stringify(next)}${resumed}}`;
  const links = [
    { rel: 'self', type: 'application/geo+json', href: self },
    ...(next === null ? [] : [{ rel: 'next', type: 'application/geo+json', href: next }]),
  ];
  const members = `"numberReturned":${items.length},"links":${JSON.stringify(links)},"next":${JSON.stringify(next)}${resumed}`;
  return `{"type":"FeatureCollection","features":[${list}],${members}}`;
}

/** Selectors that mean nothing beside or without one another. */
function refuseContradictions(search: CameraSearch): void {
  const faults: Fault[] = [];
  if (search.radiusM !== undefined && search.near === undefined) {
    faults.push({ parameter: 'radiusM', code: 'conflict', detail: 'radiusM goes with near=lon,lat' });
  }
  if (faults.length > 0) throw new InvalidParameter(faults);
}
