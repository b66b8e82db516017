import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mintKey } from '#access';
import sharp from 'sharp';

/** The stack of docker-compose.yml, where TEST_COMPOSE=on and an engine answers: building the image takes minutes. */
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'sightline-compose-'));
const override = path.join(folder, 'override.yml');
const project = `sightline${randomBytes(3).toString('hex')}`;
const port = String(20_000 + Math.floor(Math.random() * 20_000));
const { key } = mintKey(randomBytes);
const why =
  process.env.TEST_COMPOSE !== 'on'
    ? 'skipped: TEST_COMPOSE is not on'
    : spawnSync('docker', ['version', '--format', '{{.Server.Version}}']).status === 0
      ? null
      : 'skipped: no container engine answers';

function compose(...args: string[]): { readonly status: number | null; readonly out: string } {
  const { status, stdout, stderr } = spawnSync(
    'docker',
    ['compose', '-p', project, '-f', path.join(ROOT, 'docker-compose.yml'), '-f', override, ...args],
    {
      cwd: ROOT,
      encoding: 'utf8',
      maxBuffer: 64 * 1_048_576,
      env: {
        ...process.env,
        DOCKER_BUILDKIT: '0',
        COMPOSE_DOCKER_CLI_BUILD: '0',
        PORT: port,
        SIGHTLINE_ADMIN_KEY: key,
        SIGHTLINE_SECRET_KEY: `k1:${randomBytes(32).toString('base64')}`,
      },
    },
  );
  return { status, out: `${stdout}\n${stderr}` };
}

const url = `http://127.0.0.1:${port}`;
const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };

async function ready(timeoutMs = 90_000): Promise<number> {
  const began = Date.now();
  for (;;) {
    const status = await fetch(`${url}/readyz`).then(
      (response) => response.status,
      () => 0,
    );
    if (status === 200) return Date.now() - began;
    if (Date.now() - began > timeoutMs) throw new Error(`not ready\n${compose('logs', '--tail=40').out}`);
    await wait(500);
  }
}

(why === null ? describe : describe.skip)(`the compose stack${why === null ? '' : ` (${why})`}`, () => {
  beforeAll(async () => {
    // Builds that fetch packages need the host's network here.
    const build = ['migrate', 'api', 'prober', 'simulator'].map((name) => `  ${name}: { build: { network: host } }`);
    writeFileSync(override, `services:\n${build.join('\n')}\n`);
    const built = compose('build', 'migrate');
    if (built.status !== 0) throw new Error(built.out);
    const up = compose('--profile', 'demo', 'up', '-d');
    if (up.status !== 0) throw new Error(`${up.out}\n${compose('logs', '--tail=60').out}`);
    await ready();
  }, 900_000);
  afterAll(() => {
    compose('--profile', 'demo', 'down', '-v', '-t', '1');
    rmSync(folder, { recursive: true, force: true });
  }, 120_000);

  const restarts = (service: string): number => {
    const container = compose('ps', '-q', service).out.trim();
    const { stdout } = spawnSync('docker', ['inspect', '-f', '{{.RestartCount}}', container], { encoding: 'utf8' });
    return Number(stdout);
  };

  let id = '';
  const show = async (): Promise<string> => {
    for (let tries = 60; tries > 0; tries -= 1) {
      const response = await fetch(`${url}/v1/cameras/${id}/thumbnail`);
      if (response.status === 200 && response.headers.get('sightline-stale') === 'false') {
        expect((await sharp(Buffer.from(await response.arrayBuffer())).metadata()).format).toBe('jpeg');
        return response.headers.get('sightline-captured-at') ?? '';
      }
      await wait(1_000);
    }
    throw new Error(`no fresh picture\n${compose('logs', '--tail=40', 'prober').out}`);
  };

  test('registers, probes and shows a simulated camera', async () => {
    const address = compose(
      'exec',
      '-T',
      'simulator',
      'node',
      '-e',
      "require('dns').lookup('simulator', (e, a) => console.log(a))",
    );
    const ip = /\d+\.\d+\.\d+\.\d+/.exec(address.out)?.[0];
    const authority = {
      slug: 'street',
      name: 'Street',
      network: { cidrs: [`${ip}/32`], ports: [3101] },
      probing: { intervalS: 5, minIntervalS: 5 },
    };
    const made = await fetch(`${url}/v1/authorities`, { method: 'POST', headers, body: JSON.stringify(authority) });
    expect(made.status).toBe(201);
    const camera = {
      authority: 'street',
      localId: '1',
      name: 'First',
      location: { type: 'Point', coordinates: [120.29, 23.08] },
      services: [
        { kind: 'mjpeg', url: 'http://simulator:3101/axis-cgi/mjpg/video.cgi', vapix: { resolution: '640x360' } },
      ],
    };
    const response = await fetch(`${url}/v1/cameras`, { method: 'POST', headers, body: JSON.stringify(camera) });
    expect(response.status).toBe(201);
    id = ((await response.json()) as { id: string }).id;
    await show();
  }, 120_000);

  test('CRED-1, SSRF-11, AUTHZ-2: in production nobody serves as owner or superuser, and the API cannot read a secret', () => {
    const sql = (login: string, text: string): string =>
      compose(
        'exec',
        '-T',
        '-e',
        'PGPASSWORD=sightline',
        'database',
        'psql',
        '-h',
        '127.0.0.1',
        '-U',
        login,
        '-d',
        'sightline',
        '-c',
        text,
      ).out;
    expect(sql('sightline_api_login', 'select ciphertext from camera_secret')).toContain('permission denied');
    expect(sql('sightline_api_login', 'select camera_id, fingerprint from camera_secret')).toContain('0 rows');
    expect(sql('sightline_prober_login', 'select ciphertext from camera_secret')).toContain('0 rows');
    expect(sql('sightline_prober_login', 'delete from camera')).toContain('permission denied');
  }, 60_000);

  test.each(['api', 'prober', 'database'])(
    'survives a SIGKILL of the process of %s',
    async (service) => {
      const before = await show();
      // From inside, to every process but init: a restart policy acts on that, and not on `docker kill`.
      compose(
        'exec',
        '-T',
        service,
        ...(service === 'database' ? ['bash', '-c', 'kill -9 -1'] : ['node', '-e', 'process.kill(-1, 9)']),
      );
      await wait(2_000);
      await ready();
      expect(restarts(service)).toBeGreaterThan(0);
      for (let tries = 40; (await show()) === before && tries > 0; tries -= 1) await wait(1_000);
      expect(await show()).not.toBe(before);
    },
    240_000,
  );
});
