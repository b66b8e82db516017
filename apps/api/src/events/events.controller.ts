import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { scope } from '#access';
import { EVENT_SELECTORS, EventDocument, InvalidParameter, NotAcceptable } from '#catalog';
import { selected } from '../checked.js';
import { Operation } from '../operation.js';
import { EventCursors, type GivenCursor } from './event-cursors.js';
import { EventFeed } from './event-feed.js';
import { EventFilter } from './event-filter.js';
import { EventStream, resetText } from './event-stream.js';
import { Listeners } from './listeners.js';

const TYPE = 'text/event-stream';
/** Events are kept for seven days (migration 0010). A place that is nearly as old is not worth the risk of a gap. */
const KEPT_MS = 7 * 86_400_000 - 600_000;

/** What happens, as it happens. */
@Controller('v1/events')
export class EventsController {
  constructor(
    @Inject(EventFeed) private readonly feed: EventFeed,
    @Inject(EventCursors) private readonly cursors: EventCursors,
    @Inject(Listeners) private readonly listeners: Listeners,
  ) {}

  @Get()
  @Operation({
    id: 'streamEvents',
    tag: 'events',
    summary: 'Be told what happens to cameras',
    description:
      'Server-sent events of the cameras that the caller may know; selectors combine with AND. Each event has an `id`; a client that was cut off sends the last one it had as `Last-Event-ID` and misses nothing of the last seven days. Where that is longer ago the first event is `reset`: ask for everything anew. Events are thin and may come twice; `camera.version` never falls. A camera that leaves the caller’s sight is told of once more, as `camera.retired` with `reason: withdrawn`. `frame.updated` is a hint without an id, for streams that choose cameras or a place.',
    permission: 'public',
    budget: 'events',
    query: EVENT_SELECTORS,
    headers: {
      'Last-Event-ID': {
        description: 'Id of the last event that the client had; stronger than `after`.',
        example: 'q1Zk…',
      },
    },
    answers: {
      200: {
        description: 'Events until one side ends; `data` of each is an EventDocument.',
        content: { [TYPE]: EventDocument },
      },
    },
    refuses: ['cursor_mismatch'],
  })
  async stream(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { types, authority, camera, bbox, near, radiusM, after } = selected(EVENT_SELECTORS, request);
    if (radiusM !== undefined && near === undefined) {
      throw new InvalidParameter([{ parameter: 'radiusM', code: 'conflict', detail: 'a radius needs near' }]);
    }
    requireEventStream(request.headers.accept);
    const given = this.givenBy(request.headers['last-event-id'], after);
    const filter = new EventFilter({ types, authorities: authority, cameras: camera, bbox, near, radiusM });
    this.listeners.admit(request, reply);
    const now = await this.feed.now();
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': `${TYPE}; charset=utf-8`,
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    if (request.method === 'HEAD' || raw.destroyed) {
      raw.end();
      return;
    }
    const { principal } = request;
    const isLost = given !== null && (Date.now() - given.at > KEPT_MS || given.position.generation > now.generation);
    const stream = new EventStream(
      raw,
      { principal, scope: scope(principal), filter },
      given === null || isLost ? now : given.position,
    );
    raw.once('close', () => {
      this.feed.leave(stream);
      this.listeners.remove(stream);
    });
    this.listeners.add(stream, request.caller);
    const cursor = this.cursors.of(stream.position, given === null || isLost ? Date.now() : given.at);
    stream.begin(cursor);
    if (isLost) stream.send(resetText(cursor));
    this.feed.join(stream);
  }

  private givenBy(lastEventId: string | string[] | undefined, after: string | undefined): GivenCursor | null {
    const text = typeof lastEventId === 'string' && lastEventId !== '' ? lastEventId : after;
    return text === undefined ? null : this.cursors.read(text);
  }
}

/** @throws NotAcceptable */
function requireEventStream(accept: string | undefined): void {
  if (accept === undefined || accept.trim() === '' || /text\/event-stream|text\/\*|\*\/\*/i.test(accept)) return;
  throw new NotAcceptable(`this is answered as ${TYPE} alone`);
}
