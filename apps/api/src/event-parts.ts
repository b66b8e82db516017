import type { Provider } from '@nestjs/common';
import { Counter } from 'prom-client';
import { DELIVERY_PROBLEMS } from '#catalog';
import { EventAudience, FreshFrames, Outbox } from '#storage';
import { EventCursors } from './events/event-cursors.js';
import { EventFeed } from './events/event-feed.js';
import { Events } from './events/events.js';
import { FrameHints } from './events/frame-hints.js';
import { Listeners } from './events/listeners.js';
import { Callers } from './keys/callers.js';
import type { ApiParts } from './parts.js';
import { DeliveryWorker } from './webhooks/delivery-worker.js';
import { OwnGround } from './webhooks/own-ground.js';

/** Longest wait for a webhook's answer, milliseconds (api.md, "Webhooks"). */
const WEBHOOK_TIMEOUT_MS = 15_000;

/** What tells clients and webhooks of events. */
export function eventParts(parts: ApiParts): Provider[] {
  const { db, keyring, log, metrics, settings, version } = parts;
  const outbox = new Outbox(db);
  const audience = new EventAudience(db);
  const cursors = new EventCursors(keyring);
  const feed = new EventFeed(outbox, audience, cursors, log);
  const hints = new FrameHints(new FreshFrames(db), audience, () => feed.streams, log);
  const ground = new OwnGround(settings);
  const deliveries = new Counter({
    name: 'sightline_webhook_deliveries_total',
    help: 'Attempts to tell a webhook of an event, by what came of them.',
    labelNames: ['result'],
    registers: [metrics],
  });
  for (const result of ['delivered', ...DELIVERY_PROBLEMS]) deliveries.inc({ result }, 0);
  const worker = new DeliveryWorker({
    db,
    keyring,
    cursors,
    log,
    ground: () => ground.now(),
    userAgent: `Sightline/${version}`,
    wholeMs: WEBHOOK_TIMEOUT_MS,
    deliveries,
    now: Date.now,
    random: Math.random,
    aheadS: () => 0,
  });
  return [
    { provide: EventCursors, useValue: cursors },
    { provide: EventFeed, useValue: feed },
    {
      provide: Listeners,
      useFactory: (callers: Callers) =>
        new Listeners(callers, cursors, (stream) => feed.streams.has(stream), settings.rateLimits, log),
      inject: [Callers],
    },
    {
      provide: Events,
      useFactory: (listeners: Listeners) => new Events(parts, outbox, listeners, feed, hints),
      inject: [Listeners],
    },
    { provide: OwnGround, useValue: ground },
    { provide: DeliveryWorker, useValue: worker },
  ];
}
