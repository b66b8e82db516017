import type { Socket } from 'node:net';
import type { TlsMode } from '#catalog';

/** Under what name a connection may serve again, and for how long. */
export interface Reuse {
  /** Has one connection at a time, kept ones included. */
  readonly device: string;
  /** Whoever asks by another key gets none: it names authority, service and credentials, as they are configured now (security.md SSRF-4). */
  readonly key: string;
  /** Longest time that it waits, milliseconds: an idle connection takes a viewer's place in the device. */
  readonly forMs: number;
}

/** A connection whose last answer was read to its end. */
export interface Kept {
  readonly socket: Socket;
  /** Numeric address at the other end. */
  readonly address: string;
  readonly origin: string;
  /** How the certificate was judged, and the key that was seen; absent without TLS. */
  readonly tls?: { readonly mode: TlsMode; readonly pin: string };
}

interface Waiting extends Kept {
  readonly key: string;
  readonly letGo: () => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * Connections to services that are asked again within seconds: one a device, for the time that each was kept for. Whatever happens to one while it
 * waits ends it, and so does every question to its device by somebody else. None keeps the process alive.
 */
export class KeptConnections {
  readonly #waiting = new Map<string, Waiting>();

  /** @param most connections that wait at a time; the one that waits longest goes first */
  constructor(private readonly most = 256) {}

  get size(): number {
    return this.#waiting.size;
  }

  keep({ device, key, forMs }: Reuse, kept: Kept): void {
    this.endAt(device);
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size >= this.most && oldest !== undefined) this.endAt(oldest);
    const { socket } = kept;
    const end = (): void => this.#end(device, socket);
    // What comes unasked belongs to no question.
    socket.on('data', end).on('end', end).on('close', end).resume().unref();
    const letGo = (): void => {
      socket.off('data', end).off('end', end).off('close', end).pause().ref();
    };
    this.#waiting.set(device, { ...kept, key, letGo, timer: setTimeout(end, forMs).unref() });
  }

  /** The connection that waits for this question, which is the caller's now; null without one. */
  take({ device, key }: Pick<Reuse, 'device' | 'key'>, origin: string): Kept | null {
    const waiting = this.#waiting.get(device);
    if (waiting === undefined) return null;
    if (waiting.key !== key || waiting.origin !== origin) {
      this.endAt(device);
      return null;
    }
    this.#waiting.delete(device);
    clearTimeout(waiting.timer);
    waiting.letGo();
    return waiting;
  }

  /** Closes what waits for a device, since somebody else asks it. */
  endAt(device: string): void {
    const waiting = this.#waiting.get(device);
    if (waiting !== undefined) this.#end(device, waiting.socket);
  }

  close(): void {
    for (const device of [...this.#waiting.keys()]) this.endAt(device);
  }

  #end(device: string, socket: Socket): void {
    const waiting = this.#waiting.get(device);
    socket.destroy();
    if (waiting?.socket !== socket) return;
    clearTimeout(waiting.timer);
    this.#waiting.delete(device);
  }
}
