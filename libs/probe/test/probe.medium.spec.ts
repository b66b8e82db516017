import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test } from '@jest/globals';
import { OUTCOMES, type Outcome } from '#catalog';
import { probe } from '../src/index.js';
import {
  A,
  ask,
  type Asking,
  askOf,
  camera,
  closeCameras,
  CREDENTIALS,
  MULTIPART,
  QUICK,
  SNAPSHOT,
  status,
  STREAM,
  targetOf,
  toolsOf,
} from './asking.js';
import { type Answer, bytes, closing, fakeCamera, holding } from './fake-camera.js';
import { jpegOf } from './jpegs.js';

afterEach(closeCameras);

const redirectTo =
  (location: (url: string) => string): Answer =>
  (socket, request) => {
    const host = /^host: (\S+)/im.exec(request)?.[1] ?? '';
    const at = /^GET (\S+) /.exec(request)?.[1] ?? '';
    const to = location(`http://${host}${at}`);
    socket.end(to === '' ? SNAPSHOT : status(302, `Location: ${to}`));
  };

/** A port on which connections wait for ever: a worker listens, and stands still. */
async function deafPort(): Promise<{ readonly port: number; close(): Promise<unknown> }> {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
     const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
     });`,
    { eval: true },
  );
  const port = await new Promise<number>((resolve) => worker.once('message', resolve));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const fillers = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  await new Promise((resolve) => setTimeout(resolve, 100));
  return {
    port,
    close: () => {
      for (const filler of fillers) filler.destroy();
      return worker.terminate();
    },
  };
}

async function closedPort(): Promise<number> {
  const made = await fakeCamera(() => undefined);
  await made.close();
  return made.port;
}

const PNG = bytes(
  '--myboundary\r\nContent-Type: image/png\r\n\r\n',
  '\x89PNG\r\n\x1a\n'.repeat(9),
  '\r\n--myboundary\r\n',
);

describe('each outcome has its cause (probing.md 6; SSRF-8, SSRF-9)', () => {
  const html = 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>';
  const digest = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"';
  const rejecting = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }));

  const causes: readonly (readonly [Outcome, string, Answer | null, Asking?])[] = [
    ['ok', 'a stream that closes', closing(STREAM)],
    ['ok', 'a stream held open', holding(STREAM)],
    ['ok', 'a snapshot', closing(SNAPSHOT), { target: { kind: 'snapshot' } }],
    ['ok', 'a snapshot at a stream URL', closing(SNAPSHOT)],
    ['ok', 'a stream at a snapshot URL', holding(STREAM), { target: { kind: 'snapshot' } }],
    ['ok', '304 to our own condition', closing(status(304)), { target: { kind: 'snapshot', cached: { etag: '"1"' } } }],
    [
      'ok',
      'a whole picture, then a reset',
      (socket) => socket.write(SNAPSHOT, () => setTimeout(() => socket.resetAndDestroy(), 20)),
    ],
    ['busy', '503', closing(status(503))],
    ['busy', '429', closing(status(429))],
    ['busy', '503 with a picture', closing(`HTTP/1.1 503 X\r\nContent-Type: image/jpeg\r\n\r\n`, A)],
    ['auth_failed', '401 without credentials', closing(status(401, digest))],
    ['auth_failed', '401 after the answer', closing(status(401, digest)), { target: { credentials: CREDENTIALS } }],
    ['auth_failed', '401 without a challenge', closing(status(401)), { target: { credentials: CREDENTIALS } }],
    [
      'auth_failed',
      'Basic alone over http',
      closing(status(401, 'WWW-Authenticate: Basic realm="r"')),
      { target: { credentials: CREDENTIALS } },
    ],
    ['forbidden', '403', closing(status(403))],
    ['forbidden', '407', closing(status(407))],
    ['not_found', '404', closing(status(404))],
    ['not_found', '410', closing(status(410))],
    ['moved', 'to another host', redirectTo(() => 'http://127.0.0.2/')],
    ['moved', 'to nowhere', closing(status(302))],
    ['moved', 'to another scheme', redirectTo(() => 'rtsp://127.0.0.1/')],
    ['moved', 'to a port that may not be dialled', redirectTo(() => 'http://127.0.0.1:22/')],
    ['moved', 'in a circle', redirectTo((url) => (url.endsWith('/a') ? '/' : '/a'))],
    ['moved', 'a fourth hop', redirectTo((url) => `${url}x`)],
    ['moved', 'to a login page', (socket, _, nth) => socket.end(nth === 0 ? status(301, 'Location: /login') : html)],
    ['not_a_picture', 'HTML', closing(html)],
    ['not_a_picture', 'HTML held open', holding(html)],
    [
      'not_a_picture',
      'an error as text (VAPIX)',
      closing('HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n<!-- Camera 1 not available. -->'),
    ],
    [
      'not_a_picture',
      'a coding we did not ask for',
      holding('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b'),
    ],
    ['not_a_picture', 'a stream of PNG', holding(MULTIPART, PNG), { limits: QUICK }],
    ['bad_picture', 'a picture that is cut', closing(SNAPSHOT.subarray(0, -50))],
    ['bad_picture', 'a stream cut in its first picture', closing(STREAM.subarray(0, 2_000))],
    [
      'bad_picture',
      'a picture that is damaged, twice',
      holding(STREAM),
      { tools: { isDamaged: () => Promise.resolve('half of it is grey') } },
    ],
    [
      'bad_picture',
      'a damaged picture and no second',
      holding(SNAPSHOT),
      { limits: QUICK, tools: { isDamaged: () => Promise.resolve('torn') } },
    ],
    ['first_byte_timeout', 'no answer', holding(''), { limits: QUICK }],
    ['first_byte_timeout', 'no answer within the whole probe', holding(''), { limits: { wholeMs: 200 } }],
    ['first_frame_timeout', 'a head, then silence (VLC)', holding(MULTIPART), { limits: QUICK }],
    ['first_frame_timeout', 'half a head, then silence', holding('HTTP/1.1 200 OK\r\n'), { limits: QUICK }],
    ['stalled', 'half a picture, then silence', holding(STREAM.subarray(0, 2_000)), { limits: QUICK }],
    ['unreachable', '502', closing(status(502))],
    ['unreachable', '504', closing(status(504))],
    [
      'dns_error',
      'no such name',
      null,
      { target: { url: 'http://camera.test/' }, tools: { resolve: rejecting('ENOTFOUND') } },
    ],
    [
      'dns_error',
      'no address',
      null,
      { target: { url: 'http://camera.test/' }, tools: { resolve: () => Promise.resolve([]) } },
    ],
    [
      'dns_error',
      'no answer',
      null,
      {
        target: { url: 'http://camera.test/' },
        limits: { dnsMs: 50 },
        tools: { resolve: () => new Promise(() => undefined) },
      },
    ],
    ['reset', 'at once', (socket) => void socket.resetAndDestroy()],
    [
      'reset',
      'in a picture',
      (socket) => socket.write(STREAM.subarray(0, 2_000), () => setTimeout(() => socket.resetAndDestroy(), 20)),
    ],
    ['empty_reply', 'nothing', closing('')],
    ['empty_reply', '200 without content', closing(status(200))],
    ['empty_reply', '200 without content, held open', holding(status(200))],
    ['empty_reply', '204', closing('HTTP/1.1 204 No Content\r\n\r\n')],
    ['protocol_error', 'SSH', holding('SSH-2.0-dropbear\r\n')],
    ['protocol_error', 'RTSP', closing('RTSP/1.0 400 Bad Request\r\n\r\n')],
    ['protocol_error', 'a TLS alert', closing('\x15\x03\x01\0\x02\x02\x46')],
    ['protocol_error', 'a head that is cut', closing('HTTP/1.1 200 OK\r\nContent-')],
    ['protocol_error', 'no status', closing('HTTP/1.1 OK\r\n\r\n')],
    [
      'protocol_error',
      'broken chunks',
      closing('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nworld\r\n'),
    ],
    ['protocol_error', '304 unasked', closing(status(304))],
    ['protocol_error', '400', closing(status(400))],
    ['protocol_error', '500', closing(status(500))],
    ['protocol_error', 'interim answers without end', closing('HTTP/1.1 100 Continue\r\n\r\n'.repeat(6), SNAPSHOT)],
    [
      'too_large',
      'too many pixels',
      holding(
        'HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 9999\r\n\r\n',
        jpegOf(1, { widthPx: 16_000, heightPx: 16_000 }),
      ),
    ],
    ['target_not_allowed', 'no network', closing(SNAPSHOT), { target: { policy: { cidrs: [], loopback: true } } }],
    [
      'target_not_allowed',
      'a name that leads elsewhere',
      null,
      { target: { url: 'http://camera.test/' }, tools: { resolve: () => Promise.resolve(['169.254.169.254']) } },
    ],
    [
      'prober_internal',
      'an exception of ours',
      closing(SNAPSHOT),
      { tools: { isDamaged: () => Promise.reject(new TypeError('x')) } },
    ],
    ['prober_internal', 'rtsp, in this version', null, { target: { kind: 'rtsp', url: 'rtsp://127.0.0.1/' } }],
    ['prober_internal', 'hls, in this version', null, { target: { kind: 'hls', url: 'http://127.0.0.1/x.m3u8' } }],
    ['prober_internal', 'shutdown before', closing(SNAPSHOT), { signal: AbortSignal.abort() }],
  ];
  test.each(causes)('%s: %s', async (outcome, name, answer, asking = {}) => {
    const result =
      answer === null
        ? await probe(
            { ...targetOf('http://127.0.0.1/'), ...asking.target },
            toolsOf(asking),
            new AbortController().signal,
          )
        : await askOf(answer, asking);
    expect(result).toMatchObject({ outcome, evidence: { reason: expect.stringMatching(/^[^\r\n]{5,}$/) } });
    expect(result.frame === null).toBe(outcome !== 'ok' || name.startsWith('304'));
  });

  test('connect_timeout: nobody takes the connection', async () => {
    const deaf = await deafPort();
    try {
      const result = await ask(`http://127.0.0.1:${deaf.port}/`, { limits: { connectMs: 300 } });
      expect(result.outcome).toBe('connect_timeout');
      expect(result.phases).toEqual({
        dnsMs: null,
        connectMs: null,
        tlsMs: null,
        firstByteMs: null,
        firstFrameMs: null,
      });
      const whole = await ask(`http://127.0.0.1:${deaf.port}/`, { limits: { wholeMs: 200 } });
      expect(whole.outcome).toBe('first_byte_timeout');
    } finally {
      await deaf.close();
    }
  });

  test('refused: a closed port', async () => {
    expect((await ask(`http://127.0.0.1:${await closedPort()}/`)).outcome).toBe('refused');
  });

  test('tls_error: plain text on an https port', async () => {
    const { port } = await camera(closing(SNAPSHOT));
    const result = await ask(`https://127.0.0.1:${port}/`);
    expect(result.outcome).toBe('tls_error');
    expect(result.phases.connectMs).not.toBeNull();
  });

  test('prober_internal: shutdown in the middle', async () => {
    const controller = new AbortController();
    const asked = askOf(holding(MULTIPART), { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    expect((await asked).outcome).toBe('prober_internal');
  });

  test('prober_internal: a timeout while our own event loop stood still', async () => {
    const { url } = await camera(holding(''));
    const asked = ask(url(), { limits: { firstByteMs: 300 } });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const until = performance.now() + 900;
    while (performance.now() < until);
    expect((await asked).outcome).toBe('prober_internal');
  });

  test('every outcome of the list has a cause above', () => {
    const elsewhere: readonly Outcome[] = ['connect_timeout', 'refused', 'tls_error'];
    expect([...new Set([...causes.map(([outcome]) => outcome), ...elsewhere])].sort()).toEqual([...OUTCOMES].sort());
  });
});
