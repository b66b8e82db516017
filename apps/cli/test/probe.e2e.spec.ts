import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Outcome } from '#catalog';
import { NEXT_STEPS, OUTCOME_MEANINGS } from '#health';
import { runProgram } from '#testing';
import type { Fault } from '../../simulator/src/faults.js';
import { type RunningSimulator, start } from '../../simulator/src/start.js';

/** What brings each outcome about: a fault of a simulated camera, or a URL that no camera is needed for. */
const CAUSES: Readonly<
  Record<Outcome, { readonly fault: Fault | null; readonly isSecure?: true } | { readonly url: string }>
> = {
  ok: { fault: null },
  busy: { fault: 'busy' },
  auth_failed: { fault: 'unauthorized' },
  forbidden: { fault: 'forbidden' },
  not_found: { fault: 'not_found' },
  moved: { fault: 'moved_away' },
  not_a_picture: { fault: 'html' },
  bad_picture: { fault: 'damaged' },
  connect_timeout: { fault: 'unanswered' },
  tls_error: { fault: 'no_tls', isSecure: true },
  first_byte_timeout: { fault: 'silence' },
  first_frame_timeout: { fault: 'no_frame' },
  stalled: { fault: 'stalled' },
  refused: { fault: 'refused' },
  unreachable: { fault: 'bad_gateway' },
  dns_error: { url: 'http://no-such-camera.invalid/video.mjpg' },
  reset: { fault: 'reset' },
  empty_reply: { fault: 'empty' },
  protocol_error: { fault: 'not_http' },
  too_large: { fault: 'too_large' },
  target_not_allowed: { url: 'http://169.254.169.254/latest' },
  prober_internal: { url: 'rtsp://127.0.0.1/stream' },
};

