import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { endProgram, type Program, runProgram } from '#testing';

/** What `npm start` runs: one process, the embedded database, the simulated street. */
let program: Program;
let url: string;
let key: string;
let street: string;
const dataDir = mkdtempSync(path.join(tmpdir(), 'sightline-up-'));
let port = '0';

async function start(): Promise<void> {
  // It asks for the state of the street more often than anybody looks.
  program = runProgram({ env: { PORT: port, SIGHTLINE_DATA_DIR: dataDir, SIGHTLINE_RATE_LIMITS: 'off' } });
  [, url = ''] = await program.said(/cameras {4}(http:\/\/[\d.:]+)\//);
  port = new URL(url).port;
  [, street = ''] = await program.said(/street {5}\d+ simulated cameras, (http:\S+)\//);
  await program.said(/Ctrl\+C/);
}

beforeAll(async () => {
  await start();
  [, key = ''] = /^ {2}(slk_\w+)$/m.exec(program.stdout()) ?? [];
}, 120_000);
afterAll(async () => {
  await endProgram(program);
  rmSync(dataDir, { recursive: true, force: true });
});

interface Item {
  readonly id: string;
  readonly localId: string;
  readonly authority: string;
  readonly distanceM: number;
  readonly health: { readonly status: string; readonly lastOutcome?: string };
}

async function find(query: string, withKey = false): Promise<Item[]> {
  const headers: Record<string, string> = withKey ? { authorization: `Bearer ${key}` } : {};
  const response = await fetch(`${url}/v1/cameras?${query}&include=health&limit=1000`, { headers });
  return ((await response.json()) as { items: Item[] }).items;
}

async function until<T>(what: string, look: () => Promise<T | false>, timeoutMs = 90_000): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== false) return found;
    if (Date.now() > end)
      throw new Error(`${what}: not within ${timeoutMs / 1000} s\n${program.stderr().slice(-2_000)}`);
    await wait(500);
  }
}

const setFault = (authority: string, localId: string, fault: string | null): Promise<Response> =>
  fetch(`${street}/control`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ authority, localId, fault }),
  });

