import type { Logger } from 'pino';
import {
  comparePositions,
  type EventAudience,
  type Judgement,
  type Outbox,
  type OutboxEvent,
  type OutboxPosition,
  OutboxReader,
} from '#storage';
import { Recurring } from '../recurring.js';
import { byScope } from './by-scope.js';
import type { EventCursors } from './event-cursors.js';
import { type EventStream, eventText } from './event-stream.js';
import { documentOf, toldOf } from './tell.js';

/** The outbox is looked at so often, whether or not anybody rings, milliseconds. */
const LOOK_EVERY_MS = 1_000;
/** Events of one look, and of one step of a client that catches up. */
const BATCH = 500;
const STEP = 200;
/** Clients that catch up at a time: after a restart all come back at once. */
const MAX_CATCHING_UP = 4;

/**
 * Tells every client of this process what happens: one reader of the outbox for all, and one question to the database for a batch of
 * events and all clients that may read the same. A client that was away first reads by itself what it missed.
 */
export class EventFeed {
  private readonly live = new Set<EventStream>();
  /** Have caught up and wait to be told with the others. */
  private readonly joining = new Set<EventStream>();
  /** Have to read what they missed; the first of them do so now. */
  private readonly behind = new Set<EventStream>();
  private catchingUp = 0;
  private asked: Promise<OutboxPosition> | null = null;
  private reader: OutboxReader | null = null;
  private readonly looking: Recurring;

  constructor(
    private readonly outbox: Outbox,
    private readonly audience: EventAudience,
    private readonly cursors: EventCursors,
    private readonly log: Logger,
  ) {
    this.looking = new Recurring(
      () => this.look(),
      LOOK_EVERY_MS,
      (error) => this.log.warn({ err: error }, 'events could not be read now'),
    );
  }

  start(): void {
    this.looking.start();
  }

  async close(): Promise<void> {
    await this.looking.close();
  }

  /** Looks now: somebody has written. */
  wake(): void {
    if (this.live.size + this.joining.size > 0) this.looking.now();
  }

  /** Clients that are told of what happens now. */
  get streams(): ReadonlySet<EventStream> {
    return this.live;
  }

  /** Where a client begins that brings no place of its own. Asked once for all who come at the same time. */
  async now(): Promise<OutboxPosition> {
    if (this.reader !== null) return this.reader.position;
    this.asked ??= this.outbox.horizon().finally(() => (this.asked = null));
    return this.asked;
  }

  /** Tells a client of what happens from its position on, until it leaves. */
  join(stream: EventStream): void {
    this.joining.add(stream);
    this.looking.now();
  }

  leave(stream: EventStream): void {
    for (const streams of [this.live, this.joining, this.behind]) streams.delete(stream);
  }

  private async look(): Promise<void> {
    if (this.live.size + this.joining.size === 0) {
      this.reader = null;
      return;
    }
    this.reader ??= new OutboxReader(this.outbox, await this.outbox.horizon());
    this.admit(this.reader.position);
    for (let isFull = true; isFull;) {
      const streams = [...this.live];
      if (streams.length === 0) return;
      const page = await this.reader.read(BATCH);
      await this.deliver(page.events, streams);
      this.reader.pass(page);
      for (const stream of streams) stream.position = page.upTo;
      isFull = page.isFull;
    }
  }

  /** Lets those in who have read as far as the others; whoever was overtaken reads on by himself. */
  private admit(position: OutboxPosition): void {
    for (const stream of this.joining) {
      this.joining.delete(stream);
      if (comparePositions(stream.position, position) >= 0) {
        this.live.add(stream);
      } else {
        this.behind.add(stream);
        this.catchUpNext();
      }
    }
  }

  private catchUpNext(): void {
    const [stream] = this.behind;
    if (stream === undefined || this.catchingUp >= MAX_CATCHING_UP) return;
    this.behind.delete(stream);
    this.catchingUp += 1;
    void this.catchUp(stream)
      .catch((error: unknown) => {
        this.log.warn({ err: error }, 'a client could not be told what it missed');
        stream.cut();
      })
      .finally(() => {
        this.catchingUp -= 1;
        this.catchUpNext();
      });
  }

  private async catchUp(stream: EventStream): Promise<void> {
    const reader = new OutboxReader(this.outbox, stream.position);
    for (let isFull = true; isFull && stream.isOpen;) {
      const page = await reader.read(STEP);
      await this.deliver(page.events, [stream]);
      reader.pass(page);
      stream.position = page.upTo;
      await stream.drained();
      isFull = page.isFull;
    }
    if (stream.isOpen) this.join(stream);
  }

  /** All is judged before anything is sent: a database that fails in between makes nobody hear things twice. */
  private async deliver(events: readonly OutboxEvent[], streams: readonly EventStream[]): Promise<void> {
    if (events.length === 0) return;
    const judged: { readonly members: readonly EventStream[]; readonly judgements: readonly Judgement[] }[] = [];
    for (const { scope, members } of byScope(streams, ({ listening }) => listening.scope)) {
      judged.push({ members, judgements: await this.audience.judge(scope, events) });
    }
    for (const { members, judgements } of judged) {
      const texts = events.map((event, i) => this.textOf(event, judgements[i] as Judgement));
      for (const stream of members) {
        events.forEach((event, i) => {
          const isBehind = comparePositions(event, stream.position) > 0;
          if (isBehind && toldOf(event, judgements[i] as Judgement, stream.listening.filter) !== null) {
            stream.send((texts[i] as () => string)());
          }
        });
      }
    }
  }

  /** Written at most once for all who read the same. */
  private textOf(event: OutboxEvent, judgement: Judgement): () => string {
    let text: string | undefined;
    return () => (text ??= eventText(documentOf(event, judgement, this.cursors.ofEvent(event))));
  }
}
