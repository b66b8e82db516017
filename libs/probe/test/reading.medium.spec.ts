import { createHash } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { Frame } from '#catalog';
import { probe, PROBES } from '../src/index.js';
import {
  A,
  ask,
  askOf,
  B,
  camera,
  closeCameras,
  CREDENTIALS,
  MULTIPART,
  part,
  QUICK,
  SNAPSHOT,
  status,
  STREAM,
  targetOf,
  toolsOf,
} from './asking.js';
import { type Answer, bytes, closing, endless, holding, isSignedIn } from './fake-camera.js';
import { jpegOf, scanData } from './jpegs.js';

afterEach(closeCameras);

const FIXTURES = path.join(process.cwd(), '..', 'shared', 'vectors', 'mjpeg');
const chunked = (...parts: readonly (Buffer | string)[]): Buffer =>
  bytes(...parts.flatMap((one) => [`000${bytes(one).length.toString(16)};x=y\n`, one, '\n']), '0\r\n\r\njunk');

describe('heads and framings of section 3, closed and held open', () => {
  const ok = 'HTTP/1.1 200 OK\r\n';
  const forms: readonly (readonly [string, Buffer])[] = [
    ['no head: a picture at once', A],
    ['no head: a delimiter at once', bytes('\r\n', part(A), part(B))],
    ['ICY', bytes('ICY 200 OK\r\nContent-Type: image/jpeg\r\n\r\n', A)],
    ['lower case, no reason', bytes('http/1.0 200\r\n\r\n', A)],
    ['line ends of LF', bytes('HTTP/1.1 200 OK\nContent-Type: image/jpeg\n\n', A)],
    ['mixed line ends', bytes('HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\n\r\n', A)],
    ['blank lines before it', bytes('\r\n\r\n', SNAPSHOT)],
    ['a bare date among the headers (Home Assistant#14960)', bytes(ok, 'Thu, 01 Jan 1970\r\n: x\r\n\r\n', A)],
    [
      'blanks around the colon, folded, Latin-1, control characters',
      bytes(ok, 'Server : c\xe4m\x01\r\n era\r\nContent-Type  :  image/jpeg\r\n\r\n', A),
    ],
    ['interim answers', bytes('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 P\r\nX: y\r\n\r\n', SNAPSHOT)],
    [
      'chunked',
      bytes(
        ok,
        'Content-Type: image/jpeg\r\nTransfer-Encoding: Chunked\r\n\r\n',
        chunked(A.subarray(0, 700), A.subarray(700)),
      ),
    ],
    ['chunked, and a wrong length', bytes(ok, 'Content-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n', chunked(A))],
    [
      'chunked multipart, borders inside the delimiter',
      bytes(
        ok,
        'Content-Type: multipart/x-mixed-replace; boundary=myboundary\r\nTransfer-Encoding: chunked\r\n\r\n',
        chunked('--mybou', part(A).subarray(7), part(B)),
      ),
    ],
    ['chunked in name only', bytes(ok, 'Transfer-Encoding: chunked\r\n\r\n', A)],
    ['chunked in name only, multipart', bytes(ok, 'Transfer-Encoding: chunked\r\n\r\n', part(A), part(B))],
    ['no last chunk', bytes(ok, 'Transfer-Encoding: chunked\r\n\r\n', A.length.toString(16), '\r\n', A)],
    ['lengths that differ', bytes(ok, 'Content-Length: 5\r\nContent-Length: 99999\r\n\r\n', A)],
    ['a length of zero', bytes(ok, 'Content-Type: image/jpeg\r\nContent-Length: 0\r\n\r\n', A)],
    ['a negative length', bytes(ok, 'Content-Length: -1\r\n\r\n', A)],
    ['a huge length', bytes(ok, 'Content-Type: image/jpeg\r\nContent-Length: 9999999\r\n\r\n', A)],
    [
      'a length with padding that never comes',
      bytes(ok, `Content-Type: image/jpeg\r\nContent-Length: ${A.length + 50}\r\n\r\n`, A),
    ],
    ['HTML in name', bytes(ok, 'Content-Type: text/html\r\n\r\n', A)],
    ['multipart as image/jpeg', bytes(ok, 'Content-Type: image/jpeg\r\n\r\n', part(A), part(B))],
  ];

  test.each(forms)('%s', async (_, answer) => {
    for (const [answering, limitMs] of [
      [closing(answer), 1_000],
      [holding(answer), 1_000],
    ] as const) {
      const began = performance.now();
      const { outcome, frame } = await askOf(answering);
      expect(outcome).toBe('ok');
      expect(frame?.bytes.equals(A)).toBe(true);
      expect(performance.now() - began).toBeLessThan(limitMs);
    }
  });

  test('a slow line: one byte a packet', async () => {
    const answer = bytes(MULTIPART, part(jpegOf(3, { scan: scanData(3, 100) })));
    const { outcome } = await askOf((socket) => {
      let at = 0;
      const timer = setInterval(() => {
        if (at < answer.length) socket.write(answer.subarray(at, (at += 1)));
        else clearInterval(timer);
      }, 1);
      socket.on('close', () => clearInterval(timer));
    });
    expect(outcome).toBe('ok');
  });

  const manifest = existsSync(FIXTURES)
    ? (JSON.parse(readFileSync(path.join(FIXTURES, 'manifest.json'), 'utf8')) as Record<string, { expected: string[] }>)
    : {};
  (existsSync(FIXTURES) ? test : test.skip)(
    'fixtures of shared/vectors/mjpeg, held open in at most a second (skipped where absent)',
    async () => {
      for (const [name, { expected }] of Object.entries(manifest)) {
        const began = performance.now();
        const { outcome, frame } = await askOf(holding(readFileSync(path.join(FIXTURES, `${name}.http`))));
        expect([
          name,
          outcome,
          createHash('sha1')
            .update(frame?.bytes ?? '')
            .digest('hex'),
        ]).toEqual([name, 'ok', expected[0]]);
        expect(performance.now() - began).toBeLessThan(1_000);
      }
    },
  );
});

