import type { Socket } from 'node:net';
import { page } from './answers.js';
import type { InForce, Manner } from './behaviour.js';
import { Channel, type PictureSource, type Suffering } from './channel.js';
import { converse } from './conversation.js';
import { Door, type DoorState } from './door.js';
import type { Exchange } from './exchange.js';
import type { Fault } from './faults.js';
import type { Asked, Frame } from './picture.js';
import { fileHeaders, Reply } from './reply.js';
import { type DeviceRequest, plain, RESOLUTION_4K, RESOLUTIONS, type VapixRequest, vapixOf } from './request.js';
import { Secured } from './secure.js';
import { sendShape } from './shape.js';
import { DEMO_ACCOUNT, Gate, type SignIn, type Verdict } from './sign-in.js';

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

/** A picture of this age is not drawn anew for another viewer, milliseconds. */
const SHARED_MS = 200;

/** Longest time that a timer of Node takes, milliseconds. */
const LONGEST_TIMER_MS = 2_147_483_647;

const SNAPSHOT = new Set(['/axis-cgi/jpg/image.cgi', '/jpg/image.jpg']);
const STREAM = new Set(['/axis-cgi/mjpg/video.cgi', '/mjpg/video.mjpg']);

/** One device at one address, with one picture source a channel (`camera=1` and up). It speaks http and https. */
export class Device {
  private readonly channels: readonly Channel[];
  private readonly gate: Gate;
  /** Locks of other kinds, as faults ask for them. */
  private readonly gates = new WeakMap<Manner, Gate>();
  private readonly resolutions: readonly string[];
  private readonly secured: Secured;
  private door: Door | null = null;
  private timer: NodeJS.Timeout | undefined;
  private viewers = 0;

  constructor(
    private readonly traits: Traits,
    pictures: readonly PictureSource[],
    private readonly realm: string,
    private readonly log: (message: string) => void,
  ) {
    this.channels = pictures.map((picture) => new Channel(picture));
    this.gate = new Gate(traits.signIn, realm);
    this.secured = new Secured(realm);
    this.resolutions = traits.has4K ? [RESOLUTION_4K, ...RESOLUTIONS] : RESOLUTIONS;
  }

  /** Binds the device to its address; a device that refuses keeps the address in mind, but not the port. */
  async listen(host: string, port: number): Promise<void> {
    this.door = new Door(
      { host, port },
      {
        secured: this.secured,
        handshake: () => this.mannerAt('handshake')?.how ?? null,
        serve: (socket, reset) => converse(socket, (request) => this.answer(socket, reset, request), this.log),
        log: this.log,
      },
    );
    await this.settle();
  }

  faultOf(camera: number): Fault | null {
    return this.channels[camera - 1]?.faultAt(Date.now()) ?? null;
  }

  /** Says from now on what is wrong with a channel, counted from 1. What concerns listening and TLS concerns the whole device. */
  async suffer(camera: number, suffering: Suffering, nowMs: number): Promise<void> {
    this.channelOf(camera).suffer(suffering, nowMs);
    await this.settle();
  }

  /** What a channel shows now, whoever asks: for the index page. */
  look(camera: number, asked: Asked, nowMs: number): Promise<Frame> {
    const channel = this.channelOf(camera);
    return this.frameOf(channel, asked, channel.at(nowMs), nowMs);
  }

  /** Ends every connection and stops listening. */
  async close(): Promise<void> {
    const { door } = this;
    this.door = null;
    clearTimeout(this.timer);
    await door?.become('closed');
  }

  private channelOf(camera: number): Channel {
    const channel = this.channels[camera - 1];
    if (channel === undefined) throw new Error(`bug: no channel ${camera}`);
    return channel;
  }

  /** The first manner of this kind that is in force at any channel. */
  private mannerAt<At extends Manner['at']>(at: At): Extract<Manner, { at: At }> | undefined {
    const nowMs = Date.now();
    const manners = this.channels.map((channel) => channel.at(nowMs).manner);
    return manners.find((manner): manner is Extract<Manner, { at: At }> => manner?.at === at);
  }

  /** Opens or shuts the door as the moment has it, and does so again when that changes. */
  private async settle(): Promise<void> {
    clearTimeout(this.timer);
    if (this.door === null) return;
    const nowMs = Date.now();
    const nextMs = Math.min(...this.channels.map((channel) => channel.at(nowMs).untilMs)) - nowMs;
    if (nextMs < LONGEST_TIMER_MS) {
      this.timer = setTimeout(() => {
        this.settle().catch((error: unknown) => this.log(`${this.realm}: ${String(error)}`));
      }, nextMs);
      this.timer.unref();
    }
    const how = this.mannerAt('listener')?.how;
    const state: DoorState = how ?? 'open';
    await this.door.become(state);
  }

  private async answer(socket: Socket, reset: () => void, request: DeviceRequest): Promise<void> {
    const nowMs = Date.now();
    const isStream = STREAM.has(request.path);
    const reply = new Reply(socket, request);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return reply.text('405 Method Not Allowed', 'text/plain', 'Method not allowed\n', ['Allow: GET, HEAD'], true);
    }
    if (!isStream && !SNAPSHOT.has(request.path)) return this.answerPage(reply, request.path);

