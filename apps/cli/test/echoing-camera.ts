import { createHash } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { houses } from './houses.js';

/** Credentials that stand in nothing else, with characters that every encoding writes in its own way. */
export interface Canary {
  readonly username: string;
  readonly password: string;
}

/** How a secret may be written: as it is, percent-encoded in whole or in part, hex, base64; the password, and user and password together. */
export function spellingsOf({ username, password }: Canary): readonly string[] {
  const plain = [password, `${username}:${password}`];
  return [...new Set(plain.flatMap((text) => [text, ...encoded(text)]))];
}

function encoded(text: string): string[] {
  const bytes = Buffer.from(text, 'utf8');
  const hex = bytes.toString('hex');
  return [
    encodeURIComponent(text),
    hex.replace(/../g, '%$&'),
    hex,
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    JSON.stringify(text).slice(1, -1),
  ];
}

/** What one address of the device does once the sign-in is right. */
type Reply = (canary: Canary, request: string) => Buffer | Promise<Buffer>;

const head = (status: string, headers: readonly string[], body: Buffer | string): Buffer =>
  Buffer.concat([
    Buffer.from(
      [
        `HTTP/1.1 ${status}`,
        ...headers,
        `Content-Length: ${Buffer.byteLength(body)}`,
        'Connection: close',
        '',
        '',
      ].join('\r\n'),
    ),
    Buffer.from(body),
  ]);

/** Every spelling, in so many headers. */
const tattling = (canary: Canary): string[] => spellingsOf(canary).map((text, i) => `X-Debug-${i}: ${text}`);

/** Headers that a prober keeps until it asks again, or reads a clock from. */
const remembered = ({ password }: Canary): string[] => {
  const hex = Buffer.from(password).toString('hex');
  return [`ETag: "${hex}"`, `Last-Modified: ${hex}`, `Date: ${hex}`];
};

/** A picture that holds them in a comment and where Exif would stand. */
async function tattlingPicture(canary: Canary): Promise<Buffer> {
  const jpeg = await houses();
  const text = Buffer.from(spellingsOf(canary).join(' '), 'utf8');
  const segment = (marker: number, content: Buffer): Buffer => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(content.length + 2);
    return Buffer.concat([Buffer.of(0xff, marker), length, content]);
  };
  const exif = Buffer.concat([Buffer.from('Exif\0\0'), text]);
  return Buffer.concat([jpeg.subarray(0, 2), segment(0xe1, exif), segment(0xfe, text), jpeg.subarray(2)]);
}

const sdp = ({ username, password }: Canary): string =>
  `v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=Session\r\na=control:rtsp://${username}:${password}@127.0.0.1/track1\r\n`;

/** By the last part of the path. */
export const REPLIES: Readonly<Record<string, Reply>> = {
  picture: async (canary) =>
    head(
      '200 OK',
      ['Content-Type: image/jpeg', ...remembered(canary), ...tattling(canary)],
      await tattlingPicture(canary),
    ),
  stream: async (canary) => {
    const jpeg = await tattlingPicture(canary);
    const part = (): string =>
      `--b\r\nContent-Type: image/jpeg\r\n${tattling(canary).join('\r\n')}\r\nContent-Length: ${jpeg.length}\r\n\r\n`;
    const first = `HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n${part()}`;
    return Buffer.concat([Buffer.from(first), jpeg, Buffer.from(`\r\n${part()}`), jpeg, Buffer.from('\r\n--b--\r\n')]);
  },
  error: (canary) => head(`500 ${canary.password}`, tattling(canary), spellingsOf(canary).join('\n')),
  text: (canary) => head('200 OK', [`Content-Type: text/plain; note="${canary.password}"`], sdp(canary)),
  type: ({ username, password }) => {
    const media = `application/x-${encodeURIComponent(`${username}:${password}`)}`;
    return head('200 OK', [`Content-Type: ${media}`], 'no picture');
  },
  sdp: (canary) => head('200 OK', ['Content-Type: application/sdp'], sdp(canary)),
  moved: (canary) => {
    const { username, password } = canary;
    const userinfo = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`;
    return head('302 Found', [`Location: http://${userinfo}@192.0.2.9/${encodeURIComponent(password)}`], password);
  },
  garbage: (canary) => Buffer.from(`${spellingsOf(canary).join(' ')}\r\n\r\n`),
  broken: (canary) => {
    const text = Buffer.from(spellingsOf(canary).join(' '));
    return head('200 OK', ['Content-Type: image/jpeg'], Buffer.concat([Buffer.of(0xff, 0xd8, 0xff, 0xe1), text]));
  },
  missing: (canary, request) => head('404 Not Found', [], `no such thing: ${request} ${spellingsOf(canary).join(' ')}`),
};