describe('hostile devices (SSRF-8, MP-1)', () => {
  const scan = scanData(1, 60_000);
  test.each<[string, Answer, string]>([
    ['an endless head', endless('HTTP/1.1 200 OK\r\n', `X-A: ${'a'.repeat(500)}\r\n`), 'protocol_error'],
    ['an endless header line', endless('HTTP/1.1 200 OK\r\nX: ', 'a'.repeat(5_000)), 'protocol_error'],
    ['endless zeros', endless(MULTIPART, Buffer.alloc(60_000)), 'not_a_picture'],
    ['endless delimiters', endless(MULTIPART, '--myboundary\r\n'.repeat(500)), 'not_a_picture'],
    [
      'endless text',
      endless(bytes(MULTIPART, '--myboundary\r\nContent-Type: text/plain\r\n\r\n'), 'words \n'.repeat(5_000)),
      'not_a_picture',
    ],
    ['an endless scan', endless(bytes(MULTIPART, jpegOf(1, { noEoi: true })), scan), 'too_large'],
    [
      'an endless chunk size',
      endless('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1', '0'.repeat(5_000)),
      'protocol_error',
    ],
  ])('%s', async (_, answer, outcome) => {
    const result = await askOf(answer);
    expect(result.outcome).toBe(outcome);
  });

  test.each<[string, Buffer | string, Buffer, string]>([
    ['a head', '', Buffer.from(`HTTP/1.1 200 OK\r\nX: ${'a'.repeat(99)}`), 'first_frame_timeout'],
    ['blanks in a stream', MULTIPART, Buffer.alloc(99, ' '), 'first_frame_timeout'],
    ['a part head', bytes(MULTIPART, '--myboundary\r\n'), Buffer.from('X-A: b\r\n'.repeat(12)), 'first_frame_timeout'],
    ['a scan', bytes(MULTIPART, jpegOf(1, { noEoi: true })), scan, 'first_frame_timeout'],
    [
      'chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
      Buffer.from('1\r\na\r\n'.repeat(20)),
      'first_frame_timeout',
    ],
    [
      'a redirect that does not end',
      '',
      Buffer.from(`HTTP/1.1 302 X\r\nLocation: /${'a'.repeat(99)}`),
      'first_frame_timeout',
    ],
  ])('%s of a byte now and then ends with the whole probe', async (_, first, slowly, expected) => {
    const began = performance.now();
    const { outcome } = await askOf(
      (socket) => {
        let at = 0;
        socket.write(bytes(first, slowly.subarray(at, (at += 1))));
        const timer = setInterval(() => socket.write(slowly.subarray(at, (at += 1))), 100);
        socket.on('close', () => clearInterval(timer));
      },
      { limits: { wholeMs: 1_000 } },
    );
    expect(outcome).toBe(expected);
    expect(performance.now() - began).toBeLessThan(1_250);
  });

  test('CRED-7: secrets that a device echoes do not come back', async () => {
    const echo = Buffer.from(`${CREDENTIALS.username}:${CREDENTIALS.password}`).toString('base64');
    const { evidence } = await askOf(
      closing(status(401, `WWW-Authenticate: Digest realm="${CREDENTIALS.password} ${echo}", nonce="n"`)),
      {
        target: { credentials: CREDENTIALS },
      },
    );
    expect(evidence.realm).toBe('*** ***');
    expect(JSON.stringify(evidence)).not.toContain(CREDENTIALS.password);
  });
});

