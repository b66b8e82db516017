import { createServer, type Server, type Socket } from 'node:net';
import { type Behaviour, behaviourAt, type Exchange, type Fault, type Look, page } from './faults.js';
import type { Asked, Frame } from './picture.js';
import {
  type DeviceRequest,
  plain,
  readRequest,
  RESOLUTION_4K,
  RESOLUTIONS,
  type VapixRequest,
  vapixOf,
} from './request.js';
import { fileHeaders, Reply } from './reply.js';
import { Gate, type SignIn } from './sign-in.js';

/** How a device speaks; every way was met in the field (probing.md, section 3). */
export const DIALECTS = ['axis', 'no_length', 'bare_lf'] as const;
export type Dialect = (typeof DIALECTS)[number];

/** What kind of device it is. */
export interface Traits {
  readonly signIn: SignIn;
  readonly dialect: Dialect;
  /** Streams served at once; one more gets 503. Axis `Image.MaxViewers`. */
  readonly maxViewers: number;
  /** Set: the picture is a file, written anew so often, with `Last-Modified` and `ETag`. */
  readonly fileS: number | null;
  readonly has4K: boolean;
}

/** Where a device gets its pictures from. */
export interface PictureSource {
  frame(
    asked: Asked,
    nowMs: number,
    maxAgeMs: number,
    look: { readonly kind: Look; readonly sinceMs: number },
  ): Promise<Frame>;
}

interface Channel {
  readonly picture: PictureSource;
  fault: Fault | null;
  faultSinceMs: number;
}

/** A picture of this age is not drawn anew for another viewer, milliseconds. */
const SHARED_MS = 200;

/** A connection without a request is closed after this time, milliseconds. */
const IDLE_MS = 30_000;

const SNAPSHOT = new Set(['/axis-cgi/jpg/image.cgi', '/jpg/image.jpg']);
const STREAM = new Set(['/axis-cgi/mjpg/video.cgi', '/mjpg/video.mjpg']);

/** One device at one address, with one picture source a channel (`camera=1` and up). */
export class Device {
  private readonly channels: readonly Channel[];
  private readonly gate: Gate;
  private readonly resolutions: readonly string[];
  private readonly sockets = new Set<Socket>();
  private server: Server | null = null;
  private address: { readonly host: string; readonly port: number } | null = null;
  private viewers = 0;

  constructor(
    private readonly traits: Traits,
    pictures: readonly PictureSource[],
    realm: string,
    private readonly log: (message: string) => void,
  ) {
    this.channels = pictures.map((picture) => ({ picture, fault: null, faultSinceMs: 0 }));
    this.gate = new Gate(traits.signIn, realm);
    this.resolutions = traits.has4K ? [RESOLUTION_4K, ...RESOLUTIONS] : RESOLUTIONS;
  }

  /** Binds the device to its address; a device that refuses keeps the address in mind, but not the port. */
  async listen(host: string, port: number): Promise<void> {
    this.address = { host, port };
    if (!this.isRefusing()) await this.open();
  }

  faultOf(camera: number): Fault | null {
    return this.channels[camera - 1]?.fault ?? null;
  }

  /** Sets or ends the fault of a channel, counted from 1. `refused` concerns the whole device. */
  async setFault(camera: number, fault: Fault | null, nowMs: number): Promise<void> {
    const channel = this.channels[camera - 1];
    if (channel === undefined) throw new Error(`bug: no channel ${camera}`);
    channel.fault = fault;
    channel.faultSinceMs = nowMs;
    if (this.address === null) return;
    if (this.isRefusing()) await this.shut();
    else if (this.server === null) await this.open();
  }

  /** What a channel shows now, whoever asks: for the index page. */
  look(camera: number, asked: Asked, nowMs: number): Promise<Frame> {
    const channel = this.channels[camera - 1];
    if (channel === undefined) throw new Error(`bug: no channel ${camera}`);
    return this.frameOf(channel, asked, behaviourAt(channel.fault, nowMs), nowMs);
  }

