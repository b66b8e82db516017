import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { createServer as createTlsServer, type TlsOptions, type TLSSocket } from 'node:tls';
import { pathToFileURL } from 'node:url';
import { transformFile } from '@swc/core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type DialPolicy, isRefusal, parseTarget } from '../src/address-policy.js';
import { socketFailure } from '../src/dial-failure.js';
import { type Dialled, type DialFailure, type DialOptions, isDialFailure, safeDial } from '../src/safe-dial.js';

const LIMITS = { dnsMs: 2_000, connectMs: 3_000, tlsMs: 5_000 };

/** A server that counts who comes. */
interface Listener {
  readonly port: number;
  readonly sockets: Socket[];
}

const open: { close(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

async function started(server: Server, host: string, port = 0): Promise<Listener> {
  const sockets: Socket[] = [];
  server.on('connection', (socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
  });
  server.listen({ host, port });
  await once(server, 'listening');
  open.push({
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  });
  return { port: (server.address() as { port: number }).port, sockets };
}

const listen = (host = '127.0.0.1', greet: (socket: Socket) => void = () => undefined, port = 0): Promise<Listener> =>
  started(createServer(greet), host, port);

const local = (port: number): DialPolicy => ({ cidrs: ['127.0.0.0/8', '::1/128'], ports: [port], loopback: true });
const everything = (port: number): DialPolicy => ({
  cidrs: ['0.0.0.0/0', '::/0', 'public'],
  ports: [port],
  loopback: false,
});

async function dial(
  url: string,
  policy: DialPolicy,
  options: Partial<DialOptions> = {},
): Promise<Dialled | DialFailure> {
  const target = parseTarget(url);
  if (isRefusal(target)) throw new Error(target.reason);
  const dialled = await safeDial(target, policy, {
    limits: LIMITS,
    now: () => performance.now(),
    signal: new AbortController().signal,
    ...options,
  });
  if (!isDialFailure(dialled)) open.push({ close: () => dialled.socket.destroy() });
  return dialled;
}

/** Answers of a name server, one a question; the last for ever. Counts questions. */
function names(...answers: readonly (readonly string[])[]) {
  const asked: string[] = [];
  const resolve = async (host: string): Promise<readonly string[]> => {
    asked.push(host);
    return answers[Math.min(asked.length, answers.length) - 1] ?? [];
  };
  return { asked, resolve };
}

const failureOf = (dialled: Dialled | DialFailure): DialFailure => {
  if (isDialFailure(dialled)) return dialled;
  throw new Error(`connected to ${dialled.address}`);
};
const connectionOf = (dialled: Dialled | DialFailure): Dialled => {
  if (isDialFailure(dialled)) throw new Error(`${dialled.outcome}: ${dialled.reason}`);
  return dialled;
};

/** Nothing is lost, and nothing is given before somebody says so. */
async function hearsHello(socket: Socket): Promise<void> {
  const heard: string[] = [];
  socket.on('data', (chunk: Buffer) => heard.push(chunk.toString()));
  await wait(30);
  expect(heard).toEqual([]);
  await once(socket.resume(), 'data');
  expect(heard).toEqual(['hello']);
}

const socketsOfOurs = (): number => process.getActiveResourcesInfo().filter((one) => one === 'TCPSocketWrap').length;

/** A listener with a full queue in a process of its own that accepts nobody: whoever comes now waits. */
async function deaf(host: string, port: number): Promise<Listener> {
  const script = `const s = require('net').createServer(); s.listen({ host: '${host}', port: ${port}, backlog: 1 }, () => {
    require('fs').writeSync(1, String(s.address().port)); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30000); process.exit(); })`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  open.push({ close: () => child.kill('SIGKILL') });
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  const found = Number(said.toString());
  const sockets: Socket[] = [];
  open.push({ close: () => sockets.forEach((socket) => socket.destroy()) });
  for (let isFull = false; !isFull;) {
    const socket = connect({ host, port: found }).on('error', () => undefined);
    sockets.push(socket);
    isFull = await Promise.race([once(socket, 'connect').then(() => false), wait(250).then(() => true)]);
  }
  return { port: found, sockets };
}

const hasIpv6 = Object.values(networkInterfaces()).some((all = []) => all.some(({ address }) => address === '::1'));

describe('forbidden targets', () => {
  test('SSRF-4: one question is asked, and every answer is judged', async () => {
    const { port, sockets } = await listen();
    const policy: DialPolicy = { cidrs: ['127.0.0.1/32'], ports: [port], loopback: true };
    for (const answers of [
      ['127.0.0.1', '10.0.0.1'],
      ['10.0.0.1', '127.0.0.1'],
      ['127.0.0.1', '127.0.0.1', '169.254.169.254'],
      [...Array.from({ length: 100 }, () => '127.0.0.1'), '127.0.0.2'],
    ]) {
      const { asked, resolve } = names(answers);
      expect(await dial(`http://cam.example:${port}/`, policy, { resolve })).toMatchObject({
        outcome: 'target_not_allowed',
      });
      expect(asked).toHaveLength(1);
    }
    await wait(20);
    expect(sockets).toEqual([]);
    // A second question would be answered otherwise.
    const rebinding = names(['127.0.0.1'], ['127.0.0.2']);
    expect(connectionOf(await dial(`http://cam.example:${port}/`, policy, rebinding)).address).toBe('127.0.0.1');
    expect(await dial(`http://cam.example:${port}/`, policy, rebinding)).toMatchObject({
      outcome: 'target_not_allowed',
    });
    expect(rebinding.asked).toHaveLength(2);
  });

  test('SSRF-9: no name is looked up where the port or the lack of a network decides', async () => {
    const { asked, resolve } = names(['10.0.0.1']);
    const url = 'http://cam.example:22/';
    expect(await dial(url, local(22), { resolve })).toMatchObject({ outcome: 'target_not_allowed', dnsMs: null });
    expect(await dial('http://cam.example:81/', local(80), { resolve })).toMatchObject({
      outcome: 'target_not_allowed',
    });
    expect(await dial('http://cam.example/', { cidrs: [], loopback: true }, { resolve })).toMatchObject({
      outcome: 'target_not_allowed',
    });
    expect(asked).toEqual([]);
  });

  test('SSRF-5: our own ports and interfaces', async () => {
    const { port, sockets } = await listen();
    const own = { ...local(port), ownEndpoints: [{ address: '0.0.0.0', port }] };
    expect(await dial(`http://127.0.0.1:${port}/`, own)).toMatchObject({
      outcome: 'target_not_allowed',
      reason: 'this address is our own',
    });
    expect(sockets).toEqual([]);
    const outward = Object.values(networkInterfaces()).flatMap((all = []) =>
      all.filter(({ internal, family }) => !internal && family === 'IPv4'),
    );
    const [mine] = outward;
    if (mine === undefined) return;
    const listener = await listen(mine.address);
    expect(await dial(`http://${mine.address}:${listener.port}/`, everything(listener.port))).toMatchObject({
      outcome: 'target_not_allowed',
      reason: 'this address is our own',
    });
    expect(listener.sockets).toEqual([]);
  });
});

describe('connecting', () => {
  test('a connection: steps, address, and nothing lost that came before somebody read', async () => {
    const { port } = await listen('127.0.0.1', (socket) => socket.write('hello'));
    const literal = connectionOf(await dial(`http://127.0.0.1:${port}/`, local(port)));
    expect(literal).toMatchObject({ address: '127.0.0.1', dnsMs: null, tlsMs: null });
    expect(literal).not.toHaveProperty('pin');
    expect(literal.connectMs).toBeGreaterThan(0);
    await hearsHello(literal.socket);
    const named = connectionOf(await dial(`rtsp://cam.example:${port}/`, local(port), names(['127.0.0.1'])));
    expect(named.dnsMs).toBeGreaterThanOrEqual(0);
    // The system's resolver knows both addresses of localhost, of which one listens.
    expect(connectionOf(await dial(`http://localhost:${port}/`, local(port))).address).toBe('127.0.0.1');
    expect(connectionOf(await dial(`http://[::ffff:127.0.0.1]:${port}/`, local(port))).address).toBe('::ffff:7f00:1');
    if (hasIpv6) {
      const v6 = await listen('::1');
      expect(connectionOf(await dial(`http://[::1]:${v6.port}/`, local(v6.port))).address).toBe('::1');
    }
  });

  test('the next address is tried where one refuses; the failure that tells most is told', async () => {
    const { port } = await listen();
    const url = `http://cam.example:${port}/`;
    expect(connectionOf(await dial(url, local(port), names(['127.0.0.3', '127.0.0.4', '127.0.0.1']))).address).toBe(
      '127.0.0.1',
    );
    expect(await dial(url, local(port), names(['127.0.0.3']))).toMatchObject({
      outcome: 'refused',
      address: '127.0.0.3',
      connectMs: null,
    });
    // No more than four hosts are dialled for one name.
    const many = ['127.0.0.3', '127.0.0.4', '127.0.0.5', '127.0.0.6', '127.0.0.1'];
    expect(await dial(url, local(port), names(many))).toMatchObject({ outcome: 'refused' });
  });

  test('a full queue is connect_timeout, and does not starve the second address', async () => {
    const { port } = await listen();
    await deaf('127.0.0.2', port);
    const limits = { ...LIMITS, connectMs: 400 };
    const began = performance.now();
    expect(await dial(`http://127.0.0.2:${port}/`, local(port), { limits })).toMatchObject({
      outcome: 'connect_timeout',
    });
    expect(performance.now() - began).toBeLessThan(2_000);
    const both = connectionOf(
      await dial(`http://cam.example:${port}/`, local(port), { limits, ...names(['127.0.0.2', '127.0.0.1']) }),
    );
    expect(both.address).toBe('127.0.0.1');
    expect(both.connectMs).toBeGreaterThan(150);
    expect(both.connectMs).toBeLessThan(390);
    // A refusal tells more than silence.
    expect(
      await dial(`http://cam.example:${port}/`, local(port), { limits, ...names(['127.0.0.2', '127.0.0.3']) }),
    ).toMatchObject({
      outcome: 'refused',
    });
    const stop = new AbortController();
    await wait(30);
    const before = socketsOfOurs();
    const waiting = dial(`http://127.0.0.2:${port}/`, local(port), { signal: stop.signal });
    await wait(30);
    expect(socketsOfOurs()).toBe(before + 1);
    stop.abort();
    expect(await waiting).toMatchObject({ outcome: 'prober_internal' });
    await wait(20);
    expect(socketsOfOurs()).toBe(before);
  });

  test('a device that breaks off at once is never taken for another', async () => {
    const { port } = await listen('127.0.0.1', (socket) => socket.resetAndDestroy());
    for (let i = 0; i < 20; i += 1) {
      const dialled = await dial(`http://127.0.0.1:${port}/`, local(port));
      if (isDialFailure(dialled)) expect(dialled.outcome).toBe('reset');
    }
  });
});

describe('names', () => {
  const failing = (code: string | undefined): Partial<DialOptions> => ({
    resolve: async () => {
      throw Object.assign(new Error('x'), code === undefined ? {} : { code });
    },
  });

  test.each<[string, Partial<DialOptions>, string, RegExp]>([
    ['NXDOMAIN', failing('ENOTFOUND'), 'dns_error', /no such name/],
    ['no answer', failing('EAI_AGAIN'), 'dns_error', /EAI_AGAIN/],
    ['a nameless error', failing(undefined), 'dns_error', /cannot be resolved$/],
    ['no descriptors left', failing('EMFILE'), 'prober_internal', /EMFILE/],
    ['no address', names([]), 'dns_error', /no address/],
    [
      'a silent server',
      { resolve: () => new Promise(() => undefined), limits: { ...LIMITS, dnsMs: 40 } },
      'dns_error',
      /in time/,
    ],
  ])('%s', async (_, options, outcome, reason) => {
    const failure = failureOf(await dial('http://cam.example/', local(80), options));
    expect(failure).toMatchObject({ outcome, dnsMs: null, connectMs: null });
    expect(failure.reason).toMatch(reason);
  });

  test('an ended signal: nothing is asked; one that ends later: the answer is dropped, its error too', async () => {
    const loose: unknown[] = [];
    const note = (error: unknown): number => loose.push(error);
    process.on('unhandledRejection', note);
    const { asked, resolve } = names(['127.0.0.1']);
    const { port, sockets } = await listen();
    const url = `http://cam.example:${port}/`;
    expect(await dial(url, local(port), { resolve, signal: AbortSignal.abort() })).toMatchObject({
      outcome: 'prober_internal',
    });
    expect(await dial(`http://127.0.0.1:${port}/`, local(port), { signal: AbortSignal.abort() })).toMatchObject({
      outcome: 'prober_internal',
    });
    expect(asked).toEqual([]);
    for (const answer of [async () => ['127.0.0.1'], async () => Promise.reject(new Error('late'))]) {
      const late = wait(60).then(answer);
      const dialled = dial(url, local(port), { resolve: () => late, signal: AbortSignal.timeout(20) });
      expect(await dialled).toMatchObject({ outcome: 'prober_internal' });
      await wait(60);
    }
    await wait(20);
    expect(sockets).toEqual([]);
    process.off('unhandledRejection', note);
    expect(loose).toEqual([]);
  });
});

/** Certificates are made anew in each run; without openssl these tests are skipped. */
const hasOpenssl = ((): boolean => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    process.stderr.write('TLS of safe-dial: skipped, there is no openssl\n');
    return false;
  }
})();

