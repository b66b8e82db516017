import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { COUNTED_AS, OUTCOMES, STATUSES } from '#catalog';
import { countedAs } from './counted-as.js';
import { type CountedProbe, EMPTY_TALLY, merged, quantileMs, tallyOf } from './tally.js';

const probe = fc.record<CountedProbe>({
  countedAs: fc.constantFrom(...COUNTED_AS),
  firstFrameMs: fc.option(fc.integer({ min: 0, max: 20_000 })),
});
const probes = fc.array(probe, { maxLength: 60 });

describe('a tally', () => {
  test('of the whole is that of its parts together, in any order', () => {
    fc.assert(
      fc.property(probes, probes, (some, others) => {
        const whole = tallyOf([...some, ...others]);
        expect(merged(tallyOf(some), tallyOf(others))).toEqual(whole);
        expect(merged(tallyOf(others), tallyOf(some))).toEqual(whole);
        expect(merged(whole, EMPTY_TALLY)).toEqual(whole);
      }),
    );
  });

  test('counts every probe once', () => {
    fc.assert(
      fc.property(probes, (some) => {
        const { counts, latency } = tallyOf(some);
        expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(some.length);
        expect(latency.bins.slice(1).reduce((sum, count) => sum + count, 0)).toBe(latency.count);
      }),
    );
  });

  test('knows its quantiles to within 4.4 %', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 200 }), (latencies) => {
        const { latency } = tallyOf(latencies.map((firstFrameMs) => ({ countedAs: 'ok', firstFrameMs })));
        const sorted = [...latencies].sort((a, b) => a - b);
        const exact = sorted[Math.ceil(0.95 * sorted.length) - 1] as number;
        const told = quantileMs(latency, 0.95) as number;
        // Half a millisecond of rounding.
        expect(Math.abs(told - exact)).toBeLessThanOrEqual(exact * (2 ** (1 / 16) - 1) + 0.5);
      }),
    );
    expect(quantileMs(EMPTY_TALLY.latency, 0.95)).toBeNull();
  });

  test.each([
    ['one is itself', [100], 100],
    ['many alike are the middle of their bin, whatever the last one is', [...Array<number>(99).fill(50), 3_000], 52],
    ['none of them took any time', [0, 0, 0], 0],
  ])('%s', (_what, latencies, p95) => {
    const { latency } = tallyOf(latencies.map((firstFrameMs) => ({ countedAs: 'ok', firstFrameMs })));
    expect(quantileMs(latency, 0.95)).toBe(p95);
  });
});

describe('as what a probe counts', () => {
  test.each([
    ['ok', 'online', 'ok'],
    ['ok', 'recovering', 'ok'],
    ['ok', 'degraded', 'degraded'],
    ['ok', 'maintenance', 'maintenance'],
    ['refused', 'offline', 'fail'],
    ['refused', 'maintenance', 'maintenance'],
    ['refused', 'unreachable', 'unreachable'],
    ['auth_failed', 'auth_failed', 'fail'],
    ['busy', 'busy', 'busy'],
    ['target_not_allowed', 'unknown', 'unknown'],
    ['prober_internal', 'online', 'unknown'],
  ] as const)('%s of a camera that is %s: %s', (outcome, status, expected) => {
    expect(countedAs(outcome, status)).toBe(expected);
  });

  test('any outcome counts as something', () => {
    for (const outcome of OUTCOMES)
      for (const status of STATUSES) expect(COUNTED_AS).toContain(countedAs(outcome, status));
  });
});
