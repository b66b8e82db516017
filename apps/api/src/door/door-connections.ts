import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** How often connections that ask nothing are closed, milliseconds. */
const SWEEP_EVERY_MS = 100;

/**
 * The connections of a door, so that it closes in order: what runs is answered, and nobody is waited for who asks nothing (reliability.md REL-9).
 * Node closes connections once, when it begins to close, and only those that have asked before: one whose answer was still under way then, or that
 * has not asked yet, as browsers open them beforehand, would keep the process until it is ended by force.
 */
export class DoorConnections {
  /** Requests that are not answered yet, by connection. */
  private readonly unanswered = new Map<Socket, number>();

  constructor(server: Server) {
    server.on('connection', (socket: Socket) => {
      this.unanswered.set(socket, 0);
      socket.once('close', () => this.unanswered.delete(socket));
    });
    server.on('request', ({ socket }, response) => {
      this.count(socket, 1);
      response.once('close', () => this.count(socket, -1));
    });
  }

  /** @param close takes no more connections and resolves when there are none */
  async close(close: () => Promise<void>): Promise<void> {
    const sweeping = setInterval(() => this.sweep(), SWEEP_EVERY_MS);
    try {
      await close();
    } finally {
      clearInterval(sweeping);
    }
  }

  private sweep(): void {
    for (const [socket, requests] of this.unanswered) if (requests === 0) socket.destroy();
  }

  private count(socket: Socket, more: number): void {
    const requests = this.unanswered.get(socket);
    if (requests !== undefined) this.unanswered.set(socket, requests + more);
  }
}
