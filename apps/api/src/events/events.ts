import type { FastifyInstance } from 'fastify';
import { Gauge } from 'prom-client';
import { hearOutboxBell, type Outbox, OutboxBell } from '#storage';
import type { ApiParts } from '../parts.js';
import type { EventFeed } from './event-feed.js';
import type { FrameHints } from './frame-hints.js';
import type { Listeners } from './listeners.js';

/** Methods that may leave something to tell. */
const WRITES: readonly string[] = ['POST', 'PUT', 'PATCH', 'DELETE'];

/** Everything that runs so that clients are told what happens. */
export class Events {
  private hearing: ReturnType<typeof hearOutboxBell> | null = null;

  constructor(
    private readonly parts: Pick<ApiParts, 'db' | 'metrics' | 'log' | 'settings'>,
    private readonly outbox: Outbox,
    private readonly listeners: Listeners,
    private readonly feed: EventFeed,
    private readonly hints: FrameHints,
  ) {}

  /** @param wake is told, besides our own feed, that something may have happened */
  async start(server: FastifyInstance, wake: () => void): Promise<void> {
    const { log, settings } = this.parts;
    if (await this.outbox.renewGeneration()) {
      log.warn('a new generation of events begins: this database was restored elsewhere');
    }
    this.measure();
    const look = (): void => {
      this.feed.wake();
      wake();
    };
    const bell = this.bell();
    server.addHook('onResponse', async ({ method }, { statusCode }) => {
      if (!WRITES.includes(method) || statusCode >= 300) return;
      look();
      bell?.ring();
    });
    const url = settings.databaseDirectUrl ?? settings.databaseUrl;
    if (url !== undefined) this.hearing = hearOutboxBell({ url, onRing: look, log: (message) => log.warn(message) });
    this.feed.start();
    this.hints.start();
    this.listeners.start();
  }

  /** Sends the clients away; they go on elsewhere (reliability.md REL-9). */
  async close(): Promise<void> {
    await this.listeners.close();
    await this.feed.close();
    await this.hints.close();
    await this.hearing?.close();
  }

  /** Wakes other processes; the embedded database has none. */
  private bell(): OutboxBell | null {
    const { db, log, settings } = this.parts;
    if (settings.databaseUrl === undefined) return null;
    return new OutboxBell(db, (error) => log.warn({ err: error }, 'other processes could not be woken'));
  }

  private measure(): void {
    const { listeners, outbox } = this;
    const { metrics, log } = this.parts;
    new Gauge({
      name: 'sightline_sse_connections',
      help: 'Clients that are told of events over a stream of this process.',
      registers: [metrics],
      collect() {
        this.set(listeners.count);
      },
    });
    new Gauge({
      name: 'sightline_outbox_lag_seconds',
      help: 'Age of the oldest event that may not be told yet, because an older transaction still writes.',
      registers: [metrics],
      async collect() {
        try {
          this.set(await outbox.lagS());
        } catch (error) {
          log.warn({ err: error }, 'the age of untold events could not be told now');
        }
      },
    });
  }
}
