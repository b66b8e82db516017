import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { runProgram, type Sightline, startSightline } from '#testing';

/** More than fit one page of a list, and enough for a run to be met under way. */
const ROWS = 1_100;
/** Each has one view; the one that turns has two. */
const VIEWS = ROWS + 1;

let sightline: Sightline;
const folder = mkdtempSync(path.join(tmpdir(), 'sightline-geometry-'));

const view = { azimuthDeg: 90, tiltDeg: -10, hfovDeg: 60, farM: 100, imageWidthPx: 1_920, imageHeightPx: 1_080 };
const registration = (i: number): object => ({
  authority: 'tainan-wrb',
  localId: `C${i}`,
  name: i === 0 ? 'Turning <head> & neck' : `Camera ${i}`,
  location: { type: 'Point', coordinates: [120.295 + (i % 40) / 4_000, 23.079 + Math.floor(i / 40) / 4_000] },
  heightM: 6,
  services: [],
  lifecycle: 'planned',
  view,
  ...(i === 0 ? { mobility: 'ptz', ptz: { tiltMinDeg: -60, tiltMaxDeg: 0, hfovWideDeg: 60 } } : {}),
  ...(i === 1 ? { access: { level: 'agency' } } : {}),
});

async function ask(method: string, address: string, body?: string): Promise<Record<string, unknown>> {
  const type = address.startsWith('/v1/imports') ? 'application/octet-stream' : 'application/json';
  const response = await fetch(`${sightline.url}${address}`, {
    method,
    headers: { authorization: `Bearer ${sightline.key}`, 'content-type': type },
    ...(body === undefined ? {} : { body }),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  if (response.status >= 400) throw new Error(JSON.stringify(answer));
  return answer;
}

beforeAll(async () => {
  sightline = await startSightline();
  await ask('POST', '/v1/authorities', JSON.stringify({ slug: 'tainan-wrb', name: 'WRB', network: { cidrs: [] } }));
  const rows = Array.from({ length: ROWS }, (_, i) => JSON.stringify(registration(i))).join('\n');
  const { totals } = await ask('POST', '/v1/imports?authority=tainan-wrb', rows);
  expect(totals).toMatchObject({ created: ROWS });
}, 120_000);
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await sightline.close();
});

/** Runs a subcommand against the server. */
async function command(
  args: readonly string[],
  { key = sightline.key, url = sightline.url }: { key?: string | null; url?: string } = {},
): Promise<{ code: number | string; out: string; errors: string }> {
  const env = { SIGHTLINE_URL: url, ...(key === null ? {} : { SIGHTLINE_KEY: key }) };
  const program = runProgram({ args: ['geometry', ...args], env });
  const code = await program.ended;
  return { code, out: program.stdout(), errors: program.stderr() };
}

const rebuildOf = async (): Promise<{ startedAt: string; running: boolean; done: number; which: string }> =>
  (await ask('GET', '/v1/geometry')).rebuild as never;

describe('sightline geometry rebuild', () => {
  test('works out what waits, which is nothing; with --all every view', async () => {
    const none = await command(['rebuild']);
    expect(none).toEqual({
      code: 0,
      out: expect.stringMatching(/^Worked out 0 views in [\d.]+ s; none waits\.\n$/),
      errors: '',
    });
    const before = await rebuildOf();
    const all = await command(['rebuild', '--all']);
    expect([all.code, all.errors]).toEqual([0, '']);
    expect(all.out).toMatch(new RegExp(`^Worked out ${VIEWS} views in [\\d.]+ s; none waits\\.\\n$`));
    const after = await rebuildOf();
    expect(after).toMatchObject({ which: 'all', running: false, done: VIEWS });
    expect(after.startedAt > before.startedAt).toBe(true);
  }, 60_000);

  test('a run under way is followed to its end, whatever was asked for', async () => {
    // Runs of all views follow one another while the command starts: it asks for what waits, which is nothing, and meets one of them.
    const followed = async (startS: number): Promise<number> => {
      const until = Date.now() + startS * 1_000;
      const keepRunning = async (): Promise<void> => {
        while (Date.now() < until) await ask('POST', '/v1/geometry/rebuild?which=all');
      };
      const [{ out }] = await Promise.all([command(['rebuild']), keepRunning()]);
      return Number(/^Worked out (\d+) views/.exec(out)?.[1]);
    };
    // A slow machine starts it later; and it may fall between two runs.
    let views = 0;
    for (const startS of [1.5, 3, 6]) if (views === 0) views = await followed(startS);
    expect(views).toBeGreaterThanOrEqual(VIEWS);
    expect(await command(['rebuild'])).toMatchObject({ code: 0 });
  }, 60_000);

  test('says why not: no key, a key that may not, nobody there', async () => {
    const minted = await ask(
      'POST',
      '/v1/keys',
      JSON.stringify({ name: 'reader', scopes: ['cameras:read'], authorities: 'all' }),
    );
    for (const [given, words] of [
      [{ key: null }, 'platform administrator'],
      [{ key: String(minted.key) }, 'forbidden'],
      [{ url: 'http://127.0.0.1:9' }, 'no Sightline answers'],
    ] as const) {
      const { code, out, errors } = await command(['rebuild'], given);
      expect([code, out]).toEqual([1, '']);
      expect(errors).toContain(words);
      expect(errors).not.toContain('    at ');
    }
  }, 60_000);
});

describe('sightline geometry map', () => {
  const file = path.join(folder, 'map.svg');
  const map = (args: readonly string[], key: string | null = sightline.key) =>
    command(['map', '-o', file, ...args], { key });

  test('draws every page of the cameras around a place, and what turning ones reach', async () => {
    const { code, out, errors } = await map(['--near', '120.3,23.082', '--radius', '5000']);
    expect([code, errors]).toEqual([0, '']);
    expect(out).toMatch(
      /^Drew 1100 cameras, the ground of 1100 of them: \S+map\.svg\. For \d+ names there was no room/,
    );
    const svg = readFileSync(file, 'utf8');
    expect(svg.match(/class="ground none"[^>]*><title>/g)).toHaveLength(ROWS);
    expect(svg.match(/class="reach none"[^>]*><title>Turning &lt;head&gt; &amp; neck/g)).toHaveLength(1);
    expect((await sharp(Buffer.from(svg)).metadata()).format).toBe('svg');
  }, 60_000);

  test('shows a stranger the public cameras only; by default around the simulated flood', async () => {
    expect((await map([])).out).toMatch(/^Drew \d+ cameras/);
    expect(readFileSync(file, 'utf8')).toContain('<title>Camera 1 (tainan-wrb)');
    expect((await map([], null)).out).toMatch(/^Drew \d+ cameras/);
    const svg = readFileSync(file, 'utf8');
    expect(svg).not.toContain('<title>Camera 1 (tainan-wrb)');
    expect(svg).toContain('<title>Camera 2 (tainan-wrb)');
    expect(svg).toContain('within 1,500 m of');
  }, 60_000);

  test('says what is wrong: a place, a radius, nothing there, a file that cannot be', async () => {
    for (const [args, words] of [
      [['--near', '23.079,120.295'], '--near: expected lon,lat'],
      [['--radius', '0'], '--radius: '],
      [['--radius', 'far'], 'expected a whole number'],
      [['--near', '0,0'], 'No camera that you may know stands within 1500 m of 0,0.'],
      [['-o', path.join(folder, 'none', 'map.svg')], 'cannot be written (ENOENT)'],
    ] as const) {
      const { code, out, errors } = await map(args);
      expect([args, code, out]).toEqual([args, 1, '']);
      expect(errors).toContain(words);
    }
  }, 60_000);
});
