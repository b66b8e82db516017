import { describe, expect, test } from '@jest/globals';
import type { KnownService, Outcome } from '#catalog';
import { type AskedPreset, presetInTurn } from './preset-turn.js';

const T0 = Date.parse('2026-11-27T12:00:00Z');
const MAIN: KnownService = { kind: 'mjpeg' };
const shows = (preset: string, more: Partial<KnownService> = {}): KnownService => ({
  kind: 'snapshot',
  shows: preset,
  ...more,
});
const rhythm = { id: 'one', intervalS: 60, minIntervalS: 10 };

const turn = (
  services: readonly KnownService[],
  known: Readonly<Record<string, Partial<AskedPreset> & { readonly agoS: number }>> = {},
  over: Partial<typeof rhythm> = {},
) =>
  presetInTurn(services, (kind) => kind !== 'rtsp', {
    known: new Map(
      Object.entries(known).map(([preset, { agoS, outcome = 'ok', failures = 0 }]) => [
        preset,
        { outcome, failures, checkedAt: T0 - agoS * 1000 },
      ]),
    ),
    rhythm: { ...rhythm, ...over },
    now: T0,
  });

describe('whose turn it is', () => {
  const three = [MAIN, shows('1'), shows('2'), shows('3')];

  test('the one that has waited longest; those that were never asked first, in their order', () => {
    expect(turn(three)).toMatchObject({ preset: '1', service: { index: 1, kind: 'snapshot' } });
    expect(turn(three, { 1: { agoS: 60 } })?.preset).toBe('2');
    expect(turn(three, { 1: { agoS: 180 }, 2: { agoS: 120 }, 3: { agoS: 60 } })?.preset).toBe('1');
    expect(turn(three, { 1: { agoS: 60 }, 2: { agoS: 180 }, 3: { agoS: 120 } })?.preset).toBe('2');
  });

  test('in rounds that follow each other each comes every third time', () => {
    const last = new Map<string, number>();
    const turns = Array.from({ length: 7 }, (_, round) => {
      const known = Object.fromEntries([...last].map(([preset, at]) => [preset, { agoS: (round - at) * 60 }]));
      const { preset } = turn(three, known) ?? { preset: 'none' };
      last.set(preset, round);
      return preset;
    });
    expect(turns).toEqual(['1', '2', '3', '1', '2', '3', '1']);
  });

  test('none of no presets, nor one that cannot be probed', () => {
    expect(turn([MAIN, { kind: 'snapshot' }])).toBeNull();
    expect(turn([MAIN, shows('1', { kind: 'rtsp' })])).toBeNull();
  });

  test('not the one that is the main view of a camera of presets alone', () => {
    expect(turn([shows('1'), shows('2'), shows('1')])).toMatchObject({ preset: '2', service: { index: 1 } });
    expect(turn([shows('1'), shows('1')])).toBeNull();
  });
});

describe('how often', () => {
  const one = [MAIN, shows('1')];
  const isDue = (
    agoS: number,
    memory: Partial<AskedPreset> = {},
    over: Partial<typeof rhythm> = {},
    of: readonly KnownService[] = one,
  ): boolean => turn(of, { 1: { agoS, ...memory } }, over) !== null;

  test('once a round, and not when the main view is asked out of turn', () => {
    expect([isDue(54), isDue(50), isDue(10)]).toEqual([true, false, false]);
  });

  test('never sooner than the authority allows, nor than half its own period', () => {
    expect([
      isDue(14, {}, { intervalS: 15, minIntervalS: 15 }),
      isDue(15, {}, { intervalS: 15, minIntervalS: 15 }),
    ]).toEqual([false, true]);
    const slow = [MAIN, shows('1', { refreshS: 600 })];
    expect([isDue(260, {}, {}, slow), isDue(280, {}, {}, slow)]).toEqual([false, true]);
    expect(turn(slow)?.staleAfterS).toBe(900);
  });

  test.each<[Outcome, number, number]>([
    ['refused', 1, 108],
    ['connect_timeout', 3, 432],
    ['not_found', 20, 540],
    ['auth_failed', 1, 900],
    ['auth_failed', 3, 3_600],
    ['forbidden', 12, 21_600],
    // Configured anew since.
    ['auth_failed', 0, 54],
  ])('after %s for the %dth time in %d s', (outcome, failures, waitS) => {
    expect([isDue(waitS - 1, { outcome, failures }), isDue(waitS, { outcome, failures })]).toEqual([false, true]);
  });

  test('another service of the same preset is tried after a failure', () => {
    const two = [MAIN, shows('1'), shows('1')];
    expect([0, 1, 2].map((failures) => turn(two, { 1: { agoS: 99_999, failures } })?.service.index)).toEqual([1, 2, 1]);
  });

  test('its picture is current for three of its rounds, at least two minutes', () => {
    expect(turn([MAIN, shows('1'), shows('2'), shows('3')])?.staleAfterS).toBe(540);
    expect(turn(one, {}, { intervalS: 10 })?.staleAfterS).toBe(120);
  });
});