describe('the street', () => {
  test('at least 24 cameras are active and public, and at least 18 of them show a picture', async () => {
    const items = await until('18 online cameras', async () => {
      const found = await find('lifecycle=active');
      return found.filter(({ health }) => health.status === 'online').length >= 18 ? found : false;
    });
    expect(items.length).toBeGreaterThanOrEqual(24);
    expect(new Set(items.map(({ authority }) => authority)).size).toBe(3);
  }, 120_000);

  test('the experiment of the paper: these cameras near the flood point, in this order', async () => {
    const near = async (point: string): Promise<unknown[]> =>
      (await find(`authority=demo-water&near=${point}&radiusM=500`)).map(({ localId, distanceM }) => [
        localId,
        Math.round(distanceM * 10) / 10,
      ]);
    expect(await near('120.295000,23.079000')).toEqual([
      ['497', 192.1],
      ['44', 360.6],
      ['1639', 452.8],
    ]);
    expect(await near('120.298904,23.079000')).toEqual([
      ['44', 223.6],
      ['497', 277.3],
    ]);
    const all = await find('near=120.295,23.079&radiusM=500');
    expect(all.slice(0, 2).map(({ localId, distanceM }) => [localId, Math.round(distanceM * 10) / 10])).toEqual([
      ['A', 60],
      ['C', 90],
    ]);
  });

  test('a thumbnail is a JPEG less than a minute old, in the size asked for, without metadata', async () => {
    const [camera] = await find('authority=demo-water&q=1639');
    for (const [width, expected] of [
      ['160', 160],
      ['320', 320],
      ['640', 640],
      ['1280', 640],
    ] as const) {
      const response = await fetch(`${url}/v1/cameras/${camera?.id}/thumbnail?width=${width}`);
      const bytes = Buffer.from(await response.arrayBuffer());
      const picture = await sharp(bytes).metadata();
      expect([response.status, response.headers.get('content-type'), picture.format]).toEqual([
        200,
        'image/jpeg',
        'jpeg',
      ]);
      expect(picture.width).toBe(expected);
      expect([picture.exif, picture.xmp, picture.iptc, picture.icc]).toEqual([
        undefined,
        undefined,
        undefined,
        undefined,
      ]);
      const capturedAt = Date.parse(response.headers.get('sightline-captured-at') ?? '');
      expect(Date.now() - capturedAt).toBeLessThan(60_000);
      expect(response.headers.get('sightline-stale')).toBe('false');
      expect(response.headers.get('sightline-status')).toBe('online');
      const etag = response.headers.get('etag') ?? '';
      const address = `${url}/v1/cameras/${camera?.id}/thumbnail?width=${width}`;
      const [again, head] = await Promise.all([
        fetch(address, { headers: { 'if-none-match': etag } }),
        fetch(address, { method: 'HEAD' }),
      ]);
      // A new picture may have come meanwhile.
      expect([200, 304]).toContain(again.status);
      expect([head.status, (await head.arrayBuffer()).byteLength]).toEqual([200, 0]);
    }
  });

  test('CRED-7: a camera with digest is read, its password stands nowhere', async () => {
    const [camera] = await find('q=497&authority=demo-water', true);
    expect(camera?.health).toMatchObject({ status: 'online', lastOutcome: 'ok' });
  });

  test('SSRF-9: probe now answers the outcome with its phases; strangers do not read which failure it was', async () => {
    const [camera] = await find('authority=demo-water&q=44');
    const response = await fetch(`${url}/v1/cameras/${camera?.id}/probe`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
    });
    const report = (await response.json()) as Record<string, unknown>;
    expect(report).toMatchObject({ outcome: 'ok', service: 'snapshot', frame: { widthPx: expect.any(Number) } });
    expect(report.phases).toMatchObject({ connectMs: expect.any(Number), firstFrameMs: expect.any(Number) });
    expect((await fetch(`${url}/v1/cameras/${camera?.id}/probe`, { method: 'POST' })).status).toBe(401);
    const broken = (await find('lifecycle=active', true)).filter(({ health }) => health.lastOutcome === 'refused');
    const seen = await find(`q=${broken[0]?.localId}&authority=${broken[0]?.authority}`);
    expect(seen[0]?.health.lastOutcome).toBe('unreachable');
  });

  test('a planned camera is not probed', async () => {
    const [camera] = await find('lifecycle=planned');
    const response = await fetch(`${url}/v1/cameras/${camera?.id}/probe`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
    });
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([409, 'not_probed']);
  });

  test('the first page shows every camera, without script, and escapes names', async () => {
    const page = await (await fetch(`${url}/`)).text();
    expect(page).not.toMatch(/<script/i);
    expect(page.match(/class="tile/g)?.length).toBeGreaterThanOrEqual(24);
    expect(page).toContain('http-equiv="refresh"');
    expect((await fetch(`${url}/wall`)).status).toBe(200);
    expect((await fetch(`${url}/docs`)).status).toBe(200);
    expect(((await (await fetch(`${url}/openapi.json`)).json()) as { openapi: string }).openapi).toBe('3.1.0');
  });

  test('CRED-7: metrics count, and name no camera', async () => {
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(Number(/sightline_probe_outcomes_total\{outcome="ok"\} (\d+)/.exec(text)?.[1])).toBeGreaterThan(10);
    expect(text).toContain('http_server_request_duration_seconds_bucket');
    expect(text).toMatch(/^sightline_cameras\{authority="demo-water",status="online"\} \d+$/m);
    // What is counted may be any number.
    const withoutValues = text.replaceAll(/ [\d.e+-]+$/gm, '');
    expect(withoutValues).toContain('sightline_cameras{authority="demo-water",status="online"}\n');
    expect(withoutValues).not.toMatch(/1639|Minsheng/);
  });

  test('a camera that stops answering keeps its last picture, marked stale', async () => {
    const [camera] = await find('authority=demo-roads&q=Bridge Street');
    expect((await setFault('demo-roads', camera?.localId ?? '', 'refused')).status).toBe(200);
    const stale = await until(
      'a stale picture',
      async () => {
        const response = await fetch(`${url}/v1/cameras/${camera?.id}/thumbnail`);
        return response.headers.get('sightline-stale') === 'true' ? response : false;
      },
      180_000,
    );
    expect(stale.status).toBe(200);
    expect(stale.headers.get('sightline-status')).not.toBe('online');
    expect((await sharp(Buffer.from(await stale.arrayBuffer())).metadata()).format).toBe('jpeg');
    await setFault('demo-roads', camera?.localId ?? '', null);
  }, 200_000);
});

describe('one process, one directory', () => {
  test('a second process is refused with a sentence that names the first', async () => {
    const second = runProgram({ env: { PORT: '0', SIGHTLINE_DATA_DIR: dataDir } });
    expect(await second.ended).toBe(1);
    expect(second.stderr()).toContain(String(program.child.pid));
    expect(second.stderr().trim().split('\n')).toHaveLength(1);
  });

  test('kill -9 and start again: the same cameras, their pictures, the same key', async () => {
    const before = await find('lifecycle=active');
    await endProgram(program, 'SIGKILL');
    const began = performance.now();
    await start();
    const seconds = (performance.now() - began) / 1_000;
    expect(program.stdout()).not.toContain('slk_');
    const after = await find('lifecycle=active', true);
    expect(after.map(({ id }) => id).sort()).toEqual(expect.arrayContaining(before.map(({ id }) => id).sort()));
    const [camera] = await find('authority=demo-water&q=1639');
    expect((await fetch(`${url}/v1/cameras/${camera?.id}/thumbnail`)).status).toBe(200);
    process.stderr.write(`later start: ${seconds.toFixed(1)} s\n`);
  }, 120_000);
});