(hasOpenssl ? describe : describe.skip)('TLS (CRED-6)', () => {
  let folder = '';
  const file = (name: string): string => path.join(folder, name);
  const openssl = (...parts: readonly string[]): Buffer =>
    execFileSync('openssl', parts, { stdio: ['ignore', 'pipe', 'ignore'] });
  const certificate = (name: string, key: readonly string[]): void => {
    const names = ['-subj', '/CN=cam.test', '-addext', 'subjectAltName=DNS:cam.test,IP:127.0.0.1'];
    openssl('req', '-x509', '-nodes', '-days', '2', '-out', file(`${name}.pem`), ...key, ...names);
  };
  const newKey = (name: string, ...kind: readonly string[]): string[] => [
    '-newkey',
    ...kind,
    '-keyout',
    file(`${name}.key`),
  ];
  const EC = ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'safe-dial-'));
    certificate('one', newKey('one', ...EC));
    certificate('renewed', ['-key', file('one.key')]);
    certificate('other', newKey('other', ...EC));
    certificate('old', newKey('old', 'rsa:1024'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** As openssl says it. */
  const pinOf = (name: string): string => {
    const pem = openssl('x509', '-in', file(`${name}.pem`), '-pubkey', '-noout').toString();
    return createHash('sha256')
      .update(Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64'))
      .digest('base64');
  };

  async function camera(name: string, more: TlsOptions = {}, key = name) {
    const seen: { servername: unknown; alpn: unknown; bytes: number }[] = [];
    const server = createTlsServer(
      { cert: readFileSync(file(`${name}.pem`)), key: readFileSync(file(`${key}.key`)), ...more },
      (socket) => {
        const one = {
          servername: (socket as TLSSocket & { servername?: unknown }).servername,
          alpn: socket.alpnProtocol,
          bytes: 0,
        };
        seen.push(one);
        socket.on('data', (chunk) => (one.bytes += chunk.length)).on('error', () => undefined);
        socket.write('hello');
      },
    );
    server.on('tlsClientError', () => undefined);
    return { ...(await started(server, '127.0.0.1')), seen };
  }
  const byName = names(['127.0.0.1']);

  test('pinned is the default of addresses: a self-signed certificate is taken, its key noted', async () => {
    const { port, seen } = await camera('one', { ALPNProtocols: ['http/1.1'] });
    const dialled = connectionOf(await dial(`https://127.0.0.1:${port}/`, local(port)));
    expect(dialled).toMatchObject({ address: '127.0.0.1', pin: pinOf('one') });
    expect(dialled.tlsMs).toBeGreaterThan(0);
    await hearsHello(dialled.socket);
    // No name of the server is sent for an address.
    expect(seen).toMatchObject([{ servername: false, alpn: 'http/1.1' }]);
  });

  test('SSRF-4: a connection from before serves where its key was judged as it would be now', async () => {
    const { port } = await camera('one');
    const url = `https://127.0.0.1:${port}/`;
    const first = connectionOf(await dial(url, local(port)));
    const kept = {
      socket: first.socket,
      address: '127.0.0.1',
      origin: '',
      tls: { mode: 'pinned', pin: pinOf('one') },
    } as const;
    const again = connectionOf(await dial(url, local(port), { kept, tls: kept.tls }));
    expect(again).toMatchObject({ pin: pinOf('one'), connectMs: null, tlsMs: null });
    expect(again.socket).toBe(first.socket);
    expect(connectionOf(await dial(url, local(port), { kept, tls: { mode: 'legacy' } })).socket).not.toBe(first.socket);
    expect(first.socket.destroyed).toBe(true);
    const other = connectionOf(await dial(url, local(port)));
    const changed = { kept: { ...kept, socket: other.socket }, tls: { mode: 'pinned', pin: 'another' } } as const;
    expect(failureOf(await dial(url, local(port), changed))).toMatchObject({ certificateChanged: true });
    expect(other.socket.destroyed).toBe(true);
  });

  test('names are sent, and verified by default', async () => {
    const { port, seen } = await camera('one', { ALPNProtocols: ['http/1.1'] });
    const strict = failureOf(await dial(`https://cam.test:${port}/`, local(port), byName));
    expect(strict).toMatchObject({ outcome: 'tls_error', address: '127.0.0.1' });
    expect(strict.reason).toMatch(/certificate cannot be verified \(DEPTH_ZERO_SELF_SIGNED_CERT\)/);
    expect(strict.certificateChanged).toBeUndefined();
    connectionOf(await dial(`rtsps://cam.test:${port}/`, local(port), { ...byName, tls: { mode: 'pinned' } }));
    await wait(20);
    // RTSP is no protocol of ALPN.
    expect(seen.at(-1)).toMatchObject({ servername: 'cam.test', alpn: false });
    expect(await dial(`https://127.0.0.1:${port}/`, local(port), { tls: { mode: 'strict' } })).toMatchObject({
      outcome: 'tls_error',
    });
  });

  test('strict takes a chain that it trusts, for the name or address in it', async () => {
    const { port } = await camera('one');
    // What a process trusts is settled when it starts, so that one has to be started.
    for (const source of ['safe-dial', 'allowed-addresses', 'wait-for', 'dial-failure', 'address-policy']) {
      const { code } = await transformFile(new URL(`../src/${source}.ts`, import.meta.url).pathname, {
        sourceMaps: false,
      });
      const ipaddr = pathToFileURL(createRequire(import.meta.url).resolve('ipaddr.js')).href;
      writeFileSync(file(`${source}.js`), code.replaceAll(/(['"])ipaddr\.js\1/g, JSON.stringify(ipaddr)));
    }
    writeFileSync(file('package.json'), '{"type":"module"}');
    const script = `import { parseTarget } from './address-policy.js';
      import { safeDial } from './safe-dial.js';
      const policy = { cidrs: ['127.0.0.0/8'], ports: [${port}], loopback: true };
      const options = { limits: ${JSON.stringify(LIMITS)}, tls: { mode: 'strict' }, now: () => performance.now(),
        resolve: async () => ['127.0.0.1'], signal: new AbortController().signal };
      for (const host of ['cam.test', '127.0.0.1', 'other.test']) {
        const dialled = await safeDial(parseTarget(\`https://\${host}:${port}/\`), policy, options);
        console.log(dialled.pin ?? dialled.reason);
        dialled.socket?.destroy();
      }`;
    writeFileSync(file('dial.js'), script);
    const child = spawn(process.execPath, [file('dial.js')], {
      env: { NODE_EXTRA_CA_CERTS: file('one.pem') },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = (await text(child.stdout)).trim().split('\n');
    expect(lines).toEqual([
      pinOf('one'),
      pinOf('one'),
      expect.stringMatching(/cannot be verified \(ERR_TLS_CERT_ALTNAME_INVALID\)/),
    ]);
  });

  test('the same key in a renewed certificate is the same device; another key is not, and is sent no byte', async () => {
    const tls = { mode: 'pinned', pin: pinOf('one') } as const;
    const renewed = await camera('renewed', {}, 'one');
    expect(connectionOf(await dial(`https://127.0.0.1:${renewed.port}/`, local(renewed.port), { tls })).pin).toBe(
      tls.pin,
    );
    const other = await camera('other');
    for (const mode of ['pinned', 'legacy'] as const) {
      const failure = failureOf(
        await dial(`https://127.0.0.1:${other.port}/`, local(other.port), { tls: { ...tls, mode } }),
      );
      expect(failure).toMatchObject({ outcome: 'tls_error', certificateChanged: true });
    }
    await wait(20);
    expect(other.seen.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(0);
    expect(other.sockets).toHaveLength(2);
    expect(other.sockets.every(({ destroyed }) => destroyed)).toBe(true);
  });

  test.each(['TLSv1', 'TLSv1.1'] as const)('%s with RSA-1024 is reached as legacy alone', async (version) => {
    const { port } = await camera('old', { minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' });
    const url = `https://127.0.0.1:${port}/`;
    expect(connectionOf(await dial(url, local(port), { tls: { mode: 'legacy' } })).pin).toBe(pinOf('old'));
    expect(await dial(url, local(port), { tls: { mode: 'pinned' } })).toMatchObject({ outcome: 'tls_error' });
  });

  test('a server without a certificate is no device of ours', async () => {
    const server = createTlsServer({ ciphers: 'aNULL:@SECLEVEL=0', maxVersion: 'TLSv1.2' });
    server.on('tlsClientError', () => undefined);
    const { port } = await started(server, '127.0.0.1');
    for (const mode of ['pinned', 'legacy'] as const) {
      expect(await dial(`https://127.0.0.1:${port}/`, local(port), { tls: { mode } })).toMatchObject({
        outcome: 'tls_error',
      });
    }
  });

  test.each<[string, (socket: Socket) => void, RegExp]>([
    ['HTTP', (socket) => socket.once('data', () => socket.end('HTTP/1.0 400 Bad Request\r\n\r\n')), /speaks no TLS/],
    ['SSH', (socket) => socket.write('SSH-2.0-dropbear\r\n'), /speaks no TLS/],
    ['RTSP', (socket) => socket.once('data', () => socket.end('RTSP/1.0 400 Bad Request\r\n\r\n')), /speaks no TLS/],
    ['an end', (socket) => socket.end(), /TLS handshake/],
    ['a reset', (socket) => socket.once('data', () => socket.resetAndDestroy()), /TLS handshake/],
    ['silence', () => undefined, /does not end in time/],
  ])('%s on an https port', async (_, greet, reason) => {
    const { port, sockets } = await listen('127.0.0.1', greet);
    const failure = failureOf(
      await dial(`https://127.0.0.1:${port}/`, local(port), { limits: { ...LIMITS, tlsMs: 200 } }),
    );
    expect(failure).toMatchObject({ outcome: 'tls_error', address: '127.0.0.1' });
    expect(failure.connectMs).not.toBeNull();
    expect(failure.reason).toMatch(reason);
    for (const socket of sockets) socket.resume();
    await wait(30);
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true]);
  });

  test('an ended signal leaves no socket', async () => {
    const { port, sockets } = await listen();
    const before = socketsOfOurs();
    const dialled = dial(`https://127.0.0.1:${port}/`, local(port), { signal: AbortSignal.timeout(60) });
    expect(await dialled).toMatchObject({ outcome: 'prober_internal' });
    const [socket] = sockets;
    if (socket === undefined) throw new Error('nobody came');
    socket.resume();
    await once(socket, 'close');
    await wait(10);
    expect(socketsOfOurs()).toBeLessThanOrEqual(before);
  });

  test('a device that wants our certificate says so after the handshake', async () => {
    const { port } = await camera('one', { requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' });
    const { socket } = connectionOf(await dial(`https://127.0.0.1:${port}/`, local(port)));
    const [error] = (await once(socket.resume(), 'error').catch((thrown: unknown) => [thrown])) as [unknown];
    expect(socketFailure(error)).toMatchObject({ outcome: 'tls_error' });
  });
});

test('errors of sockets that stood', () => {
  const outcomeOf = (code?: string): string =>
    socketFailure(code === undefined ? null : Object.assign(new Error('x'), { code })).outcome;
  expect(
    [
      'ECONNRESET',
      'EPIPE',
      'EHOSTUNREACH',
      'ENOBUFS',
      'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC',
      'EPROTO',
      'constructor',
      undefined,
    ].map(outcomeOf),
  ).toEqual(['reset', 'reset', 'unreachable', 'prober_internal', 'tls_error', 'tls_error', 'reset', 'reset']);
});
