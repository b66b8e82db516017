import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type DialPolicy, isRefusal, parseTarget } from '../src/address-policy.js';
import { post } from '../src/index.js';
import { type Dialled, type DialFailure, isDialFailure, safeDial } from '../src/safe-dial.js';
import { ask, type Asking } from './asking.js';
import { FORBIDDEN_HOSTS } from './forbidden-hosts.js';

const SPELLINGS = Object.values(FORBIDDEN_HOSTS).flat();
/** What a spelling means to a resolver: the answer of a name server that lies. */
const ADDRESSES = SPELLINGS.map((host) => {
  const target = parseTarget(`http://${host}/`);
  if (isRefusal(target)) throw new Error(target.reason);
  return target.host;
});
const LIMITS = { dnsMs: 2_000, connectMs: 3_000, tlsMs: 5_000 };
const hasIpv6 = Object.values(networkInterfaces()).some((all = []) => all.some(({ address }) => address === '::1'));

const servers: Server[] = [];
const sockets = new Set<Socket>();
/** Who came to 127.0.0.1 and ::1, where nobody may. */
let heard = 0;
/** The port of the canaries, and of the device on 127.0.0.2, which may be dialled. */
let port = 0;
/** What the device says to a request. */
let answer = '';

async function listen(host: string, onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    onConnection(socket);
  }).listen({ host, port });
  await once(server, 'listening');
  servers.push(server);
  return (server.address() as { port: number }).port;
}

const canary = (): void => void (heard += 1);

beforeAll(async () => {
  port = await listen('127.0.0.1', canary);
  if (hasIpv6) await listen('::1', canary);
  await listen('127.0.0.2', (socket) => socket.once('data', () => socket.end(answer)));
});
afterEach(async () => {
  // A connection that was made is told of in the next turns of the loop.
  await wait(20);
  expect(heard).toBe(0);
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
});

/** As wide as an administrator can make it. */
const everything = (): DialPolicy => ({
  cidrs: ['0.0.0.0/0', '::/0', 'public'],
  ports: [port],
  loopback: false,
});
/** The device alone. */
const deviceOnly = (): DialPolicy => ({ cidrs: ['127.0.0.2/32'], ports: [port], loopback: true });

/** Answers of a name server, one a question; the last for ever. Counts questions. */
function names(...answers: readonly (readonly string[])[]) {
  const asked: string[] = [];
  const resolve = async (host: string): Promise<readonly string[]> => {
    asked.push(host);
    return answers[Math.min(asked.length, answers.length) - 1] ?? [];
  };
  return { asked, resolve };
}

async function dial(
  url: string,
  policy: DialPolicy,
  { resolve }: Partial<ReturnType<typeof names>> = {},
): Promise<Dialled | DialFailure> {
  const target = parseTarget(url);
  if (isRefusal(target)) throw new Error(target.reason);
  const dialled = await safeDial(target, policy, {
    limits: LIMITS,
    now: () => performance.now(),
    signal: new AbortController().signal,
    ...(resolve === undefined ? {} : { resolve }),
  });
  if (!isDialFailure(dialled)) dialled.socket.destroy();
  return dialled;
}

const REFUSED = { outcome: 'target_not_allowed', connectMs: null };