  /** Ends every connection and stops listening. */
  async close(): Promise<void> {
    this.address = null;
    await this.shut();
  }

  private isRefusing(): boolean {
    return this.channels.some(({ fault }) => fault === 'refused');
  }

  private open(): Promise<void> {
    const { address } = this;
    if (address === null) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const server = createServer((socket) => this.accept(socket));
      server.once('error', reject);
      server.listen(address.port, address.host, () => {
        server.off('error', reject);
        server.on('error', (error) => this.log(`${address.host}:${address.port}: ${error.message}`));
        resolve();
      });
      this.server = server;
    });
  }

  private async shut(): Promise<void> {
    const { server } = this;
    this.server = null;
    for (const socket of this.sockets) socket.destroy();
    if (server?.listening === true) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  private accept(socket: Socket): void {
    this.sockets.add(socket);
    let pending: Buffer = Buffer.alloc(0);
    let isBusy = false;
    const next = (): void => {
      if (isBusy || socket.destroyed) return;
      const read = readRequest(pending);
      if (read === 'more') return;
      if (read === 'bad')
        return void socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      pending = pending.subarray(read.length);
      isBusy = true;
      this.answer(socket, read.request)
        .catch((error: unknown) => {
          this.log(
            `${read.request.target}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
          );
          socket.destroy();
        })
        .finally(() => {
          isBusy = false;
          next();
        });
    };
    socket.setNoDelay(true);
    socket.setTimeout(IDLE_MS, () => {
      if (!isBusy) socket.destroy();
    });
    socket.on('data', (chunk) => {
      // Bytes behind a request that is being answered are kept, within reason: nobody sends us a body.
      if (pending.length + chunk.length > 65_536) return void socket.destroy();
      pending = Buffer.concat([pending, chunk]);
      next();
    });
    socket.on('error', () => socket.destroy()); // A peer may go at any time; that is no event here.
    socket.on('close', () => this.sockets.delete(socket));
  }

  private async answer(socket: Socket, request: DeviceRequest): Promise<void> {
    const nowMs = Date.now();
    const isStream = STREAM.has(request.path);
    const reply = new Reply(socket, request);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return reply.text('405 Method Not Allowed', 'text/plain', 'Method not allowed\n', ['Allow: GET, HEAD'], true);
    }
    if (!isStream && !SNAPSHOT.has(request.path)) return this.answerPage(reply, request.path);

    const channel = this.channels[Number(request.query.getAll('camera').at(-1) ?? '1') - 1];
    const behaviour = channel === undefined ? null : behaviourAt(channel.fault, nowMs);
    const exchange: Exchange = { socket, isStream, later: (ms) => later(socket, ms) };
    if (behaviour?.at === 'answer') return behaviour.answer(exchange);
    const verdict =
      behaviour?.at === 'sign_in'
        ? this.gate.refuse(nowMs)
        : this.gate.judge(request.headers.get('authorization'), request.method, request.target, nowMs);
    if (!verdict.isOpen) {
      const challenges = verdict.challenges.map((challenge) => `WWW-Authenticate: ${challenge}`);
      return reply.text('401 Unauthorized', 'text/html', page('401 Unauthorized'), challenges);
    }
    const asked = vapixOf(request.query, this.resolutions);
    if (typeof asked === 'string') return reply.text('200 OK', 'text/plain', `${asked}\n`);
    if (channel === undefined) {
      return reply.text('200 OK', 'text/plain', `<!-- Camera ${plain(asked.camera)} not available. -->\n`);
    }
    if (behaviour?.at === 'start' && !(await later(socket, behaviour.delayMs))) return;
    if (this.viewers >= this.traits.maxViewers) {
      return reply.text('503 Service Unavailable', 'text/plain', 'Maximum number of clients reached\n', [], true);
    }
    if (isStream) await this.stream(exchange, channel, asked, request.method === 'HEAD');
    else await this.snapshot(exchange, reply, channel, asked);
  }

  private answerPage(reply: Reply, path: string): void {
    if (path === '/' || path === '/login.html') reply.text('200 OK', 'text/html', page('Network camera (simulated)'));
    else reply.text('404 Not Found', 'text/html', page('404 Not Found'));
  }

  private async snapshot(exchange: Exchange, reply: Reply, channel: Channel, asked: VapixRequest): Promise<void> {
    const behaviour = behaviourAt(channel.fault, Date.now());
    const frame = await this.frameOf(channel, asked, behaviour, Date.now());
    const headers = this.traits.fileS !== null || channel.fault === 'stale' ? fileHeaders(frame) : [];
    if (headers.length > 0 && reply.isUnchanged(frame, headers)) return reply.head('304 Not Modified', headers);
    reply.head('200 OK', ['Content-Type: image/jpeg', `Content-Length: ${frame.bytes.length}`, ...headers]);
    if (reply.isHead) return;
    if (behaviour?.at === 'body') return behaviour.send(frame.bytes, exchange);
    reply.body(frame.bytes);
  }

  private async stream(exchange: Exchange, channel: Channel, asked: VapixRequest, isHead: boolean): Promise<void> {
    const { socket, later: wait } = exchange;
    const eol = this.traits.dialect === 'bare_lf' ? '\n' : '\r\n';
    const status = this.traits.dialect === 'axis' ? 'HTTP/1.1 200 OK' : 'HTTP/1.0 200 OK';
    const head = [
      'Cache-Control: no-cache',
      'Connection: close',
      'Content-Type: multipart/x-mixed-replace; boundary=myboundary',
    ];
    socket.write([status, ...head, '', ''].join(eol));
    if (isHead) return void socket.end();
    this.viewers += 1;
    try {
      const periodMs = 1_000 / asked.fps;
      while (!socket.destroyed && this.address !== null) {
        const startedMs = Date.now();
        const behaviour = behaviourAt(channel.fault, startedMs);
        const { bytes } = await this.frameOf(channel, asked, behaviour, startedMs, Math.min(SHARED_MS, periodMs * 0.7));
        const length = this.traits.dialect === 'no_length' ? [] : [`Content-Length: ${bytes.length}`];
        socket.write(['--myboundary', 'Content-Type: image/jpeg', ...length, '', ''].join(eol));
        if (behaviour?.at === 'body') return await behaviour.send(bytes, exchange);
        socket.write(bytes);
        socket.write(eol);
        if (behaviour?.at === 'listener' || behaviour?.at === 'answer') return void socket.end();
        while (socket.writableNeedDrain) if (!(await wait(20))) return;
        if (!(await wait(Math.max(1, periodMs - (Date.now() - startedMs))))) return;
      }
    } finally {
      this.viewers -= 1;
    }
  }

  private async frameOf(
    { picture, fault, faultSinceMs }: Channel,
    asked: Asked,
    behaviour: Behaviour | null,
    nowMs: number,
    sharedMs = SHARED_MS,
  ): Promise<Frame> {
    const { fileS } = this.traits;
    const kind = behaviour?.at === 'picture' ? behaviour.look : 'live';
    const maxAgeMs = fileS === null ? sharedMs : fileS * 1_000;
    const sinceMs = fault === null || kind === 'live' ? 0 : faultSinceMs;
    const frame = await picture.frame(asked, nowMs, maxAgeMs, { kind, sinceMs });
    return behaviour?.at === 'bytes' ? { ...frame, bytes: behaviour.change(frame.bytes) } : frame;
  }
}

/** Waits, but no longer than the connection lives: false where it ended before. */
function later(socket: Socket, ms: number): Promise<boolean> {
  if (socket.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const done = (lives: boolean): void => {
      clearTimeout(timer);
      socket.off('close', ended);
      resolve(lives);
    };
    const ended = (): void => done(false);
    const timer = setTimeout(() => done(true), ms);
    socket.once('close', ended);
  });
}
