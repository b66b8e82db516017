import { createServer, type Server, type Socket } from 'node:net';
import type { Handshake } from './behaviour.js';
import { DeafListener } from './deaf.js';
import type { Secured } from './secure.js';

/** A connection without a request is closed after this time, milliseconds. */
const IDLE_MS = 30_000;

/** First byte of a TLS record with a hello (RFC 8446, 5.1). */
const TLS_HANDSHAKE = 0x16;

/** Whether calls are taken, refused, or neither. */
export type DoorState = 'open' | 'closed' | 'deaf';

export interface DoorParts {
  readonly secured: Secured;
  readonly handshake: () => Handshake | null;
  /** Talks over a connection. @param reset breaks it off with RST */
  readonly serve: (socket: Socket, reset: () => void) => void;
  readonly log: (message: string) => void;
}

/** The address of a device: http and https on one port, told apart by the first byte that comes. */
export class Door {
  private readonly sockets = new Set<Socket>();
  private server: Server | null = null;
  private deaf: DeafListener | null = null;
  private state: DoorState = 'closed';
  private last: Promise<void> = Promise.resolve();

  constructor(
    private readonly address: { readonly host: string; readonly port: number },
    private readonly parts: DoorParts,
  ) {}

  /** Opens, shuts or plays deaf, after whatever was asked before; ends every connection but where it stays open. */
  become(state: DoorState): Promise<void> {
    const before = this.last.catch(() => undefined);
    this.last = before.then(() => this.change(state));
    return this.last;
  }

  private async change(state: DoorState): Promise<void> {
    if (state === this.state) return;
    await this.shut();
    const { host, port } = this.address;
    if (state === 'open') await this.open();
    if (state === 'deaf') this.deaf = await DeafListener.listen(host, port);
    this.state = state;
  }

  private open(): Promise<void> {
    const { host, port } = this.address;
    return new Promise((resolve, reject) => {
      const server = createServer((socket) => this.accept(socket));
      server.once('error', reject);
      server.listen(port, host, () => {
        server.off('error', reject);
        server.on('error', (error) => this.parts.log(`${host}:${port}: ${error.message}`));
        resolve();
      });
      this.server = server;
    });
  }

  private async shut(): Promise<void> {
    const { server, deaf } = this;
    this.server = null;
    this.deaf = null;
    this.state = 'closed';
    for (const socket of this.sockets) socket.destroy();
    await deaf?.close();
    if (server?.listening === true) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  private accept(socket: Socket): void {
    this.sockets.add(socket);
    socket.setNoDelay(true);
    // A peer may go at any time, and say anything for TLS; neither is an event here.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.sockets.delete(socket));
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.once('readable', () => {
      const first = socket.read() as Buffer | null;
      if (first === null) return void socket.destroy();
      socket.unshift(first);
      const { secured, handshake, serve } = this.parts;
      const speaking = first[0] === TLS_HANDSHAKE ? secured.meet(socket, handshake()) : socket;
      if (speaking === null) return;
      if (speaking !== socket) speaking.on('error', () => speaking.destroy());
      socket.setTimeout(0);
      serve(speaking, () => void socket.resetAndDestroy());
    });
  }
}
