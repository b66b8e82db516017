import type { Socket } from 'node:net';
import type { Attempt } from './attempt.js';
import { type Failure, socketFailure } from './dial-failure.js';

/** Why no more bytes come, or not now. */
export type WireEvent =
  { readonly kind: 'end' } | { readonly kind: 'failed'; readonly failure: Failure } | { readonly kind: 'silence' };

/** Takes a chunk; true when it has what it wants. */
export type Take = (chunk: Buffer) => boolean;

/**
 * One connection of a probe, read chunk by chunk without a promise for each. Chunks that come while nobody reads wait here and in the
 * system; the end of the whole probe ends every reading.
 */
export class Wire {
  #take: Take | null = null;
  #settle: ((event: WireEvent | null) => void) | null = null;
  #fail: ((error: unknown) => void) | null = null;
  #silenceMs: () => number | null = () => null;
  #timer: NodeJS.Timeout | null = null;
  #timerMs = 0;
  #waiting: Buffer[] = [];
  #event: WireEvent | null = null;
  #keep: ((socket: Socket) => void) | null = null;
  readonly #stop = (): void => this.#end({ kind: 'failed', failure: this.attempt.stopped() });
  readonly #onData = (chunk: Buffer): void => this.#receive(chunk);
  readonly #onEnd = (): void => this.#end({ kind: 'end' });
  readonly #onError = (error: Error): void => this.#end({ kind: 'failed', failure: socketFailure(error) });

  constructor(
    private readonly socket: Socket,
    private readonly attempt: Attempt,
  ) {
    socket.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onError).on('close', this.#onEnd);
    attempt.signal.addEventListener('abort', this.#stop);
    if (attempt.stop !== null) this.#stop();
  }

  send(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  /**
   * Reads until `take` has what it wants (null), or no more comes.
   * @param silenceMs asked after each chunk: how long nothing may come from now on; null = as long as the probe lasts
   */
  read(take: Take, silenceMs: () => number | null): Promise<WireEvent | null> {
    return new Promise((resolve, reject) => {
      this.#take = take;
      this.#settle = resolve;
      this.#fail = reject;
      this.#silenceMs = silenceMs;
      while (this.#waiting.length > 0 && this.#settle !== null) this.#give(this.#waiting.shift() as Buffer);
      if (this.#settle === null) return;
      if (this.#event !== null) this.#finish(this.#event);
      else {
        this.#arm();
        if (this.socket.isPaused()) this.socket.resume();
      }
    });
  }

  /** Says who gets the connection when its answer was read to the end; nobody else ever does. */
  keepWith(keep: (socket: Socket) => void): void {
    this.#keep = keep;
  }

  /** Reads no more. @param isAtEnd the answer is whole, and nothing is to follow it */
  close(isAtEnd = false): void {
    this.#disarm();
    this.attempt.signal.removeEventListener('abort', this.#stop);
    const { socket } = this;
    if (!isAtEnd || this.#keep === null || this.#event !== null || this.#waiting.length > 0) socket.destroy();
    else {
      socket.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onError).off('close', this.#onEnd);
      this.#keep(socket);
    }
  }

  #receive(chunk: Buffer): void {
    if (this.#settle === null) {
      this.#waiting.push(chunk);
      this.socket.pause();
      return;
    }
    this.#give(chunk);
    if (this.#settle !== null) this.#arm();
  }

  #give(chunk: Buffer): void {
    try {
      if (this.#take?.(chunk) === true) this.#finish(null);
    } catch (error) {
      // A bug of ours must end this probe, not the process.
      this.#fail?.(error);
      this.#finish(null);
    }
  }

  #end(event: WireEvent): void {
    this.#event ??= event;
    if (this.#settle !== null) this.#finish(this.#event);
  }

  #finish(event: WireEvent | null): void {
    const settle = this.#settle;
    this.#disarm();
    // Not paused: what comes before the next reading pauses it, and mostly that begins at once.
    this.#settle = this.#take = this.#fail = null;
    settle?.(event);
  }

  #arm(): void {
    const limitMs = this.#silenceMs();
    if (this.#timer !== null && limitMs === this.#timerMs) {
      this.#timer.refresh();
      return;
    }
    this.#disarm();
    if (limitMs === null) return;
    this.#timerMs = limitMs;
    this.#timer = setTimeout(() => this.#finish({ kind: 'silence' }), limitMs);
  }

  #disarm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
