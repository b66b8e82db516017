import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

/**
 * A thread that listens, and then sleeps for ever: the system keeps as many connections for it as the backlog holds and drops
 * whatever else knocks. Node cannot listen without accepting, and loopback has no host that is away.
 */
const SLEEPER = `
const { createServer } = require('node:net');
const { parentPort, workerData } = require('node:worker_threads');
const server = createServer();
server.once('error', (error) => parentPort.postMessage(error.code));
server.listen({ ...workerData, backlog: 1 }, () => {
  parentPort.postMessage('');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
`;

/** The backlog is full when a connection does not stand after this time, milliseconds. */
const FULL_AFTER_MS = 150;
const MAX_FILLERS = 64;

/** An address at which nobody takes the calls: whoever connects waits in vain. Costs a thread. */
export class DeafListener {
  private constructor(
    private readonly worker: Worker,
    private readonly fillers: readonly Socket[],
  ) {}

  /** @throws Error with the system's code where the address cannot be listened on */
  static async listen(host: string, port: number): Promise<DeafListener> {
    const worker = new Worker(SLEEPER, { eval: true, workerData: { host, port } });
    const code = await new Promise<string>((resolve, reject) => worker.once('message', resolve).once('error', reject));
    if (code !== '') {
      await worker.terminate();
      throw Object.assign(new Error(`${host}:${port} cannot be listened on: ${code}`), { code });
    }
    worker.unref();
    return new DeafListener(worker, await fill(host, port));
  }

  async close(): Promise<void> {
    for (const socket of this.fillers) socket.destroy();
    await this.worker.terminate();
  }
}

/** Connects until nobody answers any more. */
async function fill(host: string, port: number): Promise<Socket[]> {
  const fillers: Socket[] = [];
  while (fillers.length < MAX_FILLERS) {
    const socket = connect(port, host);
    socket.on('error', () => socket.destroy());
    socket.unref();
    const isTaken = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), FULL_AFTER_MS);
      socket.once('connect', () => {
        clearTimeout(timer);
        resolve(true);
      });
    });
    if (!isTaken) {
      socket.destroy();
      return fillers;
    }
    fillers.push(socket);
  }
  return fillers;
}
