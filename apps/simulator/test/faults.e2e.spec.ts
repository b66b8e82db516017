import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { ServiceDocument, ServiceKind } from '#catalog';
import { DEFAULT_LIMITS, NonceCache, type ProbeResult } from '#probe';
import sharp from 'sharp';
import { type Fault, faultRow, FAULTS } from '../src/faults.js';
import { DEMO_ACCOUNT } from '../src/sign-in.js';
import { type RunningSimulator, start } from '../src/start.js';
import {
  call,
  cameraOf,
  framesOf,
  hear,
  type Heard,
  serviceOf as serviceOfStreet,
  snapshotOf,
  streamOf,
} from './hear.js';
import { Prober, QUICK } from './provoked.js';

describe('faults', () => {
  let street: RunningSimulator;
  beforeAll(async () => {
    street = await start({ port: 0 });
  });
  afterAll(() => street.close());
  const serviceOf = (authority: string, localId: string): ServiceDocument =>
    serviceOfStreet(street, authority, localId);
  const setFault = async (authority: string, localId: string, fault: Fault | null): Promise<void> => {
    const response = await call(street, { authority, localId, fault });
    expect([response.status, await response.json()]).toEqual([200, { authority, localId, fault }]);
  };

  const [slug, id] = ['demo-roads', 'A'];
  afterEach(() => setFault(slug, id, null));
  const shot = (fault: Fault, until?: (heard: Heard) => boolean, ms = 700): Promise<Heard> =>
    setFault(slug, id, fault).then(() => hear(snapshotOf(serviceOf(slug, id)), { ms, ...(until ? { until } : {}) }));
  const faultTest = (faults: readonly Fault[], what: string, run: () => Promise<void>): void =>
    test(`${faults.join(', ')}: ${what}`, run);

  faultTest(['refused'], 'nobody listens, and it comes back', async () => {
    expect((await shot('refused')).ended).toBe('refused');
    await setFault(slug, id, null);
    // The first picture of a camera takes its time: its town is to be built.
    expect((await hear(snapshotOf(serviceOf(slug, id)), { ms: 20_000 })).status).toBe(200);
  });
  faultTest(['reset', 'empty', 'silence'], 'no byte comes', async () => {
    for (const [fault, ended] of [
      ['reset', 'reset'],
      ['empty', 'end'],
      ['silence', 'no'],
    ] as const) {
      expect(await shot(fault)).toMatchObject({ status: 0, ended, body: Buffer.alloc(0) });
    }
  });
  faultTest(['busy', 'forbidden', 'not_found', 'bad_gateway', 'moved_away', 'unauthorized'], 'a status', async () => {
    const statuses = {
      busy: 503,
      forbidden: 403,
      not_found: 404,
      bad_gateway: 502,
      moved_away: 302,
      unauthorized: 401,
    };
    for (const [fault, status] of Object.entries(statuses)) expect((await shot(fault as Fault)).status).toBe(status);
    expect((await hear(new URL('/login.html', serviceOf(slug, id).url).href)).headers.get('content-type')).toEqual([
      'text/html',
    ]);
  });
  faultTest(['html', 'error_text', 'not_http'], 'no picture', async () => {
    expect((await shot('html')).body.toString()).toMatch(/^<!doctype html>/);
    expect((await shot('error_text')).body.toString()).toBe('<!-- Camera 1 not available. -->\n');
    expect((await shot('not_http')).body.toString()).toMatch(/^SSH-/);
  });
  faultTest(['no_frame', 'stalled', 'drip', 'cut', 'too_large'], 'a picture that never ends well', async () => {
    expect(await shot('no_frame')).toMatchObject({ status: 200, ended: 'no', body: Buffer.alloc(0) });
    for (const [fault, ended] of [
      ['stalled', 'no'],
      ['cut', 'end'],
    ] as const) {
      const heard = await shot(fault);
      expect([heard.status, heard.ended, framesOf(heard.body).length]).toEqual([200, ended, 0]);
      expect(heard.body.length).toBeLessThan(Number(heard.headers.get('content-length')?.[0]) * 0.6);
      expect(heard.body.length).toBeGreaterThan(5_000);
    }
    expect((await shot('drip')).body.length).toBeLessThan(4);
    const endless = await shot('too_large', ({ body }) => body.length > 2_000_000, 8_000);
    expect(endless.body.length).toBeGreaterThan(2_000_000);
  });
  faultTest(['damaged'], 'a whole frame, its lower part grey', async () => {
    const { body } = await shot('damaged');
    await expect(sharp(body, { failOn: 'warning' }).raw().toBuffer()).rejects.toThrow();
    const grey = await sharp(body, { failOn: 'none' }).greyscale().resize(160, 90).raw().toBuffer();
    expect(deviation(grey.subarray(160 * 80))).toBeLessThan(2);
  });
  faultTest(['slow'], 'right, after two seconds', async () => {
    const startedMs = Date.now();
    expect((await shot('slow', undefined, 5_000)).status).toBe(200);
    expect(Date.now() - startedMs).toBeGreaterThan(1_900);
  });

  const still = async (waitMs = 250): Promise<Buffer> => {
    const { body } = await hear(snapshotOf(serviceOf(slug, id)));
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    return body;
  };
  test('two pictures of a live camera differ', async () => {
    expect((await still()).equals(await still())).toBe(false);
  });
  faultTest(['frozen', 'stale', 'card'], 'the same bytes for ever, by both addresses', async () => {
    for (const fault of ['frozen', 'stale', 'card'] as const) {
      await setFault(slug, id, fault);
      const [first, second] = [await still(), await still()];
      expect(second.equals(first)).toBe(true);
      const heard = await hear(streamOf(serviceOf(slug, id)), { until: ({ body }) => framesOf(body).length > 1 });
      expect(framesOf(heard.body).map((frame) => frame.equals(first))).toEqual([true, true]);
    }
    const { headers } = await shot('stale');
    expect(Date.now() - Date.parse(headers.get('last-modified')?.[0] ?? '')).toBeGreaterThan(10_000_000);
  });
  faultTest(['frozen_clock', 'card_clock'], 'only the clock runs', async () => {
    for (const fault of ['frozen_clock', 'card_clock'] as const) {
      await setFault(slug, id, fault);
      const shots = [await still(1_050), await still()];
      expect(shots[1]!.equals(shots[0]!)).toBe(false);
      const [a, b] = await Promise.all(
        shots.map((jpeg) => sharp(jpeg).greyscale().resize(160, 90, { fit: 'fill' }).raw().toBuffer()),
      );
      const changed = new Set<number>();
      a!.forEach((value, i) => {
        if (Math.abs(value - b![i]!) > 6) changed.add(Math.floor(i / 1_600) * 16 + Math.floor((i % 160) / 10));
      });
      expect(changed.size).toBeGreaterThan(0);
      expect(changed.size).toBeLessThanOrEqual(6);
    }
  });
  faultTest(
    ['black', 'flat', 'covered', 'overexposed', 'dark', 'blurred', 'fog', 'moved', 'nudged'],
    'the picture shows it',
    async () => {
      const grey = async (fault: Fault): Promise<Buffer> =>
        sharp((await shot(fault, undefined, 5_000)).body)
          .greyscale()
          .resize(160, 90, { fit: 'fill' })
          .raw()
          .toBuffer();
      const live = await sharp(await still())
        .greyscale()
        .resize(160, 90, { fit: 'fill' })
        .raw()
        .toBuffer();
      expect(mean(await grey('black'))).toBeLessThan(16);
      expect(deviation(await grey('flat'))).toBeLessThan(2);
      expect(deviation(await grey('covered'))).toBeLessThan(5);
      const over = await grey('overexposed');
      expect(over.filter((value) => value > 245).length / over.length).toBeGreaterThan(0.6);
      expect(mean(await grey('dark'))).toBeLessThan(40);
      expect(deviation(inside(await grey('fog')))).toBeLessThan(deviation(inside(live)) * 0.6);
      expect(await sharpness(await grey('blurred'))).toBeLessThan((await sharpness(live)) * 0.5);
      const shift = async (fault: Fault): Promise<number> => {
        const other = await grey(fault);
        return live.reduce((sum, value, i) => sum + Math.abs(value - other[i]!), 0) / live.length;
      };
      expect(await shift('moved')).toBeGreaterThan(8);
      expect(await shift('nudged')).toBeGreaterThan(3);
    },
  );
  faultTest(['clock_skew', 'source_gone', 'unchanged', 'low_fps'], 'what the head and the pace say', async () => {
    const header = (heard: Heard, name: string): string => heard.headers.get(name)?.[0] ?? '';
    const skewMs = (heard: Heard): number => Date.parse(header(heard, 'date')) - Date.now();
    expect(Math.abs(skewMs(await hear(snapshotOf(serviceOf(slug, id)))))).toBeLessThan(5_000);
    expect(skewMs(await shot('clock_skew'))).toBeGreaterThan(3_500_000);
    expect(header(await shot('source_gone'), 'x-ustreamer-online')).toBe('false');
    expect((await shot('unchanged')).status).toBe(200);
    for (const condition of ['If-None-Match: "any"', 'If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT'])
      expect((await hear(snapshotOf(serviceOf(slug, id)), { headers: [condition], ms: 400 })).status).toBe(304);
    await setFault(slug, id, 'low_fps');
    expect(framesOf((await hear(streamOf(serviceOf(slug, id)), { ms: 1_500 })).body)).toHaveLength(1);
  });
});

