import { request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

/** One block of an event stream. */
export interface StreamedEvent {
  readonly id: string | null;
  readonly event: string | null;
  readonly data: Record<string, unknown> | null;
}

/** A client of server-sent events that can be cut off at any time. */
export class EventClient {
  readonly blocks: StreamedEvent[] = [];
  /** Raw text as it came. */
  text = '';
  status: number | null = null;
  headers: Readonly<Record<string, unknown>> = {};
  isEnded = false;
  /** Id of the last block that had one: where to go on. */
  lastId: string | null = null;
  private rest = '';
  private readonly sent;

  constructor(
    url: string,
    {
      key,
      cookie,
      lastEventId,
    }: { readonly key?: string; readonly cookie?: string; readonly lastEventId?: string | null } = {},
  ) {
    this.sent = request(url, {
      headers: {
        accept: 'text/event-stream',
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(cookie === undefined ? {} : { cookie }),
        ...(lastEventId == null ? {} : { 'last-event-id': lastEventId }),
      },
      agent: false,
    });
    this.sent.on('response', (response) => {
      this.status = response.statusCode ?? null;
      this.headers = response.headers;
      response.setEncoding('utf8').on('data', (text: string) => this.take(text));
      response.on('close', () => (this.isEnded = true)).on('error', () => undefined);
    });
    this.sent.on('error', () => (this.isEnded = true));
    this.sent.end();
  }

  /** What was told, without signs of life. */
  get events(): readonly StreamedEvent[] {
    return this.blocks.filter(({ event }) => event !== null);
  }

  async opened(): Promise<this> {
    return this.until(() => this.blocks.length > 0 || (this.status ?? 200) >= 400);
  }

  /** Generous: transactions of other specs, in other databases of the server, hold events back. */
  async until(holds: (client: this) => boolean, withinMs = 20_000): Promise<this> {
    for (const until = Date.now() + withinMs; Date.now() < until; await wait(10)) if (holds(this)) return this;
    throw new Error(`not within ${withinMs} ms; status ${this.status}, so far: ${this.text}`);
  }

  cut(): void {
    this.sent.destroy();
  }

  private take(text: string): void {
    this.text += text;
    const parts = (this.rest + text).split('\n\n');
    this.rest = parts.pop() ?? '';
    for (const part of parts) {
      const field = (name: string): string | null => new RegExp(`^${name}: ?(.*)$`, 'm').exec(part)?.[1] ?? null;
      const data = field('data');
      const block = {
        id: field('id'),
        event: field('event'),
        data: data === null ? null : (JSON.parse(data) as Record<string, unknown>),
      };
      this.lastId = block.id ?? this.lastId;
      this.blocks.push(block);
    }
  }
}
