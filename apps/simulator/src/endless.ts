import { bytes } from './bytes.js';
import type { Exchange } from './exchange.js';

/** Bytes beyond every cap of a reader. */
const ENDLESS_BYTES = 40 * 1024 * 1024;

/** Sends this and then that, over and over, until the reader has had enough. */
export async function sendEndless(
  first: string | Buffer,
  again: string | Buffer,
  { socket, later }: Exchange,
): Promise<void> {
  socket.write(bytes(first));
  const chunk = bytes(...Array.from({ length: Math.ceil(65_536 / again.length) }, () => again));
  for (let sent = 0; sent < ENDLESS_BYTES && !socket.destroyed; sent += chunk.length) {
    while (socket.writableNeedDrain) if (!(await later(5))) return;
    socket.write(chunk);
  }
  socket.end();
}
