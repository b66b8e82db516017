import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Sightline, startSightline } from '#testing';
import { clientOf } from './client.js';
import { addAuthority, addCamera, registration } from './fixtures.js';
import { type PictureDevice, startPictureDevice } from './picture-device.js';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((one) =>
  existsSync(one),
);
const inBrowser = CHROMIUM === undefined ? describe.skip : describe;

/** What a browser made of a page. */
interface Visit {
  /** The page when it was done. */
  readonly dom: string;
  /** What it wrote to its console about the policy of the page. */
  readonly violations: readonly string[];
  /** Addresses that the page made it ask for. */
  readonly asked: readonly string[];
}

const folder = mkdtempSync(path.join(tmpdir(), 'sightline-browser-'));

async function visit(url: string): Promise<Visit> {
  const netLog = path.join(folder, 'net.json');
  const { stdout, stderr } = await promisify(execFile)(
    CHROMIUM ?? '',
    [
      '--headless',
      // The sandbox needs rights that a container does not give; the pages are our own.
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--no-first-run',
      `--user-data-dir=${path.join(folder, 'profile')}`,
      '--enable-logging=stderr',
      '--log-level=0',
      `--log-net-log=${netLog}`,
      '--virtual-time-budget=4000',
      '--timeout=20000',
      '--dump-dom',
      url,
    ],
    { timeout: 60_000, maxBuffer: 16 * 1_048_576 },
  );
  const log = JSON.parse(readFileSync(netLog, 'utf8')) as {
    events: { params?: { url?: string; initiator?: string } }[];
  };
  const { origin } = new URL(url);
  const asked = log.events.flatMap(({ params }) => (params?.initiator === origin ? (params.url ?? []) : []));
  const isOfPolicy = (line: string): boolean =>
    line.includes(':CONSOLE') && /Content Security Policy|violates|Trusted/i.test(line);
  return { dom: stdout, violations: stderr.split('\n').filter(isOfPolicy), asked: [...new Set(asked)] };
}

inBrowser('pages in Chromium (WEB-2; skipped where there is none)', () => {
  let sightline: Sightline;
  let device: PictureDevice;
  let cameraId: string;
  let foreign: Server;
  let foreignPage = '';

  beforeAll(async () => {
    device = await startPictureDevice();
    sightline = await startSightline();
    const admin = clientOf(sightline.url, sightline.key);
    const network = { cidrs: ['127.0.0.0/8'], ports: [device.port] };
    await addAuthority(admin, 'tainan-wrb', { network, probing: { intervalS: 5, minIntervalS: 5 } });
    const services = [{ kind: 'snapshot' as const, url: `http://127.0.0.1:${device.port}/one.jpg` }];
    const name = '<script>alert(1)</script><img src=//evil.example/x onerror=alert(1)>';
    cameraId = (await addCamera(admin, registration({ localId: 'one', name, services, lifecycle: 'active' }))).id;
    const until = Date.now() + 40_000;
    while ((await fetch(thumbnail())).status !== 200 && Date.now() < until) await wait(200);
    foreign = createServer((_request, response) => response.setHeader('content-type', 'text/html').end(foreignPage));
    await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
  }, 90_000);
  afterAll(async () => {
    await sightline.close();
    await device.close();
    foreign.closeAllConnections();
    await new Promise((resolve) => foreign.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  const thumbnail = (): string => `${sightline.url}/v1/cameras/${cameraId}/thumbnail`;

  test.each(['/', '/wall', '/problems/not_found', '/docs'])(
    '%s breaks no policy of its own and asks nobody else',
    async (page) => {
      const { dom, violations, asked } = await visit(sightline.url + page);
      expect(violations).toEqual([]);
      expect(asked.filter((url) => !url.startsWith(`${sightline.url}/`))).toEqual([]);
      expect(dom).not.toContain('<script>alert');
      if (page === '/docs') return;
      expect(asked.some((url) => url.includes('/assets/page-'))).toBe(true);
      if (page.length < 6) expect(asked).toContain(`${thumbnail()}?width=320`);
    },
    90_000,
  );

  test('a page of another origin shows what is public, and what it has a link to, and nothing else (WEB-3, WEB-5)', async () => {
    const admin = clientOf(sightline.url, sightline.key);
    const restrict = await admin.PATCH('/v1/authorities/{slug}', {
      params: { path: { slug: 'tainan-wrb' }, header: { 'If-Match': '*' } },
      body: { accessFloor: 'restricted' } as never,
      headers: { 'content-type': 'application/merge-patch+json' },
    });
    expect(restrict.response.status).toBe(200);
    const made = await fetch(`${thumbnail()}/link`, {
      method: 'POST',
      headers: { authorization: `Bearer ${sightline.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ width: 320 }),
    });
    const { url } = (await made.json()) as { url: string };
    const image = (id: string, source: string): string => `<img id="${id}" src="${source.replaceAll('&', '&amp;')}">`;
    foreignPage = `<!DOCTYPE html>${image('linked', url)}${image('bare', thumbnail())}<p id="said"></p><script>
      onload = () => { said.textContent = ['linked', 'bare'].map((id) => id + ' ' + document.getElementById(id).naturalWidth).join(', '); };
    </script>`;
    const { port } = foreign.address() as AddressInfo;
    const { dom } = await visit(`http://127.0.0.1:${port}/`);
    expect(dom).toContain('linked 320, bare 0');
  }, 90_000);
});