describe('sign-in (CRED-5)', () => {
  const challenge = (nonce: string, algorithm: string, more = ''): string =>
    `WWW-Authenticate: Digest realm="AXIS_ACCC8E000000", nonce="${nonce}", algorithm=${algorithm}, qop="auth"${more}`;
  const target = { credentials: CREDENTIALS };

  test.each(['MD5', 'SHA-256'])('Digest by %s costs one 401, and none while the nonce is known', async (algorithm) => {
    const device = await camera((socket, request) =>
      socket.end(isSignedIn(request, { algorithm, nonce: 'abc' }) ? STREAM : status(401, challenge('abc', algorithm))),
    );
    const tools = toolsOf();
    const url = device.url('/axis-cgi/mjpg/video.cgi?resolution=640x480');
    const first = await probe(targetOf(url, target), tools, new AbortController().signal);
    expect(first).toMatchObject({
      outcome: 'ok',
      evidence: { auth: 'digest', status: 200, realm: 'AXIS_ACCC8E000000' },
    });
    expect(device.requests).toHaveLength(2);
    expect(device.requests[0]).not.toMatch(/^authorization/im);
    const second = await probe(targetOf(url, target), tools, new AbortController().signal);
    expect(second.outcome).toBe('ok');
    expect(device.requests).toHaveLength(3);
    expect(device.requests[2]).toContain('nc=00000002');
  });

  test('the end of a 401 is not waited for', async () => {
    const device = await camera((socket, request) => {
      if (isSignedIn(request, { nonce: 'abc' })) socket.end(SNAPSHOT);
      else socket.write(`HTTP/1.1 401 X\r\n${challenge('abc', 'MD5')}\r\nContent-Length: 5000\r\n\r\n<html>`);
    });
    expect((await ask(device.url(), { target, limits: QUICK })).outcome).toBe('ok');
  });

  test('the next nonce that a device names is used, and counts from 1', async () => {
    let nonce = 'first';
    const device = await camera((socket, request) => {
      if (!isSignedIn(request, { nonce })) return void socket.end(status(401, challenge(nonce, 'MD5')));
      nonce += '+';
      const next = `Authentication-Info: qop=auth, nextnonce="${nonce}"`;
      socket.end(SNAPSHOT.toString('latin1').replace('\r\n', `\r\n${next}\r\n`), 'latin1');
    });
    const tools = toolsOf();
    for (let round = 0; round < 3; round += 1) {
      expect((await probe(targetOf(device.url(), target), tools, new AbortController().signal)).outcome).toBe('ok');
    }
    expect(device.requests).toHaveLength(4);
    expect(device.requests[3]).toMatch(/nonce="first\+\+".*nc=00000001/);
  });

  test('SHA-256 is chosen where both are offered, on two lines with a nonce each', async () => {
    const device = await camera((socket, request) =>
      socket.end(
        isSignedIn(request, { algorithm: 'SHA-256', nonce: 'two' })
          ? SNAPSHOT
          : status(401, challenge('one', 'MD5'), challenge('two', 'SHA-256')),
      ),
    );
    expect((await ask(device.url(), { target })).outcome).toBe('ok');
  });

  test('a nonce that ran out costs one request more, whether the device says stale or not', async () => {
    for (const more of [', stale=true', '']) {
      let nonce = 'first';
      const device = await camera((socket, request) =>
        socket.end(isSignedIn(request, { nonce }) ? SNAPSHOT : status(401, challenge(nonce, 'MD5', more))),
      );
      const tools = toolsOf();
      await probe(targetOf(device.url(), target), tools, new AbortController().signal);
      nonce = 'second';
      const result = await probe(targetOf(device.url(), target), tools, new AbortController().signal);
      expect([result.outcome, device.requests.length]).toEqual(['ok', 4]);
    }
  });

  test('stale once is no refusal; stale for ever is', async () => {
    const device = await camera((socket, request, nth) =>
      socket.end(
        isSignedIn(request, { nonce: 'n1' })
          ? SNAPSHOT
          : status(401, challenge(`n${nth}`, 'MD5', nth > 0 ? ', stale=true' : '')),
      ),
    );
    expect((await ask(device.url(), { target })).outcome).toBe('ok');
    expect(device.requests).toHaveLength(3);
    const never = await camera((socket, _, nth) =>
      socket.end(status(401, challenge(`n${nth}`, 'MD5', ', stale=true'))),
    );
    expect((await ask(never.url(), { target })).outcome).toBe('auth_failed');
    expect(never.requests).toHaveLength(3);
  });

  test('a wrong password is answered once, and its nonce is forgotten', async () => {
    const device = await camera((socket, request) =>
      socket.end(
        isSignedIn(request, { nonce: 'abc', password: 'other' }) ? SNAPSHOT : status(401, challenge('abc', 'MD5')),
      ),
    );
    const tools = toolsOf();
    const result = await probe(targetOf(device.url(), target), tools, new AbortController().signal);
    expect(result).toMatchObject({ outcome: 'auth_failed', evidence: { auth: 'digest' } });
    expect(device.requests).toHaveLength(2);
    expect(tools.nonces.find(`http://127.0.0.1:${device.port}`, CREDENTIALS)).toBeNull();
  });

  test('Basic only where it is allowed, never beside Digest', async () => {
    const basic = 'WWW-Authenticate: Basic realm="r"';
    const token = `Basic ${Buffer.from('viewer:rain & wind').toString('base64')}`;
    const device = await camera((socket, request) =>
      socket.end(request.includes(token) ? SNAPSHOT : status(401, basic)),
    );
    expect(await ask(device.url(), { target: { ...target, allowBasicPlaintext: true } })).toMatchObject({
      outcome: 'ok',
      evidence: { auth: 'basic' },
    });
    expect((await ask(device.url(), { target })).evidence.reason).toMatch(/Basic/);
    const both = await camera((socket) => socket.end(status(401, basic, challenge('n', 'SHA-512'))));
    expect((await ask(both.url(), { target: { ...target, allowBasicPlaintext: true } })).outcome).toBe('auth_failed');
    expect([...device.requests.slice(2), ...both.requests].some((request) => request.includes(token))).toBe(false);
  });

  test('SSRF-7: credentials go to no other port', async () => {
    const other = await camera((socket) => socket.end(status(401, challenge('n', 'MD5'))));
    const device = await camera((socket) => socket.end(status(302, `Location: ${other.url('/cam')}`)));
    const policy = { cidrs: ['127.0.0.0/8'], ports: [device.port, other.port], loopback: true };
    const result = await ask(device.url(), { target: { ...target, policy, allowBasicPlaintext: true } });
    expect(result).toMatchObject({ outcome: 'auth_failed', evidence: { redirects: 1, auth: 'none' } });
    expect(other.requests.join('')).not.toMatch(/authorization/i);
  });
});

