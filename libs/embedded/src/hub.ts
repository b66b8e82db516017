import { applyChanges, listenOnly } from './channels.js';
import { Connection } from './connection.js';
import type { Batch, Desk } from './connection.js';
import { Session } from './session.js';
import type { BackendSetup } from './session.js';
import { Turns } from './turns.js';
import { closeStatement, copyFail, query, ready, ReplyReader, rowsOf, sync, welcome } from './wire.js';
import type { Status } from './wire.js';

/** reliability.md REL-6. */
const MOST_WAITING = 100;
const PATIENCE_MS = 5_000;

/** A client that keeps the session from everybody without using it: an idle transaction, a COPY without rows. */
const IDLE_MS = 10_000;

/** A client that does not read on what it asked for. */
const STALLED_MS = 10_000;

/** A statement that runs on after its client has left, as after `query_timeout`. PGlite cannot cancel it. */
const ABANDONED_MS = 10_000;

/** How long `close` waits for what runs. */
const FAREWELL_MS = 10_000;

/**
 * As if the session were new, whatever a connection left behind. ROLLBACK outside a transaction only warns; after an error
 * in an extended batch the first is ignored, until Sync.
 */
const FRESH = Buffer.concat([
  query('rollback'),
  sync(),
  query('rollback'),
  query('reset session authorization; reset role; reset all'),
]);

type Owner = Connection | symbol;

const RESTARTING = Symbol('restarting');
const CLOSING = Symbol('closing');

const alarm = (afterMs: number, ring: () => void): (() => void) => {
  const timer = setTimeout(ring, afterMs);
  timer.unref();
  return () => clearTimeout(timer);
};

/** A batch under way. */
interface Run {
  readonly batch: Batch;
  readonly reader: ReplyReader;
  status: Status | null;
}

/**
 * One PostgreSQL session, many logical connections. A connection owns the session from its turn until ReadyForQuery says
 * idle, so transactions do not mix; the others wait.
 */
export class Hub implements Desk {
  readonly #turns = new Turns<Owner>(MOST_WAITING, alarm);
  readonly #connections = new Set<Connection>();
  readonly #alarms = new Map<Connection, () => void>();
  readonly #unread = new Map<Connection, number>();
  #session!: Session;
  #lastId = 0;
  #closed = false;
  #batches = 0;
  /** A connection has given up a channel, and with it the session, though others may want it still. */
  #unlistened = false;

  private constructor() {}

