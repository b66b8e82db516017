import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { KeptConnections, probe, type ProbeResult, type ServiceTarget } from '../src/index.js';
import { A, B, camera, closeCameras, CREDENTIALS, status, targetOf, toolsOf } from './asking.js';
import { type Answer, bytes, type FakeCamera, isSignedIn } from './fake-camera.js';

const opened: KeptConnections[] = [];
afterEach(async () => {
  for (const kept of opened.splice(0)) kept.close();
  await closeCameras();
});

const keeping = (most?: number): KeptConnections => {
  const kept = new KeptConnections(most);
  opened.push(kept);
  return kept;
};

const picture = (jpeg: Buffer, ...headers: readonly string[]): Buffer =>
  bytes(
    `HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n`,
    ...headers.map((line) => `${line}\r\n`),
    '\r\n',
    jpeg,
  );
const chunked = (jpeg: Buffer): Buffer =>
  bytes(
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    `${jpeg.length.toString(16)}\r\n`,
    jpeg,
    '\r\n0\r\n\r\n',
  );
const NOT_MODIFIED = 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n';

/** A device that leaves its connections open. */
const open =
  (...answers: readonly (Buffer | string)[]): Answer =>
  (socket, _, nth) =>
    void socket.write(bytes(answers[Math.min(nth, answers.length - 1)] ?? ''));

const reuseOf = (more: Partial<NonNullable<ServiceTarget['reuse']>> = {}) => ({
  device: 'device',
  key: 'camera 1',
  forMs: 5_000,
  ...more,
});

