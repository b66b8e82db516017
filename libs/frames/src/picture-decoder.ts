import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Overloaded } from '#catalog';

/** Why a picture was not made. */
export const PICTURE_FAULTS = ['undecodable', 'too_large', 'too_slow', 'bad_mask', 'decoder_died', 'closed'] as const;
export type PictureFault = (typeof PICTURE_FAULTS)[number];

/** A picture could not be read or made; the process and other pictures are unharmed. */
export class PictureError extends Error {
  override readonly name = 'PictureError';
  constructor(
    readonly fault: PictureFault,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export interface Size {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** What a worker process is asked for. */
export type Job =
  | {
      /** Grey pixels of a size, row by row; a complaint of the decoder comes with them. */
      readonly task: 'grey';
      readonly jpeg: Buffer;
      /** What the header states. */
      readonly source: Size;
      readonly size: Size;
    }
  | {
      /** A JPEG of another size, without metadata. */
      readonly task: 'render';
      readonly jpeg: Buffer;
      /** What the header states. */
      readonly source: Size;
      /** Painted over before anything else: [start, end) pairs of pixel indexes. */
      readonly covered: Uint32Array | null;
      /** Made this small on the way, so that details are lost for good. */
      readonly reduced: Size | null;
      readonly size: Size;
      /** JPEG quality, 1 to 100. */
      readonly quality: number;
    };

/** What a worker made: grey pixels or a JPEG. */
export interface Made {
  readonly pixels: Buffer;
  /** The decoder's complaint about a picture that it could read all the same. */
  readonly warning?: string;
}

type Message =
  { readonly ready: true } | { readonly made: Made } | { readonly fault: PictureFault; readonly message: string };

interface Waiting {
  readonly job: Job;
  readonly done: (made: Made) => void;
  readonly failed: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

interface Running {
  readonly waiting: Waiting;
  readonly timer: NodeJS.Timeout;
}

/** A place for one worker process after the other. */
interface Seat {
  child: ChildProcess | null;
  /** `dying`: killed, and not yet gone. */
  state: 'starting' | 'ready' | 'dying';
  running: Running | null;
  /** Processes in a row that died before they were ready. */
  stillborn: number;
  restart: NodeJS.Timeout | null;
  /** Last words on stderr. */
  said: string;
}

const isReady = ({ state }: Seat): boolean => state === 'ready';

const WORKER = fileURLToPath(new URL('./picture-worker.mjs', import.meta.url));
const MAX_WAITING = 512;
const MAX_WAITING_BYTES = 128 * 1024 * 1024;
const WAIT_LIMIT_MS = 10_000;
const START_LIMIT_MS = 15_000;
const CLOSE_LIMIT_MS = 2_000;
const MAX_RESTART_DELAY_MS = 30_000;
const SAID_LENGTH = 2_000;

export interface DecoderOptions {
  readonly workers: number;
  /** A worker that has not answered by then is killed. Above the 5 s after which sharp itself gives up. */
  readonly jobLimitMs: number;
  readonly log: (message: string) => void;
}

/**
 * Runs jobs in worker processes, one at a time each. A process that dies or hangs costs the job it was at; another takes
 * its seat. The queue is bounded by number, bytes and time.
 */
export class PictureDecoder {
  readonly #options: DecoderOptions;
  readonly #seats: Seat[];
  #queue: Waiting[] = [];
  #queuedBytes = 0;
  #restarts = 0;
  #closing: Promise<void> | null = null;
  /** Told of each process that became ready, died or was found free. */
  #changed: () => void = () => undefined;

  private constructor(options: DecoderOptions) {
    this.#options = options;
    this.#seats = Array.from({ length: options.workers }, () => ({
      child: null,
      state: 'starting',
      running: null,
      stillborn: 0,
      restart: null,
      said: '',
    }));
  }

  /** Starts the processes and waits until each can decode. @throws Error with what a process said before it died */
  static async start(options: DecoderOptions): Promise<PictureDecoder> {
    const decoder = new PictureDecoder(options);
    for (const seat of decoder.#seats) decoder.#fill(seat);
    const isUp = await decoder.#until(
      () => decoder.#seats.every(isReady) || decoder.#seats.some(({ stillborn }) => stillborn > 0),
      START_LIMIT_MS,
    );
    if (decoder.#seats.every(isReady)) return decoder;
    const said = decoder.#seats.map((seat) => seat.said.trim()).find((text) => text !== '') ?? 'it said nothing';
    await decoder.close();
    throw new Error(`a picture worker could not be started${isUp ? '' : ' in time'}: ${said}`);
  }

  /** Processes that took the seat of one that died. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Process ids of the workers that run. */
  get pids(): readonly number[] {
    return this.#seats.flatMap(({ child }) => child?.pid ?? []);
  }

  /** @throws PictureError; Overloaded where too much waits already, or nothing was free for 10 s */
  run(job: Job): Promise<Made> {
    if (this.#closing !== null) return Promise.reject(new PictureError('closed', 'the picture workers are closed'));
    if (this.#queue.length >= MAX_WAITING || this.#queuedBytes + job.jpeg.length > MAX_WAITING_BYTES) {
      return Promise.reject(new Overloaded(`${this.#queue.length} pictures wait to be decoded; try again`));
    }
    return new Promise<Made>((done, failed) => {
      const waiting: Waiting = { job, done, failed, timer: setTimeout(() => this.#giveUp(waiting), WAIT_LIMIT_MS) };
      this.#queue.push(waiting);
      this.#queuedBytes += job.jpeg.length;
      this.#next();
    });
  }

  /** Refuses what waits, lets what runs end, then ends the processes. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    for (const { restart } of this.#seats) if (restart !== null) clearTimeout(restart);
    for (const waiting of [...this.#queue]) {
      this.#unqueue(waiting);
      waiting.failed(new PictureError('closed', 'the picture workers were closed'));
    }
    await this.#until(() => this.#seats.every(({ running }) => running === null), this.#options.jobLimitMs + 1_000);
    for (const { child } of this.#seats) if (child?.connected) child.disconnect();
    const isEmpty = () => this.#seats.every(({ child }) => child === null);
    if (await this.#until(isEmpty, CLOSE_LIMIT_MS)) return;
    for (const { child } of this.#seats) child?.kill('SIGKILL');
    await this.#until(isEmpty, CLOSE_LIMIT_MS);
  }

  /** Waits for a condition that only {@link #changed} can bring about. @returns whether it came in time */
  async #until(isTrue: () => boolean, limitMs: number): Promise<boolean> {
    if (isTrue()) return true;
    return new Promise((resolve) => {
      const end = (isMet: boolean) => {
        clearTimeout(timer);
        this.#changed = () => undefined;
        resolve(isMet);
      };
      const timer = setTimeout(() => end(false), limitMs);
      this.#changed = () => {
        if (isTrue()) end(true);
      };
    });
  }

  #next(): void {
    for (const seat of this.#seats) {
      const [waiting] = this.#queue;
      if (waiting === undefined) return;
      if (!isReady(seat) || seat.running !== null) continue;
      this.#unqueue(waiting);
      const timer = setTimeout(() => {
        // After a pause of this process (SIGSTOP, a stalled host) the answer may lie in the channel, and timers run first.
        setImmediate(() => this.#overrun(seat, waiting));
      }, this.#options.jobLimitMs);
      seat.running = { waiting, timer };
      // A channel that breaks here is a process that dies: its exit fails the job.
      seat.child?.send(waiting.job, () => undefined);
    }
  }

  #giveUp(waiting: Waiting): void {
    this.#unqueue(waiting);
    waiting.failed(new Overloaded(`no picture worker was free within ${WAIT_LIMIT_MS / 1_000} s`));
  }

  #unqueue(waiting: Waiting): void {
    clearTimeout(waiting.timer);
    this.#queue = this.#queue.filter((other) => other !== waiting);
    this.#queuedBytes -= waiting.job.jpeg.length;
  }

  #overrun(seat: Seat, waiting: Waiting): void {
    if (seat.running?.waiting !== waiting) return;
    this.#finish(seat)?.failed(new PictureError('too_slow', 'the picture was not decoded in time'));
    seat.state = 'dying';
    seat.child?.kill('SIGKILL');
  }

  /** Takes the running job off a seat. */
  #finish(seat: Seat): Waiting | undefined {
    const { running } = seat;
    if (running === null) return undefined;
    clearTimeout(running.timer);
    seat.running = null;
    return running.waiting;
  }

