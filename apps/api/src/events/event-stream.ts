import type { ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { Principal } from '#access';
import type { EventDocument, ScopedQuery } from '#catalog';
import type { OutboxPosition } from '#storage';
import type { EventFilter } from './event-filter.js';

/** Bytes that a client may leave unread; one that reads slower is cut off, and goes on from where it was (REL-15). */
const MAX_UNSENT_BYTES = 1_048_576;

/** How soon a client that was cut off comes back, milliseconds. */
export const RETRY_MS = 3_000;

/** Who listens, and to what. */
export interface Listening {
  readonly principal: Principal;
  readonly scope: ScopedQuery;
  readonly filter: EventFilter;
}

/** One client that is told of events as they happen (HTML Living Standard, "Server-sent events"). */
export class EventStream {
  /** Everything before it has been sent. */
  position: OutboxPosition;

  constructor(
    private readonly response: ServerResponse,
    readonly listening: Listening,
    position: OutboxPosition,
  ) {
    this.position = position;
  }

  get isOpen(): boolean {
    return !this.response.destroyed && !this.response.writableEnded;
  }

  /** @param cursor where the client goes on that is cut off before the first event */
  begin(cursor: string): void {
    this.write(`retry: ${RETRY_MS}\nid: ${cursor}\n\n`);
  }

  /** Text made by {@link eventText}. */
  send(text: string): void {
    this.write(text);
  }

  /** A sign of life; moves the client's place on where nothing was to be told. */
  beat(cursor: string): void {
    this.write(`:\nid: ${cursor}\n\n`);
  }

  /** Waits until the client has read what it was sent, at most as long as it stays. */
  async drained(): Promise<void> {
    if (!this.response.writableNeedDrain || !this.isOpen) return;
    const left = new AbortController();
    const gone = (): void => left.abort();
    this.response.once('close', gone);
    await once(this.response, 'drain', { signal: left.signal }).catch((error: unknown) => {
      if (!left.signal.aborted) throw error;
    });
    this.response.off('close', gone);
  }

  /** Sends the client away in good order: it comes back, here or elsewhere. */
  end(): void {
    if (this.isOpen) this.response.end(`retry: ${RETRY_MS}\n\n`);
  }

  cut(): void {
    this.response.destroy();
  }

  private write(text: string): void {
    if (!this.isOpen) return;
    this.response.write(text);
    if (this.response.writableLength > MAX_UNSENT_BYTES) this.cut();
  }
}

/** An event as it goes over the line; a hint has no id, so that nobody goes on from it. */
export function eventText(event: EventDocument): string {
  const id = event.id === undefined ? '' : `id: ${event.id}\n`;
  return `${id}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** What the client had is worth nothing any more: it asks for everything anew, and is told of what follows. */
export const resetText = (cursor: string): string => `id: ${cursor}\nevent: reset\ndata: {"type":"reset"}\n\n`;
