import pg from 'pg';
import { type Database, raw, run } from './sql.js';

const CHANNEL = 'sightline_outbox';
/** One process rings so often at most: each notification takes a lock of the whole database at commit. Milliseconds. */
const RING_EVERY_MS = 1_000;
/** A lost connection is made again after this, doubling up to the second, milliseconds. */
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;

/**
 * Wakes the readers of the outbox in all processes (reliability.md REL-5). It says no more than "look"; whoever misses it looks within a second anyway.
 * Rung after the change has committed, never within.
 */
export class OutboxBell {
  private timer: NodeJS.Timeout | null = null;
  private rungAt = -Infinity;

  /** @param onError is told why nobody could be woken */
  constructor(
    private readonly db: Database,
    private readonly onError: (error: unknown) => void,
  ) {}

  ring(): void {
    if (this.timer !== null) return;
    const waitMs = Math.max(0, this.rungAt + RING_EVERY_MS - performance.now());
    this.timer = setTimeout(() => {
      this.timer = null;
      this.rungAt = performance.now();
      run(this.db, raw(`select pg_notify('${CHANNEL}', '')`)).catch(this.onError);
    }, waitMs);
    this.timer.unref();
  }
}

/**
 * Hears the bell, over a connection of its own, until it is closed; a lost one is made again, and whoever listens is woken then too.
 * @param options.url not of a pooler, which would give the connection to somebody else
 */
export function hearOutboxBell({
  url,
  onRing,
  log,
}: {
  readonly url: string;
  readonly onRing: () => void;
  readonly log: (message: string) => void;
}): { close(): Promise<void> } {
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | null = null;
  let isClosed = false;
  let retryMs = FIRST_RETRY_MS;

  const lose = (lost: pg.Client, why: string): void => {
    if (client !== lost || isClosed) return;
    client = null;
    log(`the connection that hears of events is lost (${why}); made again in ${retryMs / 1_000} s`);
    timer = setTimeout(connect, retryMs);
    timer.unref();
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
  };
  const connect = (): void => {
    const made = new pg.Client({ connectionString: url, keepAlive: true, application_name: 'sightline-listen' });
    client = made;
    made.on('error', (error) => lose(made, error.message));
    made.on('end', () => lose(made, 'ended'));
    made.on('notification', onRing);
    void (async () => {
      try {
        await made.connect();
        await made.query(`listen ${CHANNEL}`);
        retryMs = FIRST_RETRY_MS;
        onRing();
      } catch (error) {
        lose(made, error instanceof Error ? error.message : String(error));
        made.end().catch(() => undefined);
      }
    })();
  };
  connect();
  return {
    close: async () => {
      isClosed = true;
      if (timer !== null) clearTimeout(timer);
      await client?.end();
    },
  };
}
