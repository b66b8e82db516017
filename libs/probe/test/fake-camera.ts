import { createHash } from 'node:crypto';
import { createServer, type AddressInfo, type Socket } from 'node:net';

/** A device on loopback that says whatever a test wants, byte for byte. */
export interface FakeCamera {
  readonly port: number;
  /** Head of each request that came, in order. */
  readonly requests: readonly string[];
  /** Connections that were made to it, and those that are open. */
  readonly connections: { readonly made: number; readonly open: number };
  url(path?: string): string;
  close(): Promise<void>;
}

/** Says what a device does with its nth request, from 0. */
export type Answer = (socket: Socket, request: string, nth: number) => void;

export async function fakeCamera(answer: Answer): Promise<FakeCamera> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let made = 0;
  const server = createServer((socket) => {
    made += 1;
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
    let head = '';
    socket.on('data', function read(chunk) {
      head += chunk.toString('latin1');
      // A TLS hello is answered like a request, by what speaks no TLS.
      if (!head.includes('\r\n\r\n') && !head.startsWith('\x16')) return;
      const request = head;
      head = '';
      if (!/^connection: keep-alive/im.test(request)) socket.off('data', read).resume();
      requests.push(request);
      answer(socket, request, requests.length - 1);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    requests,
    get connections() {
      return { made, open: sockets.size };
    },
    url: (path = '/') => `http://127.0.0.1:${port}${path}`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Sends this and closes. */
export const closing =
  (...parts: readonly (Buffer | string)[]): Answer =>
  (socket) =>
    socket.end(bytes(...parts));

/** Sends this and keeps the connection. */
export const holding =
  (...parts: readonly (Buffer | string)[]): Answer =>
  (socket) =>
    void socket.write(bytes(...parts));

/** Sends this over and over, as fast as it is taken. */
export const endless =
  (first: Buffer | string, again: Buffer | string): Answer =>
  (socket) => {
    socket.write(bytes(first));
    const more = (): void => {
      while (!socket.destroyed && socket.write(bytes(again)));
    };
    socket.on('drain', more);
    more();
  };

export const bytes = (...parts: readonly (Buffer | string)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));

const hashed = (algorithm: string, text: string): string =>
  createHash(algorithm.startsWith('SHA') ? 'sha256' : 'md5')
    .update(text)
    .digest('hex');

/** Checks a Digest answer as a device does (RFC 7616, qop=auth); the nonce's count too where it is given. */
export function isSignedIn(
  request: string,
  { algorithm = 'MD5', user = 'viewer', password = 'rain & wind', realm = 'AXIS_ACCC8E000000', nonce = '' },
): boolean {
  const header = /^authorization: digest (.*)$/im.exec(request)?.[1] ?? '';
  const value = (name: string): string =>
    new RegExp(`(?:^|[ ,])${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^, ]*))`)
      .exec(header)
      ?.slice(1)
      .join('')
      .replace('undefined', '') ?? '';
  const path = /^GET (\S+) /.exec(request)?.[1] ?? '';
  const a1 = hashed(algorithm, `${user}:${realm}:${password}`);
  const a2 = hashed(algorithm, `GET:${path}`);
  const expected = hashed(algorithm, `${a1}:${nonce}:${value('nc')}:${value('cnonce')}:auth:${a2}`);
  return value('uri') === path && value('nonce') === nonce && value('response') === expected;
}
