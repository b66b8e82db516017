import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { ServiceDocument } from '#catalog';
import sharp from 'sharp';
import { type Fault, FAULTS } from '../src/faults.js';
import { type RunningSimulator, start } from '../src/start.js';
import { call, framesOf, hear, type Heard, serviceOf as serviceOfStreet, snapshotOf, streamOf } from './hear.js';

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
  const tested = new Set<Fault>(['flapping']); // by its time table in street.spec.ts
  const faultTest = (faults: readonly Fault[], what: string, run: () => Promise<void>): void => {
    for (const fault of faults) tested.add(fault);
    test(`${faults.join(', ')}: ${what}`, run);
  };

  faultTest(['refused'], 'nobody listens, and it comes back', async () => {
    expect((await shot('refused')).ended).toBe('refused');
    await setFault(slug, id, null);
    expect((await hear(snapshotOf(serviceOf(slug, id)))).status).toBe(200);
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
  test('no fault is untested', () => {
    expect([...FAULTS].filter((fault) => !tested.has(fault))).toEqual([]);
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
