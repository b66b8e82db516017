import { setTimeout as wait } from 'node:timers/promises';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';

/** How the thread is set up. */
export interface BackendSetup {
  /** Of the database; exists, and may be empty where `create` is set. */
  readonly directory: string;
  /** URL of a trimmed PostGIS bundle; null for the one of the package. */
  readonly bundle: string | null;
  readonly fsync: boolean;
  /** Only make the database, then end. */
  readonly create: boolean;
}

/** What the thread is given besides: where requests arrive, and two counters, requests sent and reply bytes unread. */
export interface BackendData extends BackendSetup {
  readonly requests: MessagePort;
  readonly shared: SharedArrayBuffer;
}

/** What the thread is asked: to run whole messages, to take more rows of a COPY, to shut down. */
export type BackendRequest = { readonly batch: Uint8Array } | { readonly more: Uint8Array } | { readonly close: true };

/** What the thread reports. `last`: the batch is done. `fatal`: the session is ruined, and the thread ends. */
export type BackendReport =
  | { readonly parameters: Readonly<Record<string, string>> }
  | { readonly bytes: Uint8Array; readonly last: boolean }
  | { readonly fatal: string }
  | { readonly closed: true };

type OnReply = (bytes: Buffer, last: boolean) => void;

const SIGNAL = 0;
const UNREAD = 1;

/** A clean shutdown writes a checkpoint; when it takes longer than this, the next start recovers from the log. */
const SHUTDOWN_MS = 20_000;
const RETRY_MS = [0, 500, 1_000, 2_000, 5_000] as const;

/** Makes an empty database with PostGIS in the directory, from scratch: ten seconds. */
export async function createDatabase(setup: Omit<BackendSetup, 'create'>): Promise<void> {
  const { worker } = spawn({ ...setup, create: true });
  const failure = await new Promise<unknown>((resolve) => {
    worker.once('error', resolve);
    worker.once('exit', (status) => resolve(status === 0 ? null : new Error(`its worker ended with ${status}`)));
  });
  if (failure !== null) throw new Error('PostgreSQL could not make its database', { cause: failure });
}

function spawn(setup: BackendSetup): { worker: Worker; requests: MessagePort; shared: Int32Array } {
  const shared = new SharedArrayBuffer(8);
  const { port1: requests, port2 } = new MessageChannel();
  const workerData: BackendData = { ...setup, requests: port2, shared };
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
    workerData,
    transferList: [port2],
    execArgv: [], // --input-type, say, is not for it
    resourceLimits: { stackSizeMb: 64 }, // so that PostgreSQL's own limit of recursion comes first, an error and no crash
  });
  return { worker, requests, shared: new Int32Array(shared) };
}

/** Bytes with nothing around them: a message to a thread takes the whole buffer behind a view. */
const alone = (bytes: Uint8Array): Uint8Array =>
  bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);