  static async open(setup: Omit<BackendSetup, 'create'>, log: (message: string) => void): Promise<Hub> {
    const hub = new Hub();
    hub.#session = await Session.open(setup, log, {
      crashed: (why) => hub.#crashed(why),
      reopened: () => hub.#turns.pass(RESTARTING),
    });
    return hub;
  }

  get restarts(): number {
    return this.#session.restarts;
  }

  /** Batches run so far, clients' and ours. */
  get batches(): number {
    return this.#batches;
  }

  connect(): Connection {
    this.#lastId += 1;
    return new Connection(this, this.#lastId);
  }

  welcome(connection: Connection): Buffer | null {
    if (this.#closed) return null;
    this.#connections.add(connection);
    return welcome(this.#session.parameters, process.pid, connection.id);
  }

  submit(connection: Connection, batch: Batch): void {
    connection.work = connection.work.then(() => this.#serve(connection, batch));
  }

  copy(connection: Connection, messages: Buffer): void {
    this.#session.more(messages);
    this.#watchIdle(connection, 'the rows of COPY stopped coming');
  }

  resumed(connection: Connection): void {
    const bytes = this.#unread.get(connection) ?? 0;
    this.#unread.delete(connection);
    if (bytes === 0) return;
    this.#unwatch(connection);
    this.#session.consumed(bytes);
  }

  finish(connection: Connection): void {
    if (connection.copying) this.#session.more(copyFail('the client is gone'));
    connection.work = connection.work.then(() => connection.hangUp());
  }

  left(connection: Connection): void {
    this.#connections.delete(connection);
    this.#unwatch(connection);
    this.#turns.leave(connection);
    if (connection.copying) this.#session.more(copyFail('the client is gone'));
    this.resumed(connection);
    if (connection.running) {
      this.#watch(connection, ABANDONED_MS, () => this.#session.replace('a statement ran on without its client'));
    }
    void connection.work.then(() => this.#cleanUp(connection));
  }

  /**
   * Runs a statement of ours between the clients' and answers with its rows.
   *
   * @throws when PostgreSQL refuses it or the session breaks
   */
  async ask(sql: string): Promise<readonly (readonly (string | null)[])[]> {
    const owner = Symbol(sql);
    if ((await this.#turns.take(owner)) !== 'yours') throw new Error('the embedded database restarts');
    try {
      return rowsOf(await this.#collect(query(sql)));
    } finally {
      this.#turns.pass(owner);
    }
  }

  /** Ends all connections, then PostgreSQL, with a checkpoint. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const connection of [...this.#connections]) connection.fail('57P01', 'the embedded database is closed');
    const busy = new Promise<'late'>((resolve) => alarm(FAREWELL_MS, () => resolve('late')));
    const turn = await Promise.race([this.#turns.take(CLOSING), busy]);
    await (turn === 'yours' ? this.#session.close() : this.#session.abandon());
  }

  /** Ends everything at once, without a word to PostgreSQL: the directory is not ours any more. */
  async abandon(why: string): Promise<void> {
    this.#closed = true;
    this.#sendAway(CLOSING, '57P01', why);
    await this.#session.abandon();
  }

  async #serve(connection: Connection, batch: Batch): Promise<void> {
    if (connection.gone) return;
    if (connection.skipping) {
      if (batch.end !== 'S') return;
      connection.skipping = false;
      return connection.deliver(ready('I'));
    }
    const turn = await this.#turns.take(connection, PATIENCE_MS);
    switch (turn) {
      case 'yours':
        return this.#perform(connection, batch);
      case 'full':
        return connection.refuse(
          batch,
          '53400',
          `overloaded: ${MOST_WAITING} statements wait for the database already`,
        );
      case 'late':
        return connection.refuse(batch, '53400', `overloaded: the database was busy for ${PATIENCE_MS / 1000} s`);
      case 'gone':
        return;
      default:
        return turn satisfies never;
    }
  }

  async #perform(connection: Connection, batch: Batch): Promise<void> {
    const run: Run = { batch, reader: new ReplyReader(), status: null };
    this.#unwatch(connection);
    connection.running = true;
    connection.life = this.#session.restarts;
    this.#batches += 1;
    try {
      await this.#session.run(batch.bytes, (bytes, last) => this.#route(connection, run, bytes, last));
      if (this.#unlistened && run.status === 'I') await this.#listenAgain();
    } catch {
      return; // it crashed, which every connection was told
    } finally {
      connection.running = false;
      connection.copying = false;
      this.resumed(connection);
      this.#unwatch(connection);
    }
    if (connection.gone) return; // and keeps the session until it is cleaned up
    if (run.status === 'I') this.#turns.pass(connection);
    else this.#watchIdle(connection, 'terminating connection due to idle-in-transaction timeout');
  }

  #route(connection: Connection, run: Run, bytes: Buffer, last: boolean): void {
    const parts: Buffer[] = [];
    for (const reply of run.reader.read(bytes)) {
      switch (reply.kind) {
        case 'bytes':
          parts.push(reply.bytes);
          break;
        case 'ready':
          // After an error PGlite says it twice, and after Flush, where it must not be said at all.
          if (run.batch.end !== 'H') run.status = reply.status;
          break;
        case 'notification':
          parts.push(...this.#notify(connection, reply.channel, reply.message));
          break;
        case 'copy in':
          connection.copying = true;
          if (connection.gone) this.#session.more(copyFail('the client is gone'));
          else this.#watchIdle(connection, 'the rows of COPY did not come');
          break;
        case 'done':
          if (/^(?:UN)?LISTEN$/.test(reply.tag) && applyChanges(connection.channels, run.batch.listens)) {
            this.#unlistened = true;
          }
          break;
        case 'fatal':
          queueMicrotask(() => this.#session.replace(reply.text));
          break;
        default:
          reply satisfies never;
      }
    }
    if (last && run.status !== null) parts.push(ready(run.status));
    if (parts.length > 0) connection.deliver(parts.length === 1 ? parts[0]! : Buffer.concat(parts));
    this.#account(connection, bytes.length);
  }

  /** Tells the others who listen; @returns what the connection itself is told, in its place within the reply */
  #notify(connection: Connection, channel: string, message: Buffer): readonly Buffer[] {
    const listeners = [...this.#connections].filter((each) => each.channels.has(channel));
    for (const each of listeners) if (each !== connection) each.deliver(message);
    return listeners.includes(connection) ? [message] : [];
  }

  /** What the client has not read yet, the backend may not add to without bound. */
  #account(connection: Connection, bytes: number): void {
    if (connection.gone || !connection.stalled) return this.#session.consumed(bytes);
    this.#unread.set(connection, (this.#unread.get(connection) ?? 0) + bytes);
    this.#watch(connection, STALLED_MS, () => connection.destroy());
  }

  async #cleanUp(connection: Connection): Promise<void> {
    if (connection.life !== this.#session.restarts) return; // what it left behind is gone, or nothing
    if (this.#closed) return this.#turns.pass(connection);
    if ((await this.#turns.take(connection)) !== 'yours') return;
    try {
      const statements = connection.statements.map((name) => closeStatement(name));
      await this.#collect(Buffer.concat([FRESH, ...statements, sync()]));
      if (connection.channels.size > 0) await this.#listenAgain();
    } catch {
      return; // it crashed, and the next session is clean
    } finally {
      this.#turns.pass(connection);
    }
  }

  async #listenAgain(): Promise<void> {
    this.#unlistened = false;
    const channels = new Set([...this.#connections].flatMap((each) => [...each.channels]));
    await this.#collect(query(listenOnly(channels)));
  }

  /** Runs a batch of our own and gathers the reply. */
  async #collect(batch: Buffer): Promise<Buffer> {
    const pieces: Buffer[] = [];
    this.#batches += 1;
    await this.#session.run(batch, (bytes) => {
      pieces.push(bytes);
      this.#session.consumed(bytes.length);
    });
    return Buffer.concat(pieces);
  }

  #crashed(why: string): void {
    this.#sendAway(RESTARTING, '57P02', `the embedded database restarts: ${why}`);
  }

  #sendAway(owner: symbol, sqlState: string, text: string): void {
    this.#turns.seize(owner);
    for (const connection of [...this.#connections]) connection.fail(sqlState, text);
  }

  #watchIdle(connection: Connection, why: string): void {
    this.#watch(connection, IDLE_MS, () => connection.fail('25P03', `${why}; the others wait for the one session`));
  }

  #watch(connection: Connection, afterMs: number, ring: () => void): void {
    this.#unwatch(connection);
    this.#alarms.set(connection, alarm(afterMs, ring));
  }

  #unwatch(connection: Connection): void {
    this.#alarms.get(connection)?.();
    this.#alarms.delete(connection);
  }
}