describe('what a probe makes of each fault', () => {
  let street: RunningSimulator;
  let prober: Prober;
  beforeAll(async () => {
    street = await start({ port: 0, cameras: FAULTS.length });
    prober = await Prober.start();
  });
  afterAll(async () => {
    await Promise.all([street.close(), prober.close()]);
  });

  const OWN: Readonly<Record<string, ServiceKind>> = { mjpeg: 'mjpeg', snapshot: 'snapshot' };
  const set = async (camera: { authority: string; localId: string }, fault: Fault | null): Promise<void> => {
    expect((await call(street, { ...camera, fault })).status).toBe(200);
  };
  const told = ({ outcome, evidence }: ProbeResult): string => `${outcome} (${evidence.reason})`;

  /** A probe of these ends by its own deadlines, which tests shorten; all others may take their time. */
  const NEVER_ENDING = /timeout|stalled|^tls_silence|_parts not_a_picture/;

  /** Looks are drawn, which the pictures of load cameras are not. */
  const cameraFor = (fault: Fault, i: number): { authority: string; localId: string } =>
    faultRow(fault).behaviour.at === 'picture'
      ? { authority: 'demo-roads', localId: 'A' }
      : { authority: 'demo-load', localId: `L${String(i + 1).padStart(5, '0')}` };

  /** Every way in which the fault shows: a picture and a stream, over http and https. */
  async function walk(fault: Fault, i: number): Promise<void> {
    const { outcome = 'ok', over, tls, signIn, behaviour } = faultRow(fault);
    const camera = cameraFor(fault, i);
    const { services } = cameraOf(street, camera.authority, camera.localId);
    const asked = services.filter(({ kind }) => kind === OWN.mjpeg || behaviour.at !== 'wire');
    const limits = NEVER_ENDING.test(`${fault} ${outcome}`) ? QUICK : DEFAULT_LIMITS;
    const { pin } = (await prober.ask(services[0]!, { isSecure: true })).evidence;
    await set(camera, fault);
    for (const service of asked) {
      for (const isSecure of over === 'https' ? [true] : [false, true]) {
        const credentials = signIn === undefined ? null : DEMO_ACCOUNT;
        const how = tls === undefined ? { ...(pin === undefined ? {} : { pin }) } : { tls };
        const result = await prober.ask(service, { isSecure, limits, credentials, ...how });
        expect([fault, service.kind, isSecure, told(result)]).toEqual([
          fault,
          service.kind,
          isSecure,
          expect.stringMatching(`^${outcome} `),
        ]);
        expect([fault, result.evidence.auth]).toEqual([fault, signIn ?? result.evidence.auth]);
        if (signIn === undefined) continue;
        const without = await prober.ask(service, { isSecure, limits, credentials: null, ...how });
        expect([fault, without.outcome]).toEqual([fault, 'auth_failed']);
      }
    }
    await set(camera, null);
    expect([fault, (await prober.ask(services[0]!)).outcome]).toEqual([fault, 'ok']);
  }

  test('is what its row says, and nothing once it is over', async () => {
    const looks = FAULTS.filter((fault) => faultRow(fault).behaviour.at === 'picture');
    const walkLooks = async (): Promise<void> => {
      for (const fault of looks) await walk(fault, 0);
    };
    const others = FAULTS.filter((fault) => !looks.includes(fault));
    const left = others.map((fault, i) => [fault, i] as const);
    const worker = async (): Promise<void> => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) await walk(...next);
    };
    await Promise.all([walkLooks(), ...Array.from({ length: 6 }, worker)]);
  }, 180_000);

  test('CRED-6: old TLS and a short key are reached as legacy, a self-signed certificate not as strict', async () => {
    const camera = { authority: 'demo-load', localId: 'L00001' };
    const [service] = cameraOf(street, camera.authority, camera.localId).services;
    const own = await prober.ask(service!, { isSecure: true });
    expect([own.outcome, own.evidence.pin]).toEqual(['ok', expect.stringMatching(/^[\w+/]{43}=$/)]);
    const strict = await prober.ask(service!, { isSecure: true, tls: 'strict' });
    expect(told(strict)).toMatch(/^tls_error .*SELF_SIGNED/);
    for (const fault of ['tls_1_0', 'tls_1_1', 'weak_key'] as const) {
      await set(camera, fault);
      expect([fault, (await prober.ask(service!, { isSecure: true, tls: 'legacy' })).outcome]).toEqual([fault, 'ok']);
    }
    await set(camera, 'new_certificate');
    const changed = await prober.ask(service!, { isSecure: true, pin: own.evidence.pin ?? '' });
    expect(changed).toMatchObject({ outcome: 'tls_error', evidence: { certificateChanged: true } });
    await set(camera, null);
    expect((await prober.ask(service!, { isSecure: true, pin: own.evidence.pin ?? '' })).outcome).toBe('ok');
  });

  test('nonces: one-use ones cost a 401 each, others are used again', async () => {
    const camera = { authority: 'demo-load', localId: 'L00002' };
    const service = cameraOf(street, camera.authority, camera.localId).services[1]!;
    for (const fault of ['digest_md5', 'digest_one_use', 'digest_stale', 'digest_no_qop'] as const) {
      await set(camera, fault);
      const nonces = new NonceCache();
      for (let i = 0; i < 3; i += 1) {
        const result = await prober.ask(service, { credentials: DEMO_ACCOUNT, nonces });
        expect([fault, told(result)]).toEqual([fault, expect.stringMatching(/^ok /)]);
      }
      const wrong = await prober.ask(service, { credentials: { ...DEMO_ACCOUNT, password: 'wrong' } });
      expect([fault, told(wrong)]).toEqual([fault, expect.stringMatching(/^auth_failed .*refuses/)]);
    }
    await set(camera, null);
  });

  test('full: one viewer has a place, the next gets 503 or 401, and his place when he leaves', async () => {
    const camera = { authority: 'demo-load', localId: 'L00003' };
    const [service] = cameraOf(street, camera.authority, camera.localId).services;
    for (const [fault, outcome] of [
      ['full', 'busy'],
      ['full_unauthorized', 'auth_failed'],
    ] as const) {
      await set(camera, fault);
      const viewer = hear(streamOf(service!), { ms: 1_000 });
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect([fault, (await prober.ask(service!)).outcome]).toEqual([fault, outcome]);
      await viewer;
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect([fault, (await prober.ask(service!)).outcome]).toEqual([fault, 'ok']);
    }
    await set(camera, null);
  });

  test('a whole site fails at once, or everything; a timetable goes on by itself', async () => {
    const outcomes = (authority: string): Promise<string[]> =>
      Promise.all(
        street.cameras
          .filter((one) => one.authority === authority && one.services.length > 0)
          .map(async ({ services }) => (await prober.ask(services[0]!, { limits: DEFAULT_LIMITS })).outcome),
      );
    const answer = await call(street, { site: 'demo-park', fault: 'unanswered' });
    const park = street.cameras.filter((one) => one.authority === 'demo-park' && one.services.length > 0);
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { site: 'demo-park', fault: 'unanswered', cameras: park.length },
    ]);
    expect(new Set(await outcomes('demo-park'))).toEqual(new Set(['connect_timeout']));
    expect((await prober.ask(serviceOfStreet(street, 'demo-roads', 'A'))).outcome).toBe('ok');
    expect((await call(street, { site: 'demo-nowhere', fault: null })).status).toBe(404);
    const many = await call(street, { everything: true, fault: 'unanswered' });
    expect([many.status, await many.json()]).toEqual([400, { error: expect.stringMatching(/a thread a device/) }]);

    expect((await call(street, { everything: true, fault: 'refused' })).status).toBe(200);
    for (const authority of ['demo-park', 'demo-roads', 'demo-water'])
      expect([authority, new Set(await outcomes(authority))]).toEqual([authority, new Set(['refused'])]);
    expect((await call(street, { everything: true, fault: null })).status).toBe(200);

    const camera = { authority: 'demo-load', localId: 'L00004' };
    const service = cameraOf(street, camera.authority, camera.localId).services[1]!;
    const timetable = [
      { fault: 'refused', forS: 0.7 },
      { fault: 'busy', forS: 0.7 },
    ];
    expect((await call(street, { ...camera, timetable })).status).toBe(200);
    const seen: string[] = [];
    for (let i = 0; i < 40 && seen.at(-1) !== 'ok'; i += 1) {
      const { outcome } = await prober.ask(service);
      if (outcome !== seen.at(-1)) seen.push(outcome);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(seen).toEqual(['refused', 'busy', 'ok']);
  });
});

/** Without the burned-in lines. */
const inside = (grey: Uint8Array): Uint8Array => grey.subarray(160 * 8, 160 * 82);
const mean = (grey: Uint8Array): number => grey.reduce((sum, value) => sum + value, 0) / grey.length;
const deviation = (grey: Uint8Array): number => {
  const middle = mean(grey);
  return Math.sqrt(grey.reduce((sum, value) => sum + (value - middle) ** 2, 0) / grey.length);
};
/** Variance of the Laplacian over that of the picture. */
async function sharpness(grey: Buffer): Promise<number> {
  const kernel = { width: 3, height: 3, kernel: [0, 1, 0, 1, -4, 1, 0, 1, 0], scale: 1, offset: 128 };
  const edges = await sharp(grey, { raw: { width: 160, height: 90, channels: 1 } })
    .convolve(kernel)
    .raw()
    .toBuffer();
  return deviation(edges) ** 2 / deviation(grey) ** 2;
}
