import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
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

/** What must come of a peer, by its name; of the others only that they are judged at all (probing.md, section 16). */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  'apache-digest': ['ok'],
  // One client at a time, then it restarts: a refused connection in between is its own.
  'ffmpeg-octet': ['ok', 'refused'],
  'ffmpeg-multipart': ['ok', 'refused'],
  'gstreamer-raw': ['ok'],
  'lighttpd-digest': ['ok'],
  'motion-stream': ['ok'],
  'motion-html': ['not_a_picture'],
  'motion-lost': ['empty_reply', 'first_frame_timeout', 'ok'],
  'nginx-live': ['ok'],
  'nginx-frozen': ['ok'],
  'nginx-stale': ['ok'],
  'nginx-slow': ['first_frame_timeout'],
  'nginx-basic': ['ok'],
  'nginx-tls': ['ok'],
  'nginx-busy': ['busy'],
  'nginx-moved': ['ok'],
  'nginx-login': ['moved'],
  'nginx-missing': ['not_found'],
  'ustreamer-stream': ['ok'],
  'ustreamer-stream-odd': ['ok'],
  'ustreamer-snapshot': ['ok'],
};

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
      for (const [name, id] of ids) {
        const response = await fetch(`${sightline.url}/v1/cameras/${id}/probe`, { method: 'POST', headers: headers() });
        expect([name, response.status]).toEqual([name, 200]);
        outcomes[name] = ((await response.json()) as { outcome: string }).outcome;
      }
      process.stderr.write(`peers: ${JSON.stringify(outcomes)}\n`);
      expect(Object.values(outcomes).filter((outcome) => outcome === 'prober_internal')).toEqual([]);
      for (const [name, expected] of Object.entries(EXPECTED)) {
        if (outcomes[name] !== undefined) expect([name, expected.includes(outcomes[name])]).toEqual([name, true]);
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
