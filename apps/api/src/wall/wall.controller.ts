import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { scope } from '#access';
import { type Camera, type CameraSearch, CAMERA_SELECTORS } from '#catalog';
import { type CameraCursor, CameraFinder } from '#storage';
import { cacheControlOf } from '../answer.js';
import { selected } from '../checked.js';
import { baseUrlOf } from '../links.js';
import { Operation } from '../operation.js';
import { Html, html, HTML_TYPE, page, PAGE_HEADERS } from '../page.js';
import { PageCursor } from '../page-cursor.js';
import { type ApiParts, PARTS } from '../parts.js';

/** Cameras on one page of the wall. */
const PAGE_SIZE = 60;
/** Seconds after which the browser loads the page anew. */
const REFRESH_S = 15;

const { authority, usage, tag, status, city, basin, q, bbox, near, radiusM, cursor } = CAMERA_SELECTORS;
const WALL_SELECTORS = { authority, usage, tag, status, city, basin, q, bbox, near, radiusM, cursor } as const;

/** The wall: every camera with its latest picture, as plain HTML for any browser. */
@Controller()
export class WallController {
  constructor(@Inject(PARTS) private readonly parts: ApiParts) {}

  @Get('wall')
  @Operation({
    id: 'showWall',
    tag: 'about',
    summary: 'Show the wall of cameras',
    description:
      'HTML without script: the cameras that fit the selectors with their latest pictures, status and age, loaded anew by the browser every 15 seconds.',
    permission: 'public',
    query: WALL_SELECTORS,
    answers: { 200: { description: 'The page.', content: { 'text/html': { type: 'string' } } } },
    refuses: ['cursor_mismatch', 'cursor_expired'],
  })
  async wall(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    return this.show(request, reply);
  }

  @Get()
  @Operation({
    id: 'showFirstPage',
    tag: 'about',
    summary: 'Show the first page',
    description: 'The wall, until there is a console.',
    permission: 'public',
    query: WALL_SELECTORS,
    answers: { 200: { description: 'The page.', content: { 'text/html': { type: 'string' } } } },
    refuses: ['cursor_mismatch', 'cursor_expired'],
  })
  async first(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    return this.show(request, reply);
  }

  private async show(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const search: CameraSearch = selected(WALL_SELECTORS, request);
    const now = Date.now();
    const pages = new PageCursor(this.parts.keyring, '/wall', request.query as Record<string, unknown>, 'html');
    const after = pages.read<CameraCursor>(search.cursor, now);
    const found = await new CameraFinder(this.parts.db).search(scope(request.principal), {
      search: { lifecycle: ['active', 'maintenance'], ...search, include: ['health', 'thumbnail'] },
      limit: PAGE_SIZE,
      ...(after === undefined ? {} : { after }),
      form: 'json',
      baseUrl: baseUrlOf(request, this.parts.settings),
    });
    const cameras = found.items.map((json) => JSON.parse(json) as Camera);
    const next =
      found.next === null ? html`` : html`<p><a href="${pages.urlAfter(found.next, '')}">More cameras</a></p>`;
    const body = page('Cameras', () => content(cameras, next, now), REFRESH_S);
    return reply
      .code(200)
      .headers({
        'content-type': HTML_TYPE,
        ...PAGE_HEADERS,
        'cache-control': cacheControlOf(request.principal),
      })
      .send(body);
  }
}

function content(cameras: readonly Camera[], next: Html, now: number): Html {
  const showing = cameras.filter(({ thumbnail }) => thumbnail !== undefined && !thumbnail.stale).length;
  const time = new Date(now).toISOString().slice(11, 19);
  const none = cameras.length === 0 ? html`<p>No public camera is registered that fits.</p>` : html``;
  return html`<h1>Sightline</h1>
<p class="sum">${showing} of ${cameras.length} cameras on this page show a picture now; ${time} UTC, loaded anew every ${REFRESH_S} s.
<a href="/docs">API documentation</a></p>
<div>${cameras.map((camera) => tile(camera, now))}</div>
${none}${next}`;
}

function tile(camera: Camera, now: number): Html {
  const { id, name, authority: slug, thumbnail, health } = camera;
  const status = health?.status ?? 'unknown';
  const address = `/v1/cameras/${id}/thumbnail`;
  const picture =
    thumbnail === undefined
      ? html`<div class="none">no picture yet</div>`
      : html`<a href="${address}?width=640"><img width="320" height="180" alt="Latest picture of ${name}" src="${address}?width=320"></a>`;
  const age = thumbnail === undefined ? (health?.reason ?? 'not probed yet') : ageOf(thumbnail, health, now);
  return html`<div class="tile${thumbnail?.stale === true ? ' stale' : ''}">${picture}<div class="words">
<span class="status ${status}">${status.replace('_', ' ')}</span><div class="name"><a href="/v1/cameras/${id}">${name}</a></div>
<div class="who">${slug}</div><div class="age">${age}</div></div></div>
`;
}

function ageOf(thumbnail: NonNullable<Camera['thumbnail']>, health: Camera['health'], now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(thumbnail.capturedAt)) / 1_000));
  const age = `picture ${inWords(seconds)} old`;
  return thumbnail.stale ? `OLD: ${age}${health?.reason === undefined ? '' : `; ${health.reason}`}` : age;
}

/** An age as people say it. */
export function inWords(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`;
}