  #fill(seat: Seat): void {
    seat.restart = null;
    seat.said = '';
    seat.state = 'starting';
    const child = fork(WORKER, [], {
      serialization: 'advanced',
      // No secret of ours within reach of a decoder that a picture took over. Few arenas: glibc keeps what threads freed.
      env: { MALLOC_ARENA_MAX: '2', UV_THREADPOOL_SIZE: '1', VIPS_BLOCK_UNTRUSTED: '1' },
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    seat.child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      seat.said = (seat.said + text).slice(-SAID_LENGTH);
    });
    child.on('message', (message: Message) => {
      if (seat.child === child) this.#hear(seat, message);
    });
    child.once('error', (error) => {
      seat.said = error.message;
      // A process that was never made has no exit.
      if (child.pid === undefined) this.#bury(seat, child, 'it could not be started');
    });
    child.once('exit', (code, signal) => {
      const bury = (): void => this.#bury(seat, child, signal ?? `exit code ${code}`);
      // Last words come after the exit; the event `close` never comes once we disconnected (Node 20).
      if (child.stderr === null || child.stderr.closed) bury();
      else child.stderr.once('close', bury);
    });
  }

  #hear(seat: Seat, message: Message): void {
    if ('ready' in message) {
      seat.state = 'ready';
      seat.stillborn = 0;
    } else if ('made' in message) {
      this.#finish(seat)?.done(message.made);
    } else {
      this.#finish(seat)?.failed(new PictureError(message.fault, message.message));
    }
    this.#next();
    this.#changed();
  }

  #bury(seat: Seat, child: ChildProcess, cause: string): void {
    if (seat.child !== child) return;
    if (seat.state === 'starting') seat.stillborn += 1;
    seat.child = null;
    seat.state = 'dying';
    this.#finish(seat)?.failed(new PictureError('decoder_died', `the picture worker died at this picture: ${cause}`));
    if (this.#closing === null) {
      this.#options.log(`a picture worker died: ${cause}${seat.said === '' ? '' : `; it said: ${seat.said.trim()}`}`);
      this.#replace(seat);
    }
    this.#changed();
  }

  /** At once where the process had worked; after 1, 2, 4 … 30 s where it never did, since the next one will not either. */
  #replace(seat: Seat): void {
    this.#restarts += 1;
    const delayMs = seat.stillborn === 0 ? 0 : Math.min(MAX_RESTART_DELAY_MS, 500 * 2 ** seat.stillborn);
    seat.restart = setTimeout(() => this.#fill(seat), delayMs);
  }
}
