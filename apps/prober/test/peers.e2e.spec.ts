import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { SHARED, type Sightline, startSightline } from '#testing';

/** Real camera servers that nobody here wrote, where `tools/camera-peers up` has started them. */
interface Peer {
  readonly name: string;
  readonly kind: string;
  readonly url: string;
  readonly user?: string | null;
  readonly password?: string | null;
}

const ROOT = path.join(import.meta.dirname, '..', '..', '..');
const TOOL = path.join(SHARED, 'tools', 'camera-peers');

function runningPeers(): readonly Peer[] {
  if (!existsSync(TOOL)) return [];
  const listed = spawnSync(TOOL, ['list', '--json'], { encoding: 'utf8' });
  if (listed.status !== 0) return [];
  try {
    return (JSON.parse(listed.stdout) as Peer[]).filter(({ kind }) => kind === 'mjpeg' || kind === 'snapshot');
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

const peers = runningPeers();

/** The table of `npm run peers`: what may come of each. Of peers that it does not name only that they are judged at all. */
const EXPECTED = JSON.parse(readFileSync(path.join(ROOT, 'scripts', 'peers', 'expected.json'), 'utf8')) as Readonly<
  Record<string, { readonly outcomes: readonly string[] }>
>;

(peers.length > 0 ? describe : describe.skip)(
  `real camera servers (${peers.length > 0 ? `${peers.length} run` : 'skipped: ../shared/tools/camera-peers up has started none'})`,
  () => {
    let sightline: Sightline;
    const headers = (): Record<string, string> => ({
      authorization: `Bearer ${sightline.key}`,
      'content-type': 'application/json',
    });

    beforeAll(async () => {
      sightline = await startSightline();
      const ports = [...new Set(peers.map(({ url }) => Number(new URL(url).port)))];
      const authority = {
        slug: 'peers',
        name: 'Peers',
        network: { cidrs: ['127.0.0.0/8'], ports },
        probing: { intervalS: 10, minIntervalS: 5 },
        allowBasicPlaintext: true,
      };
      const made = await fetch(`${sightline.url}/v1/authorities`, {
        method: 'POST',
        headers: headers(),
        body: JSON.stringify(authority),
      });
      expect(made.status).toBe(201);
    });
    afterAll(() => sightline.close());

    test('each is registered and probed; those that give a picture show it', async () => {
      const ids = new Map<string, string>();
      for (const [i, { name, kind, url, user, password }] of peers.entries()) {
        const body = {
          authority: 'peers',
          localId: name,
          name,
          location: { type: 'Point', coordinates: [120 + i / 1_000, 23] },
          services: [{ kind, url, ...(user ? { credentials: { username: user, password: password ?? '' } } : {}) }],
        };
        const response = await fetch(`${sightline.url}/v1/cameras`, {
          method: 'POST',
          headers: headers(),
          body: JSON.stringify(body),
        });
        const camera = (await response.json()) as { id: string };
        expect([name, response.status]).toEqual([name, 201]);
        ids.set(name, camera.id);
      }
      const outcomes: Record<string, string> = {};
      const ask = async (name: string): Promise<void> => {
        const at = `${sightline.url}/v1/cameras/${ids.get(name)}/probe`;
        const response = await fetch(at, { method: 'POST', headers: headers() });
        expect([name, response.status]).toEqual([name, 200]);
        outcomes[name] = ((await response.json()) as { outcome: string }).outcome;
      };
      // Servers at once, cameras of one server in turn: some serve one client at a time.
      const servers = [...new Set(peers.map(({ url }) => new URL(url).host))];
      const askInTurn = async (server: string): Promise<void> => {
        for (const { name, url } of peers) if (new URL(url).host === server) await ask(name);
      };
      await Promise.all(servers.map(askInTurn));
      process.stderr.write(`peers: ${JSON.stringify(outcomes)}\n`);
      expect(Object.values(outcomes).filter((outcome) => outcome === 'prober_internal')).toEqual([]);
      for (const [name, expected] of Object.entries(EXPECTED)) {
        if (outcomes[name] !== undefined)
          expect([name, expected.outcomes]).toEqual([name, expect.arrayContaining([outcomes[name]])]);
      }
      for (const [name, id] of ids) {
        if (outcomes[name] !== 'ok') continue;
        let response = await fetch(`${sightline.url}/v1/cameras/${id}/thumbnail`);
        for (let tries = 20; response.status === 404 && tries > 0; tries -= 1) {
          await wait(250);
          response = await fetch(`${sightline.url}/v1/cameras/${id}/thumbnail`);
        }
        const picture = await sharp(Buffer.from(await response.arrayBuffer())).metadata();
        expect([name, response.status, picture.format]).toEqual([name, 200, 'jpeg']);
      }
    }, 300_000);
  },
);

/** Old TLS, other certificates and VLC come with the command; digest, nonces and what is never plain online are in its table. */
test('npm run peers: each is as its row says (absent ones are named)', async () => {
  const run = promisify(execFile)(process.execPath, [path.join(ROOT, 'scripts', 'peers.mjs'), '--json', '--running'], {
    cwd: ROOT,
  });
  // Exit code 2: not as expected; then the rows tell more than the code.
  const { stdout } = await run.catch((error: { readonly stdout: string }) => error);
  const { rows, absent } = JSON.parse(stdout) as {
    readonly rows: readonly { readonly name: string; readonly problems: readonly string[] }[];
    readonly absent: readonly string[];
  };
  if (absent.length > 0) process.stderr.write(`peers that are not here: ${absent.join(', ')}\n`);
  expect(rows.filter(({ problems }) => problems.length > 0)).toEqual([]);
}, 300_000);
