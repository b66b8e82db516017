import { connect, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ServiceDocument } from '#catalog';
import sharp from 'sharp';
import { FAULTS } from '../src/faults.js';
import { type RunningSimulator, start } from '../src/start.js';
import { STREET } from '../src/street.js';
import {
  call,
  cameraOf,
  digestOf,
  framesOf,
  hear,
  type Heard,
  serviceOf as serviceOfStreet,
  signedIn,
  snapshotOf,
  streamOf,
  urlOf,
} from './hear.js';

describe('the simulated street', () => {
  let street: RunningSimulator;
  const notes: string[] = [];

  beforeAll(async () => {
    street = await start({ port: 0, cameras: 3, log: (message) => notes.push(message) });
  });
  afterAll(() => street.close());

  const serviceOf = (authority: string, localId: string, i = 0): ServiceDocument =>
    serviceOfStreet(street, authority, localId, i);

  test('every healthy camera gives a picture of the asked size by both addresses', async () => {
    const healthy = STREET.filter(({ fault, kinds }) => fault === null && kinds.length > 0);
    expect(healthy.length).toBeGreaterThan(22);
    for (const { document } of healthy) {
      const { services, localId } = cameraOf(street, document.authority, document.localId);
      const service = services[0]!;
      for (const url of [snapshotOf(service, { resolution: '320x180' }), streamOf(service)]) {
        const headers = await signedIn(service, url);
        const heard = await hear(url, {
          headers,
          until: ({ body }) => framesOf(body).length > 0 && url.includes('video'),
        });
        expect([localId, heard.status]).toEqual([localId, 200]);
        const jpeg = url.includes('video') ? framesOf(heard.body)[0] : heard.body;
        const decoded = await sharp(jpeg, { failOn: 'warning' }).raw().toBuffer({ resolveWithObject: true });
        const asked = url.includes('320x180') ? '320x180' : service.vapix?.resolution;
        expect([localId, `${decoded.info.width}x${decoded.info.height}`]).toEqual([localId, asked]);
      }
    }
  });

  test('streams as an Axis does, and in two older dialects', async () => {
    const axis = await hear(streamOf(serviceOf('demo-water', '1639')), {
      until: ({ body }) => framesOf(body).length > 1,
    });
    expect(axis.headers.get('content-type')).toEqual(['multipart/x-mixed-replace; boundary=myboundary']);
    const [frame] = framesOf(axis.body);
    const head = `--myboundary\r\nContent-Type: image/jpeg\r\nContent-Length: ${frame?.length}\r\n\r\n`;
    expect(axis.body.toString('latin1', 0, head.length)).toBe(head);
    expect(axis.body.toString('latin1', head.length + frame!.length).startsWith('\r\n--myboundary\r\n')).toBe(true);

    const old = await hear(streamOf(serviceOf('demo-water', '1715')), {
      until: ({ body }) => framesOf(body).length > 0,
    });
    expect(old.body.toString('latin1', 0, 60)).not.toMatch(/Content-Length/);
    const bare = await hear(streamOf(serviceOf('demo-roads', 'K')), {
      until: ({ body }) => framesOf(body).length > 0,
    });
    expect(bare.body.toString('latin1', 0, 200)).toMatch(
      /^--myboundary\nContent-Type: image\/jpeg\nContent-Length: \d+\n\n\xff\xd8/,
    );
    const alias = serviceOf('demo-roads', 'A').url.replace('/axis-cgi/mjpg/video.cgi', '/mjpg/video.mjpg');
    expect((await hear(alias, { until: ({ body }) => framesOf(body).length > 0 })).status).toBe(200);
  });

  test('odd arguments are answered with 200 and a text; wrong requests with what is wrong', async () => {
    const { url } = serviceOf('demo-roads', 'A', 1);
    for (const query of ['resolution=641x361', 'compression=101', 'camera=9']) {
      const heard = await hear(`${url}?${query}`);
      expect([heard.status, heard.headers.get('content-type')]).toEqual([200, ['text/plain']]);
      expect(heard.body.toString()).toMatch(/^<!-- .* -->\n$/);
    }
    expect((await hear(url.replace('image.cgi', 'nothing.cgi'))).status).toBe(404);
    expect((await hear(url, { method: 'POST' })).status).toBe(405);
    const head = await hear(url, { method: 'HEAD', ms: 500 });
    expect([head.status, head.body.length]).toEqual([200, 0]);
    expect(Number(head.headers.get('content-length')?.[0])).toBeGreaterThan(5_000);
    const wide = await hear(snapshotOf(serviceOf('demo-roads', 'B'), { resolution: '3840x2160' }));
    expect(await sharp(wide.body).metadata()).toMatchObject({ width: 3840, height: 2160 });
  });

  test('two sensors of one mast share a device and show different pictures', async () => {
    const [north, east] = [serviceOf('demo-park', 'mast-1-n', 1), serviceOf('demo-park', 'mast-1-e', 1)];
    expect(north.url).toBe(east.url);
    expect([north.vapix?.camera, east.vapix?.camera]).toEqual(['1', '2']);
    const [a, b] = await Promise.all([hear(urlOf(north)), hear(urlOf(east))]);
    const grey = await Promise.all([a, b].map(({ body }) => sharp(body).greyscale().resize(32, 18).raw().toBuffer()));
    expect(grey[0]!.reduce((sum, value, i) => sum + Math.abs(value - grey[1]![i]!), 0) / 576).toBeGreaterThan(8);
  });

  test.each([
    ['497', 'MJPEG', 'MD5', ['MD5']],
    ['1711', 'MJPEG', 'SHA-256', ['SHA-256', 'MD5']],
  ] as const)(
    'digest of %s: 401, then 200 for %s with %s; a wrong password stays out',
    async (id, _, algorithm, offered) => {
      const service = serviceOf('demo-water', id);
      const url = snapshotOf(service);
      const { pathname, search } = new URL(url);
      const refused = await hear(url);
      const challenges = refused.headers.get('www-authenticate') ?? [];
      expect(challenges.map((one) => /algorithm=([\w-]+)/.exec(one)?.[1])).toEqual(offered);
      expect(challenges[0]).toMatch(/^Digest realm="AXIS_ACCC8E[0-9A-F]{6}", nonce=/);

      const challenge = challenges.find((one) => one.includes(`algorithm=${algorithm}`))!;
      const right = digestOf(challenge, service.credentials!, 'GET', pathname + search);
      expect((await hear(url, { headers: [right] })).status).toBe(200);
      const again = await hear(url, { headers: [right] });
      expect([again.status, again.headers.get('www-authenticate')?.[0]?.includes('stale=true')]).toEqual([401, true]);
      for (const wrong of [
        digestOf(
          (await hear(url)).headers.get('www-authenticate')![0]!,
          { username: 'viewer', password: 'wrong' },
          'GET',
          pathname + search,
        ),
        digestOf((await hear(url)).headers.get('www-authenticate')![0]!, service.credentials!, 'GET', pathname),
        'Authorization: Basic dmlld2VyOnNsdWljZS1nYXRlLTQ5Nw==',
      ]) {
        const heard = await hear(url, { headers: [wrong] });
        expect([heard.status, heard.headers.get('www-authenticate')?.[0]?.includes('stale')]).toEqual([401, false]);
      }
    },
  );

  test('basic: only the right password', async () => {
    const service = serviceOf('demo-park', 'gate');
    const url = snapshotOf(service);
    expect((await hear(url)).headers.get('www-authenticate')?.[0]).toMatch(/^Basic realm=/);
    expect((await hear(url, { headers: ['Authorization: Basic Z3VhcmQ6d3Jvbmc='] })).status).toBe(401);
    expect((await hear(url, { headers: await signedIn(service, url) })).status).toBe(200);
  });

  test('a file has a date and a tag, and answers 304 to either', async () => {
    const url = urlOf(serviceOf('demo-water', '1710'));
    const ask = async (): Promise<{ tag: string; date: string; statuses: number[] }> => {
      const first = await hear(url);
      const [tag = '', date = ''] = [first.headers.get('etag')?.[0], first.headers.get('last-modified')?.[0]];
      const statuses = [
        (await hear(url, { headers: [`If-None-Match: ${tag}`], ms: 400 })).status,
        (await hear(url, { headers: [`If-Modified-Since: ${date}`], ms: 400 })).status,
      ];
      return { tag, date, statuses };
    };
    let asked = await ask();
    // The file is written anew every few seconds: where that came in between, both are asked of the new one.
    if ((await hear(url)).headers.get('etag')?.[0] !== asked.tag) asked = await ask();
    const { date, statuses } = asked;
    expect(Math.abs(Date.now() - Date.parse(date))).toBeLessThan(10_000);
    expect(statuses).toEqual([304, 304]);
    expect((await hear(url, { headers: ['If-None-Match: "other"', `If-Modified-Since: ${date}`] })).status).toBe(200);
    expect((await hear(urlOf(serviceOf('demo-water', '44')))).headers.has('last-modified')).toBe(false);
  });

  test('one connection carries several requests', async () => {
    const { hostname, port, pathname } = new URL(serviceOf('demo-roads', 'A', 1).url);
    const socket = connect(Number(port), hostname);
    const chunks: Buffer[] = [];
    const request = `GET ${pathname}?resolution=160x90 HTTP/1.1\r\nHost: x\r\n`;
    socket.write(`${request}\r\n${request}Connection: close\r\n\r\n`);
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    expect(
      Buffer.concat(chunks)
        .toString('latin1')
        .match(/HTTP\/1\.1 200 OK/g),
    ).toHaveLength(2);
  });

  test('the eleventh viewer gets 503, and the place of one that leaves', async () => {
    const url = streamOf(serviceOf('demo-roads', 'L'), { resolution: '160x90', fps: '1' });
    const { hostname, port, pathname, search } = new URL(url);
    const viewers = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const socket = connect(Number(port), hostname);
        socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: x\r\n\r\n`);
        await new Promise((resolve) => socket.once('data', resolve));
        return socket;
      }),
    );
    expect((await hear(url)).status).toBe(503);
    viewers[0]?.destroy();
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect((await hear(url, { until: ({ body }) => framesOf(body).length > 0 })).status).toBe(200);
    for (const viewer of viewers) viewer.destroy();
  });

  test('cameras of a load test: pictures of a pool, no two alike', async () => {
    const load = street.cameras.filter(({ authority }) => authority === 'demo-load');
    expect(load).toHaveLength(3);
    const frames = await Promise.all(
      load.flatMap(({ services }) =>
        services.map((service) =>
          hear(urlOf(service), { until: ({ body }) => framesOf(body).length > 0 && service.kind === 'mjpeg' }),
        ),
      ),
    );
    const jpegs = frames.map(({ body }) => framesOf(body)[0]!);
    expect(new Set(jpegs.map((jpeg) => jpeg.toString('latin1'))).size).toBe(6);
    for (const jpeg of jpegs) await sharp(jpeg, { failOn: 'warning' }).raw().toBuffer();
  });

  test('the street starts with its broken cameras broken', async () => {
    const first = (authority: string, localId: string, ms = 700): Promise<Heard> =>
      hear(urlOf(serviceOf(authority, localId, 1)), { ms });
    expect((await first('demo-roads', 'F')).status).toBe(503);
    expect((await first('demo-roads', 'G')).headers.get('content-type')).toEqual(['text/html']);
    expect((await first('demo-park', 'plant')).status).toBe(404);
    expect((await first('demo-park', 'north-lot')).ended).toBe('refused');
    expect((await first('demo-water', '1760')).body).toHaveLength(0);
    const east = serviceOf('demo-park', 'east-lot', 1);
    expect((await hear(urlOf(east), { headers: await signedIn(east, urlOf(east), 'MD5') })).status).toBe(401);
  });

  test('the control call says what is wrong with a call', async () => {
    const good = { authority: 'demo-water', localId: '1639', fault: 'frozen' };
    for (const [body, status, error] of [
      ['{', 400, /JSON/],
      ['[]', 400, /object/],
      [{ ...good, fault: 'tired' }, 400, /one of frozen, .*got "tired"/],
      [{ authority: 'demo-water', localId: '1639' }, 400, /fault/],
      [{ ...good, localId: 1639 }, 400, /as text/],
      [{ ...good, more: 1 }, 400, /"more"/],
      ['x'.repeat(5_000), 400, /4096/],
      [{ ...good, localId: 'none' }, 404, /demo-water\/none/],
      [{ ...good, localId: '1750' }, 409, /planned/],
    ] as const) {
      const response = await call(street, body);
      const answer = (await response.json()) as { error: string };
      expect([response.status, answer.error]).toEqual([status, expect.stringMatching(error)]);
    }
    expect((await call(street, good, { 'content-type': 'text/plain' })).status).toBe(400);
    const { hostname, port } = new URL(street.url);
    const rebound = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), hostname);
      socket.end('GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n');
      let text = '';
      socket.on('data', (chunk) => (text += String(chunk))).on('close', () => resolve(text));
    });
    expect(rebound).toMatch(/^HTTP\/1\.1 403 /);
  });

  test('the index page lists every device and shows it', async () => {
    const page = await (await fetch(street.url)).text();
    for (const { name, localId } of street.cameras) expect(page).toContain(`/${localId}`.slice(1) && name);
    expect(page.match(/<img /g)).toHaveLength(street.cameras.filter(({ services }) => services.length > 0).length);
    expect(page).not.toContain('sluice-gate');
    const { status, headers } = await fetch(`${street.url}picture/demo-water/497.jpg`);
    expect([status, headers.get('content-type')]).toEqual([200, 'image/jpeg']);
    const state = (await (await fetch(`${street.url}control`)).json()) as { faults: string[]; cameras: unknown[] };
    expect(state.faults).toEqual([...FAULTS]);
    expect(state.cameras).toHaveLength(street.cameras.length);
  });

  test('what it says of itself', () => {
    expect(street.authorities.map(({ slug }) => slug)).toEqual(['demo-water', 'demo-roads', 'demo-park', 'demo-load']);
    for (const { network } of street.authorities) {
      expect(network).toEqual({ cidrs: ['127.0.0.0/8'], ports: [...street.ports] });
    }
    for (const { services, localId } of street.cameras) {
      for (const { url } of services)
        expect([localId, street.ports.includes(Number(new URL(url).port))]).toEqual([localId, true]);
    }
    expect(notes).toEqual([`simulator: ${street.cameras.length} cameras, ${street.url}`]);
  });
});

test('takes the next port, or fails where it must not; close() frees everything', async () => {
  const first = await start({ port: 0 });
  const port = Number(new URL(first.url).port);
  await expect(start({ port, exactPort: true })).rejects.toThrow(`port ${port} is taken`);
  const second = await start({ port });
  expect(Number(new URL(second.url).port)).toBeGreaterThan(port);

  const { url } = first.cameras[0]!.services[0]!;
  const viewer = connect(port, new URL(url).hostname);
  viewer.write(`GET ${new URL(url).pathname} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await new Promise((resolve) => viewer.once('data', resolve));
  const gone = new Promise((resolve) => viewer.once('close', resolve));
  await Promise.all([first.close(), second.close()]);
  await gone;
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(handles()).toEqual([]);

  const server = createServer().listen(port, new URL(url).hostname);
  await new Promise((resolve) => server.once('listening', resolve));
  await new Promise((resolve) => server.close(resolve));
});

/** What would keep a process alive, but for Jest's own. */
const handles = (): readonly string[] =>
  process
    .getActiveResourcesInfo()
    .filter((one) => /^TCP/.test(one))
    .sort();
