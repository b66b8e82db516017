import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Frame } from './picture.js';
import type { DeviceRequest } from './request.js';

/** Writes the answer to one request, and keeps the connection where the caller wants it kept. */
export class Reply {
  readonly isHead: boolean;
  private keeps: boolean;

  constructor(
    private readonly socket: Socket,
    private readonly request: DeviceRequest,
  ) {
    this.isHead = request.method === 'HEAD';
    const connection = request.headers.get('connection')?.toLowerCase() ?? '';
    this.keeps = request.version === '1.1' ? connection !== 'close' : connection === 'keep-alive';
  }

  head(status: string, headers: readonly string[]): void {
    const lines = [`HTTP/1.1 ${status}`, 'Cache-Control: no-cache', ...headers];
    this.socket.write([...lines, `Connection: ${this.keeps ? 'keep-alive' : 'close'}`, '', ''].join('\r\n'));
    if (!this.keeps && (this.isHead || status.startsWith('304'))) this.socket.end();
  }

  body(bytes: Buffer): void {
    if (this.keeps) this.socket.write(bytes);
    else this.socket.end(bytes);
  }

  text(status: string, type: string, text: string, headers: readonly string[] = [], closes = false): void {
    if (closes) this.keeps = false;
    const body = Buffer.from(text);
    this.head(status, [`Content-Type: ${type}`, `Content-Length: ${body.length}`, ...headers]);
    if (!this.isHead) this.body(body);
  }

  /** Whether the caller asked for the picture only if it changed. */
  get isConditional(): boolean {
    const { headers } = this.request;
    return headers.has('if-none-match') || headers.has('if-modified-since');
  }

  /** Whether the caller has this frame already (RFC 9110, sections 13.1.2 and 13.1.3). */
  isUnchanged({ takenAtMs }: Frame, headers: readonly string[]): boolean {
    const match = this.request.headers.get('if-none-match');
    if (match !== undefined) return headers.includes(`ETag: ${match}`);
    const since = Date.parse(this.request.headers.get('if-modified-since') ?? '');
    return !Number.isNaN(since) && Math.floor(takenAtMs / 1_000) * 1_000 <= since;
  }
}

/** Date and tag of a picture that is a file. */
export const fileHeaders = ({ bytes, takenAtMs }: Frame): readonly string[] => [
  `Last-Modified: ${new Date(takenAtMs).toUTCString()}`,
  `ETag: "${createHash('sha1').update(bytes).digest('hex').slice(0, 16)}"`,
];