/**
 * A device that tells everybody what it should keep: `/digest/…` and `/basic/…` want a sign-in, `/refused/…` never takes one and asks for it by a
 * realm that holds the password; `/open/…` takes anybody, and tells the token that opens it.
 */
export class EchoingCamera {
  /** Paths that were asked for with a right sign-in, or without any where none is wanted. */
  readonly served: string[] = [];
  /** Passwords that were refused. */
  refused = 0;
  private readonly server: Server;

  /** @param token a secret that is part of addresses */
  constructor(
    private readonly canary: Canary,
    private readonly token: string,
  ) {
    this.server = createServer((socket) => this.talk(socket));
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    this.server.close();
  }

  private talk(socket: Socket): void {
    let text = '';
    socket.on('error', () => undefined);
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
      if (!text.includes('\r\n\r\n')) return;
      const [, path = '/'] = /^\S+ (\S+)/.exec(text) ?? [];
      const authorization = /^authorization: *(.*)$/im.exec(text)?.[1]?.trim() ?? null;
      void this.reply(path, authorization).then((bytes) => socket.end(bytes));
      text = '';
    });
  }

  private async reply(path: string, authorization: string | null): Promise<Buffer> {
    const [, how = '', what = ''] = path.split(/[/?]/);
    const { password } = this.canary;
    if (how === 'refused') {
      if (authorization !== null) this.refused += 1;
      return head(
        '401 Unauthorized',
        [`WWW-Authenticate: Basic realm="${password}"`, ...tattling(this.canary)],
        password,
      );
    }
    if (how === 'basic' && authorization !== this.basic) {
      return head('401 Unauthorized', ['WWW-Authenticate: Basic realm="camera"'], '');
    }
    if (how === 'digest' && !this.isDigest(authorization)) {
      const challenge = 'Digest realm="camera", nonce="0123456789abcdef", qop="auth"';
      return head('401 Unauthorized', [`WWW-Authenticate: ${challenge}`], '');
    }
    this.served.push(path);
    // It knows only what it was told.
    const told = how === 'open' ? { username: 'viewer', password: this.token } : this.canary;
    return (REPLIES[what] ?? REPLIES.missing)?.(told, path) ?? Buffer.alloc(0);
  }

  private get basic(): string {
    return `Basic ${Buffer.from(`${this.canary.username}:${this.canary.password}`).toString('base64')}`;
  }

  /** RFC 7616 with MD5, as devices do it. */
  private isDigest(authorization: string | null): boolean {
    if (authorization === null || !authorization.startsWith('Digest ')) return false;
    const of = (name: string): string => new RegExp(`\\b${name}="?([^",]*)`).exec(authorization)?.[1] ?? '';
    const md5 = (value: string): string => createHash('md5').update(value).digest('hex');
    const secret = md5(`${this.canary.username}:camera:${this.canary.password}`);
    const wanted = [secret, of('nonce'), of('nc'), of('cnonce'), of('qop'), md5(`GET:${of('uri')}`)].join(':');
    return of('response') === md5(wanted);
  }
}