/** One life of PostgreSQL: a worker thread. */
class Backend {
  parameters: Readonly<Record<string, string>> = {};
  /** Why it ended; null after a clean shutdown. */
  readonly ended: Promise<string | null>;
  readonly #worker: Worker;
  readonly #requests: MessagePort;
  readonly #shared: Int32Array;
  #running: {
    readonly onReply: OnReply;
    readonly resolve: () => void;
    readonly reject: (error: Error) => void;
  } | null = null;
  #end!: (why: string | null) => void;
  #opened!: () => void;

  private constructor(setup: BackendSetup) {
    ({ worker: this.#worker, requests: this.#requests, shared: this.#shared } = spawn(setup));
    this.ended = new Promise((resolve) => {
      this.#end = (why) => {
        resolve(why);
        this.#running?.reject(new Error(`the database session ended: ${why ?? 'shut down'}`));
        this.#running = null;
      };
    });
    this.#worker.on('message', (report: BackendReport) => this.#receive(report));
    this.#worker.on('error', (error) => this.#end(error instanceof Error ? error.message : String(error)));
    this.#worker.on('exit', (status) => this.#end(`its worker thread ended with status ${status}`));
  }

  /** Resolves when PostgreSQL answers. @throws when it cannot start */
  static async start(setup: BackendSetup): Promise<Backend> {
    const backend = new Backend(setup);
    const opened = new Promise<null>((resolve) => (backend.#opened = () => resolve(null)));
    const failure = await Promise.race([opened, backend.ended.then((why) => why ?? 'shut down')]);
    if (failure === null) return backend;
    await backend.kill();
    throw new Error(`The embedded database cannot start: ${failure}`);
  }

  #receive(report: BackendReport): void {
    if ('bytes' in report) {
      const { buffer, byteOffset, length } = report.bytes;
      this.#running?.onReply(Buffer.from(buffer, byteOffset, length), report.last);
      if (!report.last) return;
      const done = this.#running;
      this.#running = null;
      done?.resolve();
    } else if ('parameters' in report) {
      this.parameters = report.parameters;
      this.#opened();
    } else {
      this.#end('fatal' in report ? report.fatal : null);
    }
  }

  run(batch: Uint8Array, onReply: OnReply): Promise<void> {
    if (this.#running !== null) throw new Error('bug: two batches at once');
    return new Promise((resolve, reject) => {
      this.#running = { onReply, resolve, reject };
      this.ask({ batch: alone(batch) });
    });
  }

  ask(request: BackendRequest): void {
    const bytes = 'batch' in request ? request.batch : 'more' in request ? request.more : null;
    this.#requests.postMessage(request, bytes === null ? [] : [bytes.buffer as ArrayBuffer]);
    Atomics.add(this.#shared, SIGNAL, 1);
    Atomics.notify(this.#shared, SIGNAL);
  }

  consumed(bytes: number): void {
    Atomics.sub(this.#shared, UNREAD, bytes);
    Atomics.notify(this.#shared, UNREAD);
  }

  async close(): Promise<void> {
    this.ask({ close: true });
    await Promise.race([this.ended, wait(SHUTDOWN_MS, undefined, { ref: false })]);
    await this.kill();
  }

  /** Ends the thread wherever it is; to the database it is a crash. */
  async kill(): Promise<void> {
    this.#requests.close();
    await this.#worker.terminate();
  }
}

export interface SessionEvents {
  /** The backend is gone, and with it whatever was not committed. A new one is on its way. */
  crashed(why: string): void;
  reopened(): void;
}

/** The one session of the embedded PostgreSQL, which outlives its worker threads. */
export class Session {
  /** How often a ruined or dead backend was replaced. */
  restarts = 0;
  /** What a client is told at its welcome: `server_version`, `TimeZone`, ... */
  parameters: Readonly<Record<string, string>> = {};
  #backend: Backend | null = null;
  #closed = false;
  #reopening: Promise<void> = Promise.resolve();

  private constructor(
    private readonly setup: BackendSetup,
    private readonly log: (message: string) => void,
    private readonly events: SessionEvents,
  ) {}

  /** @throws when PostgreSQL cannot start on the directory */
  static async open(
    setup: Omit<BackendSetup, 'create'>,
    log: (message: string) => void,
    events: SessionEvents,
  ): Promise<Session> {
    const session = new Session({ ...setup, create: false }, log, events);
    session.#adopt(await Backend.start(session.setup));
    return session;
  }

  /**
   * Runs whole protocol messages, one batch at a time; its bytes are the session's from now on. `onReply` gets the reply in pieces as it comes, and each piece must
   * be `consumed`, or the backend stops after 4 MB.
   *
   * @throws when the backend ended before the batch did
   */
  async run(batch: Uint8Array, onReply: OnReply): Promise<void> {
    if (this.#backend === null) throw new Error('the database session is down');
    await this.#backend.run(batch, onReply);
  }

  /** More rows for the COPY FROM STDIN that runs. */
  more(bytes: Uint8Array): void {
    this.#backend?.ask({ more: new Uint8Array(bytes) });
  }

  consumed(bytes: number): void {
    this.#backend?.consumed(bytes);
  }

  /** Replaces the backend, whatever it does. */
  replace(why: string): void {
    if (this.#backend !== null) this.#crashed(this.#backend, why);
  }

  /** Shuts PostgreSQL down with a checkpoint and ends its thread. Nothing may run. */
  async close(): Promise<void> {
    this.#closed = true;
    const backend = this.#backend;
    this.#backend = null;
    await backend?.close();
    await this.#reopening;
  }

  /** Ends the thread at once. */
  async abandon(): Promise<void> {
    this.#closed = true;
    const backend = this.#backend;
    this.#backend = null;
    await backend?.kill();
    await this.#reopening;
  }

  #adopt(backend: Backend): void {
    this.#backend = backend;
    this.parameters = backend.parameters;
    void backend.ended.then((why) => this.#crashed(backend, why ?? 'it shut down'));
  }

  #crashed(backend: Backend, why: string): void {
    if (this.#backend !== backend) return; // replaced or closed already
    this.#backend = null;
    this.restarts += 1;
    this.log(`the embedded database restarts: ${why}`);
    this.events.crashed(why);
    this.#reopening = this.#reopen(backend);
  }

  async #reopen(old: Backend): Promise<void> {
    await old.kill(); // two backends on one directory would ruin it
    for (let failures = 0; !this.#closed; failures += 1) {
      await wait(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
      try {
        const backend = await Backend.start(this.setup);
        if (this.#closed) return await backend.close();
        this.#adopt(backend);
        return this.events.reopened();
      } catch (error) {
        this.log(error instanceof Error ? error.message : String(error));
      }
    }
  }
}