describe('the command', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sightline-cli-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('probe tells a camera from something else, and saves the picture', async () => {
    const [camera] = await find('authority=demo-water&q=1639', true);
    const whole = (await (
      await fetch(`${url}/v1/cameras/${camera?.id}`, { headers: { authorization: `Bearer ${key}` } })
    ).json()) as {
      services: { url: string }[];
    };
    const file = path.join(folder, 'frame.jpg');
    const good = runProgram({ args: ['probe', whole.services[0]?.url ?? '', '--resolution', '640x360', '-o', file] });
    expect([await good.ended, good.stderr()]).toEqual([0, '']);
    expect(good.stdout()).toMatch(/outcome +ok: /);
    expect(good.stdout()).toMatch(/picture +640 x 360 pixels, \d+ bytes/);
    expect((await sharp(readFileSync(file)).metadata()).width).toBe(640);

    const page = runProgram({ args: ['probe', `${url}/livez`, '--json', '-o', path.join(folder, 'none.jpg')] });
    expect(await page.ended).toBe(2);
    expect(JSON.parse(page.stdout())).toMatchObject({ outcome: 'not_a_picture', frame: null, saved: null });
    expect(existsSync(path.join(folder, 'none.jpg'))).toBe(false);

    for (const [target, words] of [
      ['http://169.254.169.254/latest', 'target_not_allowed'],
      ['ftp://127.0.0.1/', 'cannot be probed'],
    ] as const) {
      const refused = runProgram({ args: ['probe', target] });
      expect(await refused.ended).not.toBe(0);
      expect(refused.stdout() + refused.stderr()).toContain(words);
    }
  }, 60_000);

  test('keys are made, listed and revoked', async () => {
    const env = { SIGHTLINE_URL: url, SIGHTLINE_KEY: key };
    const made = runProgram({
      args: [
        'keys',
        'create',
        '--name',
        'a test',
        '--scope',
        'cameras:read,cameras:write',
        '--authority',
        'demo-water',
        '--days',
        '2',
      ],
      env,
    });
    expect(await made.ended).toBe(0);
    const minted = made.stdout().trim();
    expect(minted).toMatch(/^slk_\w{60}$/);
    const answer = await fetch(`${url}/v1/cameras?limit=1`, { headers: { authorization: `Bearer ${minted}` } });
    expect(answer.status).toBe(200);
    const listed = runProgram({ args: ['keys', 'list'], env });
    expect(await listed.ended).toBe(0);
    const [line] = listed
      .stdout()
      .split('\n')
      .filter((text) => text.endsWith('a test'));
    expect(listed.stdout()).not.toContain(minted);
    const revoked = runProgram({ args: ['keys', 'revoke', line?.split(' ')[0] ?? ''], env });
    expect(await revoked.ended).toBe(0);
    const without = runProgram({ args: ['keys', 'list'] });
    expect(await without.ended).toBe(1);
    expect(without.stderr()).toContain('SIGHTLINE_KEY');
  }, 60_000);

  test('three wrong settings: one message names all three, exit 1, nothing listens', async () => {
    const wrong = runProgram({ env: { PORT: 'many', SIGHTLINE_DEMO: 'yes', SIGHTLINE_PROBE_SOCKET: '5' } });
    expect(await wrong.ended).toBe(1);
    for (const name of ['PORT', 'SIGHTLINE_DEMO', 'SIGHTLINE_PROBE_SOCKET']) expect(wrong.stderr()).toContain(name);
  });

  test('api and prober want a server; help helps; an unknown command is said to be', async () => {
    const api = runProgram({ args: ['api'] });
    expect([await api.ended, api.stderr().includes('DATABASE_URL')]).toEqual([1, true]);
    const help = runProgram({ args: ['--help'] });
    expect([await help.ended, /up .*\n(?:.*\n)*.*probe/.test(help.stdout())]).toEqual([0, true]);
    const unknown = runProgram({ args: ['fly'] });
    expect([await unknown.ended, unknown.stderr().includes('fly')]).toEqual([1, true]);
    const taken = runProgram({
      env: { PORT: new URL(url).port, SIGHTLINE_DATA_DIR: path.join(folder, 'other'), SIGHTLINE_DEMO: 'off' },
    });
    expect([await taken.ended, /Port \d+ is taken/.test(taken.stderr())]).toEqual([1, true]);
  }, 90_000);
});