    const channel = this.channels[Number(request.query.getAll('camera').at(-1) ?? '1') - 1];
    const manner = channel?.at(nowMs).manner ?? null;
    const exchange: Exchange = { socket, isStream, reset, later: (ms) => later(socket, ms) };
    if (manner?.at === 'answer') return manner.answer(exchange);
    const verdict = this.judge(request, manner, nowMs);
    if (!verdict.isOpen) return answerUnauthorized(reply, verdict);
    const asked = vapixOf(request.query, this.resolutions);
    if (typeof asked === 'string') return reply.text('200 OK', 'text/plain', `${asked}\n`);
    if (channel === undefined) {
      return reply.text('200 OK', 'text/plain', `<!-- Camera ${plain(asked.camera)} not available. -->\n`);
    }
    if (manner?.at === 'start' && !(await later(socket, manner.delayMs))) return;
    const { viewers, status } = manner?.at === 'limit' ? manner : { viewers: this.traits.maxViewers, status: 503 };
    if (this.viewers >= viewers) {
      if (status === 401) return answerUnauthorized(reply, this.gate.refuse(nowMs));
      return reply.text('503 Service Unavailable', 'text/plain', 'Maximum number of clients reached\n', [], true);
    }
    if (manner?.at === 'wire') {
      const next = async (): Promise<Buffer> => (await this.frameOf(channel, asked, LIVE, Date.now())).bytes;
      return sendShape(manner.shape, exchange, next, 1_000 / asked.fps);
    }
    if (isStream) await this.stream(exchange, channel, asked, request.method === 'HEAD');
    else await this.snapshot(exchange, reply, channel, asked);
  }

  /** Whether a request is let in. */
  private judge({ headers, method, target }: DeviceRequest, manner: Manner | null, nowMs: number): Verdict {
    if (manner?.at !== 'sign_in') return this.gate.judge(headers.get('authorization'), method, target, nowMs);
    if (manner.signIn === null) return this.gate.refuse(nowMs);
    const { signIn } = this.traits;
    const account = signIn.scheme === 'none' ? DEMO_ACCOUNT : signIn;
    const gate =
      this.gates.get(manner) ??
      new Gate(manner.signIn({ username: account.username, password: account.password }), this.realm);
    this.gates.set(manner, gate);
    return gate.judge(headers.get('authorization'), method, target, nowMs);
  }

  private answerPage(reply: Reply, path: string): void {
    if (path === '/' || path === '/login.html') reply.text('200 OK', 'text/html', page('Network camera (simulated)'));
    else reply.text('404 Not Found', 'text/html', page('404 Not Found'));
  }

  private async snapshot(exchange: Exchange, reply: Reply, channel: Channel, asked: VapixRequest): Promise<void> {
    const now = channel.at(Date.now());
    const { manner } = now;
    const frame = await this.frameOf(channel, asked, now, Date.now());
    const isFile =
      this.traits.fileS !== null || manner?.at === 'unchanged' || (manner?.at === 'picture' && manner.look === 'stale');
    const headers = [...dated(manner), ...(isFile ? fileHeaders(frame) : [])];
    if (isFile && (reply.isUnchanged(frame, headers) || (manner?.at === 'unchanged' && reply.isConditional))) {
      return reply.head('304 Not Modified', headers);
    }
    reply.head('200 OK', ['Content-Type: image/jpeg', `Content-Length: ${frame.bytes.length}`, ...headers]);
    if (reply.isHead) return;
    if (manner?.at === 'body') return manner.send(frame.bytes, exchange);
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
      ...dated(channel.at(Date.now()).manner),
    ];
    socket.write([status, ...head, '', ''].join(eol));
    if (isHead) return void socket.end();
    this.viewers += 1;
    try {
      while (!socket.destroyed && this.door !== null) {
        const startedMs = Date.now();
        const now = channel.at(startedMs);
        const { manner } = now;
        if (manner?.at === 'answer' || manner?.at === 'wire') break;
        const periodMs = manner?.at === 'pace' ? manner.periodMs : 1_000 / asked.fps;
        const { bytes } = await this.frameOf(channel, asked, now, startedMs, Math.min(SHARED_MS, periodMs * 0.7));
        const length = this.traits.dialect === 'no_length' ? [] : [`Content-Length: ${bytes.length}`];
        socket.write(['--myboundary', 'Content-Type: image/jpeg', ...length, '', ''].join(eol));
        if (manner?.at === 'body') return await manner.send(bytes, exchange);
        socket.write(bytes);
        socket.write(eol);
        while (socket.writableNeedDrain) if (!(await wait(20))) return;
        if (!(await wait(Math.max(1, periodMs - (Date.now() - startedMs))))) return;
      }
      socket.end();
    } finally {
      this.viewers -= 1;
    }
  }

  private async frameOf(
    { picture }: Channel,
    asked: Asked,
    { manner, sinceMs }: InForce,
    nowMs: number,
    sharedMs = SHARED_MS,
  ): Promise<Frame> {
    const { fileS } = this.traits;
    const kind = manner?.at === 'picture' ? manner.look : manner?.at === 'unchanged' ? 'frozen' : 'live';
    const maxAgeMs = fileS === null ? sharedMs : fileS * 1_000;
    const frame = await picture.frame(asked, nowMs, maxAgeMs, { kind, sinceMs: kind === 'live' ? 0 : sinceMs });
    return manner?.at === 'bytes' ? { ...frame, bytes: manner.change(frame.bytes) } : frame;
  }
}

/** Nothing is wrong. */
const LIVE: InForce = { manner: null, sinceMs: 0, untilMs: Infinity };

function answerUnauthorized(reply: Reply, verdict: Verdict): void {
  const challenges = verdict.isOpen ? [] : verdict.challenges;
  reply.text(
    '401 Unauthorized',
    'text/html',
    page('401 Unauthorized'),
    challenges.map((challenge) => `WWW-Authenticate: ${challenge}`),
  );
}

/** The device's own time, and what else its head says. */
function dated(manner: Manner | null): readonly string[] {
  const nowMs = Date.now();
  const lines = manner?.at === 'headers' ? manner.lines(nowMs) : [];
  return lines.some((line) => line.startsWith('Date:')) ? lines : [`Date: ${new Date(nowMs).toUTCString()}`, ...lines];
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