describe('what is asked and told', () => {
  test('the request is what cameras take, with VAPIX arguments', async () => {
    const device = await camera(closing(STREAM));
    await ask(device.url('/cgi?camera=2'), { target: { vapix: { resolution: '640x480', camera: '1', fps: 1 } } });
    expect(device.requests[0]).toBe(
      'GET /cgi?camera=2&resolution=640x480&fps=1 HTTP/1.1\r\n' +
        `Host: 127.0.0.1:${device.port}\r\n` +
        'User-Agent: Sightline/0.1.0\r\n' +
        'Accept: image/jpeg, multipart/x-mixed-replace, */*;q=0.1\r\n' +
        'Accept-Encoding: identity\r\nConnection: close\r\n\r\n',
    );
  });

  test('SSRF-7: redirects on the same host are followed, three of them', async () => {
    const device = await camera((socket, _, nth) => socket.end(nth < 3 ? status(307, `Location: /p${nth}`) : SNAPSHOT));
    expect(await ask(device.url('/start'))).toMatchObject({ outcome: 'ok', evidence: { redirects: 3, status: 200 } });
    expect(device.requests.map((request) => request.split(' ')[1])).toEqual(['/start', '/p0', '/p1', '/p2']);
  });

  test('evidence and phases', async () => {
    const device = await camera(
      closing(
        'HTTP/1.1 200 OK\r\nContent-Type: image/jpeg; q=1\r\nETag: "7"\r\nLast-Modified: Thu\r\nDate: Fri\r\n\r\n',
        A,
      ),
    );
    const { phases, evidence, frame } = await ask(device.url(), { target: { kind: 'snapshot' } });
    expect(evidence).toEqual({
      reason: expect.any(String),
      auth: 'none',
      status: 200,
      address: '127.0.0.1',
      etag: '"7"',
      lastModified: 'Thu',
      serverDate: 'Fri',
      contentType: 'image/jpeg',
    });
    expect(phases).toMatchObject({ dnsMs: null, tlsMs: null });
    for (const ms of [phases.connectMs, phases.firstByteMs, phases.firstFrameMs]) {
      expect(ms).toBeGreaterThanOrEqual(0);
      expect(((ms ?? 0) * 10) % 1).toBeCloseTo(0, 5);
    }
    expect(frame).toMatchObject({ widthPx: 16, heightPx: 8, noEoi: false });

    const again = await camera(closing(status(304)));
    const cached = { etag: evidence.etag ?? '', lastModified: evidence.lastModified ?? '' };
    expect(await ask(again.url(), { target: { kind: 'snapshot', cached } })).toMatchObject({
      outcome: 'ok',
      frame: null,
    });
    expect(again.requests[0]).toMatch(/\r\nIf-None-Match: "7"\r\nIf-Modified-Since: Thu\r\n/);
  });

  test('a damaged first picture: the second from the same connection decides', async () => {
    const device = await camera(holding(STREAM));
    const isDamaged = (frame: Frame): Promise<string | null> => Promise.resolve(frame.bytes.equals(A) ? 'torn' : null);
    const result = await ask(device.url(), { tools: { isDamaged } });
    expect(result.outcome).toBe('ok');
    expect(result.frame?.bytes.equals(B)).toBe(true);
    expect(device.requests).toHaveLength(1);
    expect(result.evidence).not.toHaveProperty('damage');
    const once = await ask(device.url(), { target: { kind: 'snapshot' }, tools: { isDamaged } });
    expect(once).toMatchObject({ outcome: 'bad_picture', frame: null, evidence: { damage: 'torn' } });
  });

  test('many probes share one signal without a warning, and let go of it', async () => {
    const device = await camera(closing(STREAM));
    const warnings: string[] = [];
    const note = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', note);
    const { signal } = new AbortController();
    const results = await Promise.all(Array.from({ length: 30 }, () => ask(device.url(), { signal })));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', note);
    expect(results.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 30 }, () => 'ok'));
    expect(warnings).toEqual([]);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('nothing is left behind: sockets are closed and the process could end', async () => {
    let open = 0;
    const device = await camera((socket) => {
      open += 1;
      socket.on('close', () => (open -= 1));
      socket.write(STREAM);
    });
    await Promise.all(Array.from({ length: 20 }, () => ask(device.url())));
    await Promise.all(
      Array.from({ length: 5 }, () =>
        ask(device.url(), { limits: QUICK, tools: { isDamaged: () => Promise.reject(new Error()) } }),
      ),
    );
    // The devices learn of it a moment later.
    for (let waited = 0; open > 0 && waited < 2_000; waited += 20)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(open).toBe(0);
    expect(process.getActiveResourcesInfo().filter((one) => one === 'TCPSocketWrap')).toEqual([]);
    expect([PROBES.rtsp, PROBES.hls]).toEqual([null, null]);
  });
});
