import type { Socket } from 'node:net';
import { type DeviceRequest, readRequest } from './request.js';

/** A connection without a request is closed after this time, milliseconds. */
const IDLE_MS = 30_000;

/** Bytes behind a request that is being answered are kept up to this number: nobody sends us a body. */
const MAX_PENDING = 65_536;

/**
 * Reads the requests of a connection and has them answered one after the other.
 * @param answer an error of it ends the connection and is told to `log`
 */
export function converse(
  socket: Socket,
  answer: (request: DeviceRequest) => Promise<void>,
  log: (message: string) => void,
): void {
  let pending: Buffer = Buffer.alloc(0);
  let isBusy = false;
  const next = (): void => {
    if (isBusy || socket.destroyed) return;
    const read = readRequest(pending);
    if (read === 'more') return;
    if (read === 'bad') {
      socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      return;
    }
    pending = pending.subarray(read.length);
    isBusy = true;
    answer(read.request)
      .catch((error: unknown) => {
        log(`${read.request.target}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
        socket.destroy();
      })
      .finally(() => {
        isBusy = false;
        next();
      });
  };
  socket.setTimeout(IDLE_MS, () => {
    if (!isBusy) socket.destroy();
  });
  socket.on('data', (chunk) => {
    if (pending.length + chunk.length > MAX_PENDING) return void socket.destroy();
    pending = Buffer.concat([pending, chunk]);
    next();
  });
}
