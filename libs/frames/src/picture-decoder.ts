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
  /** Of its patience in the queue. */
  timer: NodeJS.Timeout;
}

/** A place for one worker process after the other. */
interface Seat {
  child: ChildProcess | null;
  /** `dying`: killed, and not yet gone. */
  state: 'starting' | 'ready' | 'dying';
  /** What the process was sent: it does one after the other, and is at the first. */
  sent: Waiting[];
  /** Of the first one's time. */
  timer: NodeJS.Timeout | null;
  /** Processes in a row that died before they were ready. */
  stillborn: number;
  restart: NodeJS.Timeout | null;
  /** Last words on stderr. */
  said: string;
}

const isReady = ({ state }: Seat): boolean => state === 'ready';

/**
 * Jobs that lie with a process at once, done or to be done: it must not stand still until this one, busy with other things, has taken its
 * answer and sent the next.
 */
const MOST_SENT = 8;

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
 * its seat, and does what else had been sent. What waits is bounded by number, bytes and time.
 */
export class PictureDecoder {
  readonly #options: DecoderOptions;
  readonly #seats: Seat[];
  #queue: Waiting[] = [];
  /** Of all that waits, be it in the queue or behind the first with a process. */
  #waitingBytes = 0;
  #restarts = 0;
  #closing: Promise<void> | null = null;
  /** Told of each process that became ready, died or was found free. */
  #changed: () => void = () => undefined;

  private constructor(options: DecoderOptions) {
    this.#options = options;
    this.#seats = Array.from({ length: options.workers }, () => ({
      child: null,
      state: 'starting',
      sent: [],
      timer: null,
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
    const waiting = this.#waiting;
    if (waiting >= MAX_WAITING || this.#waitingBytes + job.jpeg.length > MAX_WAITING_BYTES) {
      return Promise.reject(new Overloaded(`${waiting} pictures wait to be decoded; try again`));
    }
    return new Promise<Made>((done, failed) => {
      const mine: Waiting = { job, done, failed, timer: setTimeout(() => this.#giveUp(mine), WAIT_LIMIT_MS) };
      this.#queue.push(mine);
      this.#waitingBytes += job.jpeg.length;
      this.#next();
    });
  }

  /** Jobs that no process is at yet. */
  get #waiting(): number {
    return this.#seats.reduce((sum, { sent }) => sum + Math.max(0, sent.length - 1), this.#queue.length);
  }

  /** Refuses what waits, lets what runs end, then ends the processes. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    for (const { restart } of this.#seats) if (restart !== null) clearTimeout(restart);
    // One that is killed is at nothing any more.
    const unbegun = this.#seats.flatMap(({ sent, state }) => sent.splice(state === 'dying' ? 0 : 1));
    for (const waiting of [...unbegun, ...this.#queue.splice(0)]) {
      clearTimeout(waiting.timer);
      waiting.failed(new PictureError('closed', 'the picture workers were closed'));
    }
    await this.#until(() => this.#seats.every(({ sent }) => sent.length === 0), this.#options.jobLimitMs + 1_000);
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
    for (let seat = this.#freest(); seat !== null; seat = this.#freest()) {
      const waiting = this.#queue.shift();
      if (waiting === undefined) return;
      clearTimeout(waiting.timer);
      seat.sent.push(waiting);
      if (seat.sent.length === 1) this.#begin(seat);
      // A channel that breaks here is a process that dies: its exit fails the job.
      seat.child?.send(waiting.job, () => undefined);
    }
  }

  /** The ready one that has least to do, if it may be sent more. */
  #freest(): Seat | null {
    let freest: Seat | null = null;
    for (const seat of this.#seats) {
      const most = freest === null ? MOST_SENT : freest.sent.length;
      if (isReady(seat) && seat.sent.length < most) freest = seat;
    }
    return freest;
  }

  /** The process is at the first of what it was sent. */
  #begin(seat: Seat): void {
    const [first] = seat.sent;
    if (first === undefined) return;
    this.#waitingBytes -= first.job.jpeg.length;
    seat.timer = setTimeout(() => {
      // After a pause of this process (SIGSTOP, a stalled host) the answer may lie in the channel, and timers run first.
      setImmediate(() => this.#overrun(seat, first));
    }, this.#options.jobLimitMs);
  }

  #giveUp(waiting: Waiting): void {
    this.#queue = this.#queue.filter((other) => other !== waiting);
    this.#waitingBytes -= waiting.job.jpeg.length;
    waiting.failed(new Overloaded(`no picture worker was free within ${WAIT_LIMIT_MS / 1_000} s`));
  }

  #overrun(seat: Seat, waiting: Waiting): void {
    if (seat.sent[0] !== waiting) return;
    this.#finish(seat)?.failed(new PictureError('too_slow', 'the picture was not decoded in time'));
    seat.state = 'dying';
    seat.child?.kill('SIGKILL');
  }

  /** Takes the job that the process is at off its seat. */
  #finish(seat: Seat): Waiting | undefined {
    if (seat.timer !== null) clearTimeout(seat.timer);
    seat.timer = null;
    return seat.sent.shift();
  }

  /** What a process did not come to is for the next one that is free, before all else. */
  #takeBack(seat: Seat): void {
    const unbegun = seat.sent.splice(0);
    for (const waiting of unbegun) waiting.timer = setTimeout(() => this.#giveUp(waiting), WAIT_LIMIT_MS);
    this.#queue.unshift(...unbegun);
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
      // One that is killed may still have answered; what it was at is settled.
      if (seat.child === child && seat.state !== 'dying') this.#hear(seat, message);
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
    } else {
      const finished = this.#finish(seat);
      this.#begin(seat);
      if ('made' in message) finished?.done(message.made);
      else finished?.failed(new PictureError(message.fault, message.message));
    }
    this.#next();
    this.#changed();
  }

  #bury(seat: Seat, child: ChildProcess, cause: string): void {
    if (seat.child !== child) return;
    if (seat.state === 'starting') seat.stillborn += 1;
    // Killed by us it was at a job that is settled already.
    const lost = seat.state === 'dying' ? undefined : this.#finish(seat);
    lost?.failed(new PictureError('decoder_died', `the picture worker died at this picture: ${cause}`));
    this.#takeBack(seat);
    seat.child = null;
    seat.state = 'dying';
    if (this.#closing === null) {
      this.#options.log(`a picture worker died: ${cause}${seat.said === '' ? '' : `; it said: ${seat.said.trim()}`}`);
      this.#replace(seat);
      this.#next();
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