/** Asks for a snapshot, as somebody who will ask again. */
function asking(kept: KeptConnections, target: Partial<ServiceTarget> = {}, tools: Parameters<typeof toolsOf>[0] = {}) {
  const made = toolsOf({ ...tools, tools: { ...tools.tools, kept } });
  return (url: string, more: Partial<ServiceTarget> = {}): Promise<ProbeResult> =>
    probe(
      targetOf(url, { kind: 'snapshot', reuse: reuseOf(), ...target, ...more }),
      made,
      new AbortController().signal,
    );
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** Connections that are open once the other side has heard of those that were closed. */
async function openAt(device: FakeCamera, wanted: number): Promise<number> {
  for (let i = 0; i < 100 && device.connections.open !== wanted; i += 1) await wait(5);
  return device.connections.open;
}

describe('a snapshot that is asked again within seconds', () => {
  test('goes on over its connection: pictures, and word that there is none new', async () => {
    const device = await camera(open(picture(A), NOT_MODIFIED, chunked(B), picture(A)));
    const ask = asking(keeping());
    const first = await ask(device.url());
    const second = await ask(device.url(), { cached: { etag: '"a"' } });
    const third = await ask(device.url());
    await ask(device.url());
    expect([first.frame?.bytes, second.frame, third.frame?.bytes]).toEqual([A, null, B]);
    expect([first, second, third].map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok']);
    expect(device.connections.made).toBe(1);
    expect(device.requests.every((request) => /^connection: keep-alive/im.test(request))).toBe(true);
    expect(first.phases.connectMs).toBeGreaterThan(0);
    expect(second.phases).toMatchObject({ connectMs: null, tlsMs: null, firstByteMs: expect.any(Number) });
  });

  test('signs in on it without being asked', async () => {
    const nonce = 'n1';
    const device = await camera((socket, request) => {
      if (isSignedIn(request, { ...CREDENTIALS, user: CREDENTIALS.username, realm: 'r', nonce }))
        return void socket.write(picture(A));
      socket.write(status(401, `WWW-Authenticate: Digest realm="r", nonce="${nonce}", qop="auth"`));
    });
    const ask = asking(keeping(), { credentials: CREDENTIALS });
    for (let i = 0; i < 3; i += 1) expect((await ask(device.url())).outcome).toBe('ok');
    expect(device.requests).toHaveLength(4);
    // What follows a 401 is not waited for, so the answer to it has a connection of its own.
    expect(device.connections.made).toBe(2);
  });

  test.each<[string, Buffer | string]>([
    ['says that it closes', picture(A, 'Connection: close')],
    ['is of HTTP/1.0', picture(A).toString('latin1').replace('HTTP/1.1', 'HTTP/1.0')],
    [
      'has no length',
      picture(A)
        .toString('latin1')
        .replace(/Content-Length.*\r\n/, ''),
    ],
    ['goes on behind its picture', bytes(picture(A), 'and more')],
    ['has no head', A],
    ['goes on behind its last chunk', bytes(chunked(A), 'and more')],
  ])('has a new connection each time where the answer %s', async (_, answer) => {
    const device = await camera(open(answer));
    const kept = keeping();
    const ask = asking(kept);
    for (let i = 0; i < 2; i += 1) expect((await ask(device.url())).outcome).toBe('ok');
    expect(kept.size).toBe(0);
    expect(device.connections.made).toBe(2);
  });

  test('keeps a connection of HTTP/1.0 where the device says so', async () => {
    const answer = picture(A, 'Connection: Keep-Alive').toString('latin1').replace('HTTP/1.1', 'HTTP/1.0');
    const device = await camera(open(bytes(answer)));
    const ask = asking(keeping());
    for (let i = 0; i < 2; i += 1) expect((await ask(device.url())).outcome).toBe('ok');
    expect(device.connections.made).toBe(1);
  });

  test('is asked on a new connection where it takes its time: its silence would not tell that one from before is lost', async () => {
    const device = await camera((socket) => void setTimeout(() => socket.write(picture(A)), 600));
    const kept = keeping();
    expect((await asking(kept)(device.url())).outcome).toBe('ok');
    expect(kept.size).toBe(0);
  });
});

describe('a connection that was lost while it waited says nothing of the device', () => {
  const loses: readonly [string, (socket: Socket) => void][] = [
    ['reset', (socket) => socket.resetAndDestroy()],
    ['closed', (socket) => socket.end()],
    ['forgotten on the way', () => undefined],
  ];
  test.each(loses)('%s when it is asked', async (_, lose) => {
    const device = await camera((socket, __, nth) => (nth === 1 ? lose(socket) : void socket.write(picture(A))));
    const ask = asking(keeping());
    for (let i = 0; i < 2; i += 1) expect((await ask(device.url())).outcome).toBe('ok');
    expect([device.connections.made, device.requests.length]).toEqual([2, 3]);
  });

  test('closed by the device before: it is asked once', async () => {
    const device = await camera((socket) => void socket.write(picture(A), () => setTimeout(() => socket.end(), 20)));
    const kept = keeping();
    const ask = asking(kept);
    await ask(device.url());
    while (kept.size > 0) await wait(5);
    expect((await ask(device.url())).outcome).toBe('ok');
    expect([device.connections.made, device.requests.length]).toEqual([2, 2]);
  });

  test('and one on which something came unasked is not used', async () => {
    const device = await camera(
      (socket) => void socket.write(picture(A), () => setTimeout(() => socket.write('HTTP/1.1 200 OK\r\n'), 20)),
    );
    const kept = keeping();
    await asking(kept)(device.url());
    while (kept.size > 0) await wait(5);
    expect(await openAt(device, 0)).toBe(0);
  });

  test('a device that is gone altogether is refused, whatever is left of it', async () => {
    const device = await camera(open(picture(A)));
    const ask = asking(keeping());
    await ask(device.url());
    await device.close();
    expect((await ask(device.url())).outcome).toBe('refused');
  });

  test('an answer that breaks off is the device’s, on whatever connection', async () => {
    const device = await camera((socket, _, nth) => {
      if (nth === 0) socket.write(picture(A));
      else socket.end(picture(A).subarray(0, 300));
    });
    const ask = asking(keeping());
    await ask(device.url());
    expect((await ask(device.url())).outcome).not.toBe('ok');
    expect(device.requests).toHaveLength(2);
  });
});

describe('SSRF-4: a connection from before is judged like a new one', () => {
  test('what may not be dialled any more is not asked, and its connection closed', async () => {
    const device = await camera(open(picture(A)));
    const ask = asking(keeping());
    await ask(device.url());
    const { policy } = targetOf(device.url());
    const { outcome } = await ask(device.url(), { policy: { ...policy, cidrs: ['10.0.0.0/8'] } });
    expect([outcome, device.requests.length, await openAt(device, 0)]).toEqual(['target_not_allowed', 1, 0]);
  });

  test('a name is looked up again, and another address is dialled anew', async () => {
    const device = await camera(open(picture(A)));
    const answers = [['127.0.0.1'], ['127.0.0.1'], ['127.0.0.2'], ['10.0.0.1']];
    const resolve = (): Promise<string[]> => Promise.resolve(answers.shift() ?? []);
    const ask = asking(keeping(), {}, { tools: { resolve } });
    const url = device.url().replace('127.0.0.1', 'camera.test');
    const policy = { ...targetOf(device.url()).policy };
    expect((await ask(url, { policy })).outcome).toBe('ok');
    expect((await ask(url, { policy })).outcome).toBe('ok');
    expect(device.connections.made).toBe(1);
    // Nobody listens there.
    expect((await ask(url, { policy })).outcome).toBe('refused');
    expect(await openAt(device, 0)).toBe(0);
    expect((await ask(url, { policy })).outcome).toBe('target_not_allowed');
  });

  test.each<[string, Partial<ServiceTarget>]>([
    ['another key', { reuse: reuseOf({ key: 'camera 1, changed' }) }],
    ['another camera of the same device', { reuse: reuseOf({ key: 'camera 2' }) }],
  ])('%s: closed, then dialled', async (_, target) => {
    const device = await camera(open(picture(A)));
    const ask = asking(keeping());
    await ask(device.url());
    expect((await ask(device.url(), target)).outcome).toBe('ok');
    expect([device.connections.made, await openAt(device, 1)]).toEqual([2, 1]);
  });
});

describe('what waits', () => {
  test('does not wait longer than it may', async () => {
    const device = await camera(open(picture(A)));
    const kept = keeping();
    await asking(kept, { reuse: reuseOf({ forMs: 50 }) })(device.url());
    expect(kept.size).toBe(1);
    expect(await openAt(device, 0)).toBe(0);
    expect(kept.size).toBe(0);
  });

  test('gives way: to another question to its device, to more than may wait, to the end', async () => {
    const devices = await Promise.all([1, 2, 3].map(() => camera(open(picture(A)))));
    const kept = keeping(2);
    for (const device of devices) await asking(kept, { reuse: reuseOf({ device: device.url() }) })(device.url());
    const [first, second, third] = devices as [FakeCamera, FakeCamera, FakeCamera];
    expect([kept.size, await openAt(first, 0)]).toEqual([2, 0]);
    kept.endAt(second.url());
    expect([kept.size, await openAt(second, 0)]).toEqual([1, 0]);
    kept.close();
    expect([kept.size, await openAt(third, 0)]).toEqual([0, 0]);
  });
});
