import type { Outbox, OutboxEvent, OutboxPage, OutboxPosition } from './outbox.js';

/** Versions remembered at most; those of a few seconds matter. */
const MAX_REMEMBERED = 20_000;

/**
 * Reads the outbox from a place on. A change of status does not lock its camera's row and may carry the version before a change
 * that comes ahead of it in the order; it is then raised to that one, so that versions never fall.
 */
export class OutboxReader {
  private readonly versions = new Map<string, number>();

  constructor(
    private readonly outbox: Outbox,
    private at: OutboxPosition,
  ) {}

  get position(): OutboxPosition {
    return this.at;
  }

  /** The next events; again the same until they are passed. */
  async read(limit: number): Promise<OutboxPage> {
    const page = await this.outbox.read(this.at, limit);
    return { ...page, events: page.events.map((event) => this.raised(event)) };
  }

  /** What was read is dealt with: reading goes on behind it. */
  pass({ upTo }: OutboxPage): void {
    this.at = upTo;
  }

  private raised(event: OutboxEvent): OutboxEvent {
    const { cameraId } = event;
    const version = Math.max(event.version, this.versions.get(cameraId) ?? 0);
    if (this.versions.size >= MAX_REMEMBERED) this.versions.clear();
    this.versions.set(cameraId, version);
    return version === event.version ? event : { ...event, version };
  }
}