describe('sightline probe', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sightline-probe-'));
  let street: RunningSimulator;
  beforeAll(async () => {
    street = await start({ port: 0, cameras: Object.keys(CAUSES).length });
  });
  afterAll(async () => {
    await street.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const urlOf = (i: number, kind = 'snapshot'): string => {
    const camera = street.cameras.find(({ localId }) => localId === `L${String(i + 1).padStart(5, '0')}`);
    return camera?.services.find((one) => one.kind === kind)?.url ?? '';
  };
  const suffer = async (i: number, fault: Fault | null): Promise<void> => {
    const localId = `L${String(i + 1).padStart(5, '0')}`;
    const response = await fetch(`${street.url}control`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ authority: 'demo-load', localId, fault }),
    });
    expect(response.status).toBe(200);
  };
  interface Said {
    readonly code: number | string;
    readonly out: string;
    readonly errors: string;
  }
  const run = async (args: readonly string[], input?: string): Promise<Said> => {
    const options = input === undefined ? {} : { input };
    const program = runProgram({ args: ['probe', '-o', path.join(folder, 'frame.jpg'), ...args], ...options });
    const code = await program.ended;
    return { code, out: program.stdout(), errors: program.stderr() };
  };

  const causes = Object.entries(CAUSES) as [Outcome, (typeof CAUSES)[Outcome]][];
  const explained = new Map<Outcome, Said>();

  /** Each program takes a second to start, and some cameras take ten to fail, in which nothing else need wait. */
  beforeAll(async () => {
    const explain = async (i: number, [outcome, cause]: (typeof causes)[number]): Promise<void> => {
      if ('fault' in cause) await suffer(i, cause.fault);
      const isSecure = 'fault' in cause && cause.isSecure === true;
      const url = 'url' in cause ? cause.url : urlOf(i).replace('http:', isSecure ? 'https:' : 'http:');
      explained.set(outcome, await run(['--user', 'viewer:kept-to-us', url]));
    };
    const isSlow = ([outcome]: (typeof causes)[number]): boolean => /timeout|stalled/.test(outcome);
    const slow = causes.map((cause, i) => (isSlow(cause) ? explain(i, cause) : undefined));
    const left = [...causes.entries()].filter(([, cause]) => !isSlow(cause));
    const explainLeft = async (): Promise<void> => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) await explain(...next);
    };
    await Promise.all([...slow, explainLeft(), explainLeft()]);
  }, 180_000);

  test.each(causes.map(([outcome]) => outcome))('explains %s, and says what to do', (outcome) => {
    const { code, out, errors } = explained.get(outcome) ?? { code: 'not run', out: '', errors: '' };
    expect([code, errors]).toEqual([outcome === 'ok' ? 0 : 2, '']);
    expect(out).toMatch(new RegExp(`^ {2}outcome +${outcome}: .{5}`, 'm'));
    for (const words of [OUTCOME_MEANINGS[outcome], NEXT_STEPS[outcome]]) expect(out).toContain(` ${words}\n`);
    expect(out).not.toContain('kept-to-us');
  });

  test('the same as JSON', async () => {
    const { code, out } = await run(['--json', '--kind', 'mjpeg', urlOf(0, 'mjpeg')]);
    expect([code, JSON.parse(out)]).toMatchObject([
      0,
      {
        outcome: 'ok',
        means: OUTCOME_MEANINGS.ok,
        nextStep: NEXT_STEPS.ok,
        service: 'mjpeg',
        frame: { widthPx: 320, heightPx: 180 },
        looks: [],
        evidence: { status: 200, contentType: 'multipart/x-mixed-replace' },
        saved: path.join(folder, 'frame.jpg'),
      },
    ]);
    expect(readFileSync(path.join(folder, 'frame.jpg')).subarray(0, 2)).toEqual(Buffer.of(0xff, 0xd8));
  });

  test('a password comes by standard input, and is in no list of processes; without one, what to give is said', async () => {
    await suffer(1, 'digest_sha256');
    const url = urlOf(1);
    const right = await run(['--user', 'viewer', url], 'sluice-gate-497\n');
    expect([right.code, right.out]).toEqual([0, expect.stringMatching(/signed in by +digest/)]);
    const wrong = await run(['--user', 'viewer', url], 'another\n');
    expect([wrong.code, wrong.out]).toEqual([2, expect.stringContaining(NEXT_STEPS.auth_failed)]);
    const without = await run([url]);
    expect([without.code, without.out]).toEqual([2, expect.stringMatching(/next step +give a user name .*--user/)]);
    expect(await run(['--user', 'viewer', url])).toMatchObject({ code: 1, errors: 'no password came\n' });
    for (const { out, errors } of [right, wrong]) expect(out + errors).not.toMatch(/sluice-gate-497|another\n/);
  });

  test('CRED-6: another certificate than before is said to be one', async () => {
    const url = urlOf(2).replace('http:', 'https:');
    await suffer(2, null);
    const [, key = ''] = /key \(SHA-256\) +(\S+)/.exec((await run([url])).out) ?? [];
    expect((await run(['--pin', key, url])).code).toBe(0);
    await suffer(2, 'new_certificate');
    const changed = await run(['--pin', key, url]);
    expect([changed.code, changed.out]).toEqual([
      2,
      expect.stringMatching(/next step +if the camera was replaced or reset/),
    ]);
    const strict = await run(['--tls', 'strict', url]);
    expect([strict.code, strict.out]).toEqual([2, expect.stringMatching(/tls_error: .*SELF_SIGNED/)]);
  });

  test('what one picture shows to be wrong is told', async () => {
    await suffer(3, 'source_gone');
    const { code, out } = await run([urlOf(3)]);
    expect([code, out]).toEqual([0, expect.stringMatching(/looks like +placeholder: .*lost its camera/)]);
    expect(out).toMatch(/next step +look at the picture/);
    await suffer(3, 'clock_skew');
    expect((await run([urlOf(3)])).out).toMatch(/looks like +clock_skew: .*ahead/);
    await suffer(3, null);
  });

  test('CRED-7: what cannot be asked is said in one sentence; secrets of the URL are not told', async () => {
    for (const [url, words] of [
      ['ftp://127.0.0.1/', /^this URL cannot be probed: [^\n]+\n$/],
      ['camera', /^this URL cannot be probed: [^\n]+\n$/],
      ['', /^this URL cannot be probed: [^\n]+\n$/],
      ['http://viewer:hidden@127.0.0.1:99999/', /^this URL cannot be probed: (?!.*hidden)[^\n]+\n$/],
    ] as const) {
      expect([url, await run([url])]).toEqual([url, { code: 1, out: '', errors: expect.stringMatching(words) }]);
    }
    expect((await run(['--tls', 'loose', urlOf(0)])).errors).toMatch(/strict, pinned, legacy/);
    await suffer(4, 'forbidden');
    const { hostname, port, pathname } = new URL(urlOf(4));
    const told = await run([`http://admin:hidden-one@${hostname}:${port}${pathname}?pwd=hidden-two`]);
    expect([told.code, /hidden/.test(told.out + told.errors)]).toEqual([2, false]);
    await suffer(4, null);
    rmSync(path.join(folder, 'frame.jpg'), { force: true });
    await run(['http://127.0.0.1:1/']);
    expect(existsSync(path.join(folder, 'frame.jpg'))).toBe(false);
  });
});
