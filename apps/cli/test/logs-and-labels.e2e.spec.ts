import { connect, createServer, type Server } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Sightline, startSightline } from '#testing';

/** Stands in every body that is sent. */
const CANARY = 'canary91b2';
/** What a line would have to begin with to be taken for one of ours. */
const FORGED = '{"level":30,"msg":"forged"}';

/** Of the camera. */
const NAME = `Canal ${FORGED}`;

let sightline: Sightline;
let device: Server;
let devicePort: number;

async function send(
  path: string,
  {
    method = 'GET',
    body,
    headers = {},
    key = sightline.key,
  }: {
    readonly method?: string;
    readonly body?: string;
    readonly headers?: Record<string, string>;
    readonly key?: string;
  } = {},
): Promise<number> {
  const response = await fetch(`${sightline.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  });
  await response.arrayBuffer();
  return response.status;
}

async function cameras(): Promise<readonly { readonly id: string; readonly name: string }[]> {
  const headers = { authorization: `Bearer ${sightline.key}` };
  const answer = await fetch(`${sightline.url}/v1/cameras`, { headers });
  return ((await answer.json()) as { readonly items: readonly { readonly id: string; readonly name: string }[] }).items;
}

/** Bytes that need not be HTTP. */
const sendRaw = (bytes: string): Promise<void> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(sightline.url);
    const socket = connect(Number(port), hostname, () => socket.end(Buffer.from(bytes, 'latin1')));
    socket
      .on('error', () => undefined)
      .on('close', () => resolve())
      .resume();
  });

beforeAll(async () => {
  device = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () =>
      socket.end(`HTTP/1.1 401 X\nWWW-Authenticate: Digest realm="a\r ${FORGED}", nonce="n"\n\n${CANARY}`),
    );
  });
  await new Promise<void>((resolve) => device.listen(0, '127.0.0.1', resolve));
  devicePort = (device.address() as { port: number }).port;
  sightline = await startSightline({ env: { SIGHTLINE_LOG_LEVEL: 'trace' } });
}, 60_000);
afterAll(async () => {
  device.close();
  await sightline.close();
});

let lines: readonly string[] = [];
beforeAll(async () => {
  const network = { cidrs: ['127.0.0.0/8'], ports: [devicePort] };
  await send('/v1/authorities', { method: 'POST', body: JSON.stringify({ slug: 'wrb', name: CANARY, network }) });
  const camera = {
    authority: 'wrb',
    localId: 'one',
    name: NAME,
    location: { type: 'Point', coordinates: [120.29, 23.07] },
    services: [
      {
        kind: 'mjpeg',
        url: `http://127.0.0.1:${devicePort}/${CANARY}`,
        credentials: { username: CANARY, password: CANARY },
      },
    ],
    lifecycle: 'active',
  };
  await send('/v1/cameras', { method: 'POST', body: JSON.stringify(camera) });
  await send('/v1/cameras', { method: 'POST', body: `{"name": "${CANARY}"` });
  await send('/v1/cameras', { method: 'POST', body: JSON.stringify({ [`${CANARY}\r\n${FORGED}`]: CANARY }) });
  await send('/v1/imports?authority=wrb&profile=ndjson', {
    method: 'POST',
    body: `{"localId":"${CANARY}"}\r\n${FORGED}\r\nno ${CANARY}`,
  });
  await send(`/v1/cameras?q=${encodeURIComponent(`a\r\n${FORGED}`)}`);
  await send(`/v1/${encodeURIComponent(`a\r\n${FORGED}`)}`);
  await send(`/v1/cameras/${encodeURIComponent(`\r\n${FORGED}`)}`, {
    headers: { 'user-agent': FORGED, 'x-request-id': FORGED },
  });
  await send('/v1/cameras', { key: `slk_0123456789_${'a'.repeat(49)}` });
  await sendRaw(`GET /v1/cameras HTTP/1.1\r\nHost: x\rX\n${FORGED}\r\n\r\n`);
  await sendRaw(`${FORGED}\r\n\r\n${FORGED}\n`);
  const [registered] = await cameras();
  await send(`/v1/cameras/${registered?.id ?? ''}/probe`, { method: 'POST' });
  // The last line is written after its answer.
  await wait(500);
  lines = sightline.program().stderr().split('\n').slice(0, -1);
}, 60_000);

describe('LOG-1: what is logged at level trace', () => {
  const entries = (): readonly Readonly<Record<string, unknown>>[] =>
    lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);

  test('is one JSON object a line, with no line end or other control character in it', () => {
    expect(lines.length).toBeGreaterThan(12);
    for (const line of lines) {
      expect(line).toMatch(/^\{"level":\d+,"time":"/);
      // eslint-disable-next-line no-control-regex -- control characters are what is looked for
      expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
    }
    expect(entries().filter(({ msg }) => msg === 'forged')).toEqual([]);
  });

  test('has a request id of ours and the principal for each request', () => {
    const requests = entries().filter(({ msg }) => msg === 'request');
    expect(requests.length).toBeGreaterThan(8);
    for (const { reqId } of requests) expect(reqId).toMatch(/^[0-9a-f-]{36}$/);
    expect(new Set(requests.map(({ reqId }) => reqId)).size).toBe(requests.length);
    const written = requests.filter(({ method, status }) => method === 'POST' && status === 201);
    expect(written.map(({ principal }) => principal)).toEqual(written.map(() => expect.stringMatching(/^key:\w{10}$/)));
    expect(written).toHaveLength(2);
  });

  test('has nothing of any body, query, key or answer of a device', () => {
    expect(entries().filter(({ msg }) => msg === 'probed')).toHaveLength(1);
    for (const line of lines) expect(line).not.toMatch(/canary91b2|forged|slk_/);
  });
});

describe('Home Assistant #70192 (CRED-7): no name and no label comes from an address', () => {
  test('metrics name neither cameras nor where they are', async () => {
    const metrics = await (await fetch(`${sightline.url}/metrics`)).text();
    expect(metrics).toContain('sightline_');
    expect(metrics).not.toContain(CANARY);
    expect(metrics).not.toContain(String(devicePort));
    expect(metrics).not.toMatch(/https?:\/\//);
  });

  test('a camera is named by its agency alone', async () => {
    const [camera] = await cameras();
    expect(camera?.name).toBe(NAME);
    const shown = await (await fetch(`${sightline.url}/wall`)).text();
    expect(shown).toContain('forged');
    expect(shown).not.toContain(String(devicePort));
  });
});