describe(`SSRF-3, SSRF-4, SSRF-5: ${SPELLINGS.length} spellings of forbidden hosts, canaries on 127.0.0.1 and ::1 hear nothing`, () => {
  test('there are at least 60', () => {
    expect(new Set(SPELLINGS).size).toBeGreaterThanOrEqual(60);
  });

  test.each(['http', 'https', 'rtsp', 'rtsps'])(
    'literal, as %s: refused without a question to any name server',
    async (scheme) => {
      for (const host of SPELLINGS) {
        const { asked, resolve } = names(['10.0.0.1']);
        expect(await dial(`${scheme}://${host}:${port}/`, everything(), { resolve })).toMatchObject({
          ...REFUSED,
          dnsMs: null,
        });
        expect(asked).toEqual([]);
      }
    },
  );

  test('SSRF-9: a literal outside the network: refused with 0 questions to any name server', async () => {
    for (const host of [
      '10.1.2.3',
      '167838211',
      '0xa010203',
      '8.8.8.8',
      '127.0.0.1',
      '[::1]',
      '[fd00::1]',
      '[::ffff:10.1.2.3]',
    ]) {
      const { asked, resolve } = names(['127.0.0.2']);
      expect(await dial(`http://${host}:${port}/`, deviceOnly(), { resolve })).toMatchObject({
        ...REFUSED,
        dnsMs: null,
      });
      expect(asked).toEqual([]);
    }
  });

  test.each(['http', 'rtsp'])('DNS stub, as %s: a name that leads there', async (scheme) => {
    for (const address of ADDRESSES) {
      const { asked, resolve } = names([address]);
      expect(await dial(`${scheme}://cam.example:${port}/`, everything(), { resolve })).toMatchObject(REFUSED);
      expect(asked).toEqual(['cam.example']);
    }
  });

  test('DNS stub: answers that are no addresses, and the system’s own localhost', async () => {
    for (const address of ['fe80::1%lo', 'localhost', '127.1', '', '0x7f000001', '2130706433', '127.0.0.1 ']) {
      expect(await dial(`http://cam.example:${port}/`, everything(), names([address]))).toMatchObject(REFUSED);
    }
    expect(await dial(`http://localhost:${port}/`, everything())).toMatchObject(REFUSED);
  });

  test('rebinding stub: a name that led to the device leads there the next time, or beside it', async () => {
    for (const address of ADDRESSES) {
      const { resolve } = names(['127.0.0.2'], [address], ['127.0.0.2', address], [address, '127.0.0.2']);
      const dialAgain = () => dial(`http://cam.example:${port}/`, deviceOnly(), { resolve });
      expect(await dialAgain()).toMatchObject({ address: '127.0.0.2' });
      for (let round = 0; round < 3; round += 1) expect(await dialAgain()).toMatchObject(REFUSED);
    }
  });

  const asking = (more: Asking = {}): Asking => ({ target: { policy: deviceOnly() }, ...more });

  test('redirect (SSRF-7): a device that sends us there', async () => {
    for (const host of SPELLINGS) {
      for (const scheme of ['http', 'https']) {
        answer = `HTTP/1.1 302 X\r\nLocation: ${scheme}://${host}:${port}/\r\nContent-Length: 0\r\n\r\n`;
        expect((await ask(`http://127.0.0.2:${port}/`, asking())).outcome).toBe('moved');
      }
    }
  });

  test('redirect and rebinding: to another path of the same name, which leads there by then', async () => {
    answer = 'HTTP/1.1 302 X\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n';
    for (const address of ADDRESSES) {
      const { asked, resolve } = names(['127.0.0.2'], [address]);
      const result = await ask(`http://cam.example:${port}/`, asking({ tools: { resolve } }));
      expect([result.outcome, asked.length]).toEqual(['moved', 2]);
    }
  });

  test('webhook (SSRF-12): as it is written, and behind a name', async () => {
    const hook = { headers: {}, body: '{}' };
    const options = { wholeMs: 5_000, signal: new AbortController().signal };
    const policy: DialPolicy = { cidrs: ['public'], ports: [port], loopback: false };
    for (const [nth, host] of SPELLINGS.entries()) {
      for (const scheme of ['http', 'https']) {
        expect(await post({ ...hook, url: `${scheme}://${host}:${port}/` }, { ...options, policy })).toEqual({
          problem: 'target_not_allowed',
        });
        const { resolve } = names([ADDRESSES[nth] ?? '']);
        expect(
          await post({ ...hook, url: `${scheme}://hook.example:${port}/` }, { ...options, policy, resolve }),
        ).toEqual({ problem: 'target_not_allowed' });
      }
    }
  });

  test('the canaries would have heard', async () => {
    const all: DialPolicy = { cidrs: ['127.0.0.0/8', '::1/128'], ports: [port], loopback: true };
    for (const host of hasIpv6 ? ['127.0.0.1', '[::1]'] : ['127.0.0.1']) await dial(`http://${host}:${port}/`, all);
    await wait(20);
    expect(heard).toBe(hasIpv6 ? 2 : 1);
    heard = 0;
  });
});
