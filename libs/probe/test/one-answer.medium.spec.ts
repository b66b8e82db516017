import { createServer, type Server } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from '@jest/globals';
import { A, ask, askOf, camera, closeCameras, SNAPSHOT, status } from './asking.js';
import { bytes, closing, holding } from './fake-camera.js';

afterEach(closeCameras);

describe('what a device may not make of one answer', () => {
  const packed = (coding: string, body: Buffer): Buffer =>
    bytes(`HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Encoding: ${coding}\r\n\r\n`, body);

  test.each<[name: string, coding: string, body: Buffer]>([
    ['gzip', 'gzip', gzipSync(A)],
    ['x-gzip', 'x-gzip', gzipSync(A)],
    ['deflate', 'deflate', deflateSync(A)],
    ['br', 'br', brotliCompressSync(A)],
    ['zstd', 'zstd', A],
    ['gzip four times', 'gzip, gzip, gzip, gzip', gzipSync(gzipSync(gzipSync(gzipSync(Buffer.alloc(20_000_000)))))],
    ['4,000 codings', Array.from({ length: 4_000 }, () => 'gzip').join(','), gzipSync(A)],
    // It says that it is packed, and is not: what it says counts.
    ['gzip that is none', 'gzip', A],
  ])('CVE-2026-22036 (SSRF-8): Content-Encoding: %s is refused, and nothing is unpacked', async (_, coding, body) => {
    const before = process.memoryUsage.rss();
    for (const answer of [closing(packed(coding, body)), holding(packed(coding, body))]) {
      const { outcome, frame } = await askOf(answer);
      expect([outcome, frame]).toEqual(['not_a_picture', null]);
    }
    expect(process.memoryUsage.rss() - before).toBeLessThan(16_000_000);
  });

  test('SSRF-8: a cookie that it sets goes nowhere, not even along its own redirect', async () => {
    const device = await camera((socket, _, nth) =>
      socket.end(nth === 0 ? status(302, 'Location: /in', 'Set-Cookie: id=7; Path=/') : SNAPSHOT),
    );
    expect((await ask(device.url())).outcome).toBe('ok');
    await ask(device.url());
    expect(device.requests.join('')).not.toMatch(/^cookie:/im);
  });

  test('SSRF-9: of an answer that is no picture come back closed words, and nothing of its text', async () => {
    const canary = 'canary7f3a';
    const answers = [
      `HTTP/1.1 500 ${canary}\r\nX-Secret: ${canary}\r\nServer: ${canary}\r\nSet-Cookie: ${canary}\r\n\r\n${canary}`,
      `HTTP/1.1 404 ${canary}\r\n\r\n<html>${canary}</html>`,
      `HTTP/1.1 302 ${canary}\r\nLocation: http://${canary}.example/${canary}\r\n\r\n`,
      `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>${canary}</html>`,
      `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nX: ${canary}\r\n\r\n${canary}`,
      `${canary} is no HTTP\r\n\r\n`,
      `SSH-2.0-${canary}\r\n`,
    ];
    for (const answer of answers) {
      const result = await askOf(closing(answer));
      expect(result.outcome).not.toBe('ok');
      expect(JSON.stringify(result)).not.toContain(canary);
    }
  });
});

describe('proxies of the environment (SSRF-8)', () => {
  const NAMES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy'];
  const before = Object.fromEntries([...NAMES, 'NODE_USE_ENV_PROXY'].map((name) => [name, process.env[name]]));
  let proxy: Server | null = null;
  afterEach(() => {
    proxy?.close();
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });

  test('are ignored', async () => {
    let heard = 0;
    const canary = createServer((socket) => {
      heard += 1;
      socket.destroy();
    });
    proxy = canary;
    await new Promise<void>((resolve) => canary.listen(0, '127.0.0.1', resolve));
    const { port } = canary.address() as { port: number };
    for (const name of NAMES) process.env[name] = `http://127.0.0.1:${port}`;
    process.env.NODE_USE_ENV_PROXY = '1';
    expect((await askOf(closing(SNAPSHOT))).outcome).toBe('ok');
    expect(heard).toBe(0);
  });
});
