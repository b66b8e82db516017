import { Duplex } from 'node:stream';
import { listenChanges } from './channels.js';
import type { ListenChange } from './channels.js';
import {
  ClientReader,
  errorResponse,
  letterOf,
  openingOf,
  ready,
  sqlOf,
  statementNameOf,
  withStatementName,
} from './wire.js';

/** Whole messages of a client that are run in one go. */
export interface Batch {
  readonly bytes: Buffer;
  /** Letter of its last message: Query, Sync or function call end in ReadyForQuery, Flush does not. */
  readonly end: 'Q' | 'S' | 'F' | 'H';
  readonly listens: readonly ListenChange[];
}

/** What a connection needs of the hub. */
export interface Desk {
  /** Bytes that greet a client, or null: closed, it must go. */
  welcome(connection: Connection): Buffer | null;
  submit(connection: Connection, batch: Batch): void;
  /** CopyData, CopyDone, CopyFail for the COPY FROM STDIN that runs. */
  copy(connection: Connection, messages: Buffer): void;
  /** The client reads again after it had stopped. */
  resumed(connection: Connection): void;
  /** The client will send nothing more: hang up after what it has sent. */
  finish(connection: Connection): void;
  /** Once: the connection is no more. */
  left(connection: Connection): void;
}

const BATCH_ENDS = new Set(['Q', 'S', 'F', 'H']);
const COPY_LETTERS = new Set(['d', 'c', 'f']);

/** What node-postgres takes for a socket: one logical connection to the session. */
export class Connection extends Duplex {
  /** Batches done or dropped; the next is run after it. */
  work: Promise<void> = Promise.resolve();
  /** Channels it listens to. */
  readonly channels = new Set<string>();
  /** The life of the session in which it ran something, by number; null when it never did. */
  life: number | null = null;
  /** A batch of it is running. */
  running = false;
  /** COPY FROM STDIN waits for its rows. */
  copying = false;
  /** Refused in the middle of an extended batch: what comes before Sync is dropped. */
  skipping = false;
  /** It is closed or closing; nothing reaches the client any more. */
  gone = false;
  /** The client has stopped reading. */
  stalled = false;

  readonly #reader = new ClientReader();
  readonly #names = new Map<string, string>();
  #introduced = false;
  #finished = false;
  #messages: Buffer[] = [];
  #listens: ListenChange[] = [];
  readonly #rows: Buffer[] = [];

  constructor(
    private readonly desk: Desk,
    readonly id: number,
  ) {
    super({ allowHalfOpen: false });
  }

  // What else node-postgres calls on a net.Socket.
  connect(): this {
    process.nextTick(() => this.emit('connect'));
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  setTimeout(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }

  /** Names that its prepared statements have in the session. */
  get statements(): readonly string[] {
    return [...this.#names.values()];
  }

  /** Hands the client bytes; remembers when it does not read on. */
  deliver(bytes: Buffer): void {
    if (!this.gone && !this.push(bytes)) this.stalled = true;
  }

  /** Answers a batch that was not run. The connection stays usable. */
  refuse(batch: Batch, sqlState: string, text: string): void {
    this.skipping = batch.end === 'H';
    const answer = errorResponse('ERROR', sqlState, text);
    this.deliver(this.skipping ? answer : Buffer.concat([answer, ready('I')]));
  }

  /** Ends the connection as a server does that gives it up. */
  fail(sqlState: string, text: string): void {
    this.deliver(errorResponse('FATAL', sqlState, text));
    this.hangUp();
  }

  /** Ends the connection; what was delivered still arrives. */
  hangUp(): void {
    if (this.gone) return;
    this.#leave();
    this.push(null);
  }

  override _read(): void {
    if (!this.stalled) return;
    this.stalled = false;
    this.desk.resumed(this);
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#reader.push(chunk);
    this.#readAll();
    done();
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    for (const { chunk } of chunks) this.#reader.push(chunk);
    this.#readAll();
    done();
  }

  override _final(done: () => void): void {
    this.#finish();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#leave();
    done(error);
  }

  #leave(): void {
    if (this.gone) return;
    this.gone = true;
    this.desk.left(this);
  }

  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.desk.finish(this);
  }

  #readAll(): void {
    try {
      for (let sent = this.#next(); sent !== null; sent = this.#next()) {
        if (this.#introduced) this.#take(sent);
        else this.#introduce(sent);
      }
      this.#sendRows();
    } catch (error) {
      this.fail('08P01', error instanceof Error ? error.message : String(error));
    }
  }

  #next(): Buffer | null {
    return this.gone || this.#finished ? null : this.#reader.next();
  }

  #introduce(first: Buffer): void {
    const opening = openingOf(first);
    switch (opening) {
      case 'encryption':
        return this.deliver(Buffer.from('N')); // no; the client goes on in the clear
      case 'cancel':
        return this.hangUp(); // nothing can be cancelled
      case 'startup': {
        this.#introduced = true;
        this.#reader.introduced();
        const welcome = this.desk.welcome(this);
        return welcome === null ? this.fail('57P01', 'the embedded database is closed') : this.deliver(welcome);
      }
      default:
        return opening satisfies never;
    }
  }

  #take(sent: Buffer): void {
    const letter = letterOf(sent);
    if (COPY_LETTERS.has(letter)) {
      this.#rows.push(sent);
      return;
    }
    this.#sendRows();
    if (letter === 'X') return this.#finish();
    this.#messages.push(this.#renamed(sent));
    const sql = sqlOf(sent);
    if (sql !== null) this.#listens.push(...listenChanges(sql));
    if (!BATCH_ENDS.has(letter)) return;
    const batch = { bytes: Buffer.concat(this.#messages), end: letter as Batch['end'], listens: this.#listens };
    this.#messages = [];
    this.#listens = [];
    this.desk.submit(this, batch);
  }

  /** Rows for COPY, or what is left of them after it has failed, which PostgreSQL ignores too. */
  #sendRows(): void {
    const rows = this.#rows.splice(0);
    if (this.copying && rows.length > 0) this.desk.copy(this, Buffer.concat(rows));
  }

  /** Statement names are a connection's own in PostgreSQL, and here all share one session: each gets a name by number. */
  #renamed(sent: Buffer): Buffer {
    const name = statementNameOf(sent);
    if (name === null || name === '') return sent;
    const alias = this.#names.get(name) ?? `c${this.id}_${this.#names.size + 1}`;
    this.#names.set(name, alias);
    return withStatementName(sent, alias);
  }
}
