import { describe, expect, test } from '@jest/globals';
import { FLAGS, type KnownService } from '#catalog';
import { backOffS, nextRoundS, retryS, type Rhythm, roundS, staleAfterS } from './due.js';
import { FIRST_PICTURE } from './picture-state.js';
import { agreementOf, shownOf } from './shown.js';
import { FIRST_STATE, type HealthState } from './state.js';
import { primaryOf, whomToAsk } from './whom-to-ask.js';

const T0 = Date.UTC(2026, 0, 1);
const RHYTHM: Rhythm = { id: 'a', intervalS: 60, minIntervalS: 10 };

describe('when', () => {
  test('rounds keep to the phase of the id, ± 5 % of the interval, and skip what was missed', () => {
    for (let i = 0; i < 500; i += 1) {
      const rhythm = { ...RHYTHM, id: `camera ${i}` };
      const middle = T0 + nextRoundS(rhythm, T0, 0.5) * 1000;
      for (const random of [0, 0.5, 0.999]) {
        const dueAt = T0 + nextRoundS(rhythm, T0, random) * 1000;
        expect(Math.abs(dueAt - middle)).toBeLessThanOrEqual(3_000);
        expect(dueAt).toBeGreaterThan(T0);
        expect(dueAt).toBeLessThanOrEqual(T0 + 69_000);
        const next = dueAt + nextRoundS(rhythm, dueAt, 0.5) * 1000;
        expect(next).toBeCloseTo(middle + 60_000, 0);
      }
      const muchLater = T0 + 1_000_000_000;
      const offPhase = (muchLater + nextRoundS(rhythm, muchLater, 0.5) * 1000 - middle) / 60_000;
      expect(offPhase).toBeCloseTo(Math.round(offPhase), 6);
    }
  });

  test('ids spread evenly over the interval', () => {
    const perTenth = Array.from({ length: 10 }, () => 0);
    for (let i = 0; i < 10_000; i += 1) {
      const id = `019ac8f2-6d1b-7a55-9d0e-${(i * 7919).toString(16).padStart(12, '0')}`;
      const phaseS = (((T0 / 1000 + nextRoundS({ ...RHYTHM, id }, T0, 0.5)) % 60) + 60) % 60;
      perTenth[Math.floor(phaseS / 6)] = (perTenth[Math.floor(phaseS / 6)] ?? 0) + 1;
    }
    for (const count of perTenth) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });

  test('a slow service is asked at half its period, at most every 10 min', () => {
    expect(roundS({ ...RHYTHM, refreshS: 70 })).toBe(60);
    expect(roundS({ ...RHYTHM, refreshS: 300 })).toBe(150);
    expect(roundS({ ...RHYTHM, refreshS: 86_400 })).toBe(600);
    expect(roundS({ ...RHYTHM, intervalS: 3_600, refreshS: 7_300 })).toBe(3_600);
    expect(staleAfterS({ ...RHYTHM, intervalS: 10 })).toBe(120);
    expect(staleAfterS(RHYTHM)).toBe(180);
  });

  test('back-off never exceeds the longer of its cap and the interval', () => {
    expect(backOffS(RHYTHM, 30, 0, 0.999)).toBeLessThanOrEqual(600);
    expect(backOffS({ ...RHYTHM, intervalS: 3_600 }, 3, 0, 0)).toBe(1_800);
    expect(backOffS(RHYTHM, 0, 0, 0)).toBe(30);
    expect(retryS({ ...RHYTHM, intervalS: 12 }, 2, 0)).toBeNull();
  });
});

describe('whom', () => {
  const services: readonly KnownService[] = [
    { kind: 'rtsp', shows: 'preset-2' },
    { kind: 'mjpeg' },
    { kind: 'snapshot', shows: 'main' },
    { kind: 'hls' },
  ];
  const indices = (state: Partial<HealthState>, of = services): number[] =>
    whomToAsk({ ...FIRST_STATE, ...state }, of, () => true).map(({ index }) => index);

  test('the first that shows the main view; retries go on in order', () => {
    expect(primaryOf(services, () => true)).toBe(1);
    // A kind that nobody can ask yet stands aside, unless there is no other.
    expect(primaryOf(services, (kind) => kind === 'hls')).toBe(3);
    expect(primaryOf(services, () => false)).toBe(1);
    expect(indices({})).toEqual([1]);
    expect([1, 2, 3, 4].map((attempt) => indices({ standing: 'suspect', attempt })[0])).toEqual([2, 3, 1, 2]);
    expect([0, 1, 2, 3].map((backOff) => indices({ standing: 'offline', backOff })[0])).toEqual([1, 2, 3, 1]);
    expect(indices({ standing: 'recovering', service: { index: 3, kind: 'hls' } })).toEqual([3]);
  });

  test('while another stands in, the first is asked before it', () => {
    const service = { index: 2, kind: 'snapshot' } as const;
    expect(indices({ standing: 'online', conditions: ['primary_failing'], service })).toEqual([1, 2]);
    expect(indices({ standing: 'online', conditions: [], service })).toEqual([1]);
  });

  test('a camera of presets alone is asked for the first of them', () => {
    const presets: readonly KnownService[] = [
      { kind: 'mjpeg', shows: 'p1' },
      { kind: 'mjpeg', shows: 'p2' },
      { kind: 'snapshot', shows: 'p1' },
    ];
    expect(indices({}, presets)).toEqual([0]);
    // Another preset is another view: it never stands in.
    expect([1, 2, 3].map((attempt) => indices({ standing: 'suspect', attempt }, presets)[0])).toEqual([2, 0, 2]);
    expect(indices({ standing: 'recovering', service: { index: 7, kind: 'hls' } })).toEqual([1]);
  });
});

describe('shown', () => {
  test('the members of the health document', () => {
    const state: HealthState = {
      ...FIRST_STATE,
      status: 'degraded',
      standing: 'online',
      since: T0,
      lastOkAt: T0 + 1_000,
      outcome: 'ok',
      service: { index: 0, kind: 'mjpeg' },
      picture: {
        ...FIRST_PICTURE,
        flags: {
          frozen: {
            state: 'fault',
            since: T0,
            good: 0,
            bad: 0,
            badSince: null,
            measured: { samples: 9, sameS: 540, limitS: 180 },
          },
        },
      },
    };
    const { flags, ...shown } = shownOf(state, { status: 'ok' }, T0);
    expect(shown).toEqual({
      since: '2026-01-01T00:00:00.000Z',
      lastOutcome: 'ok',
      reason: 'the picture has not changed for 9 minutes',
      lastOkAt: '2026-01-01T00:00:01.000Z',
      flapping: false,
      agreement: 'declared_ok_measured_bad',
      conditions: [],
      service: { index: 0, kind: 'mjpeg' },
    });
    expect(flags.map(({ flag }) => flag)).toEqual(FLAGS);
    expect(flags.find(({ flag }) => flag === 'frozen')).toEqual({
      flag: 'frozen',
      state: 'fault',
      since: '2026-01-01T00:00:00.000Z',
      evidence: {
        says: 'the picture has not changed for 9 minutes',
        measured: { samples: 9, sameS: 540, limitS: 180 },
        threshold: { difference: 0.255, changingCells: 6, periods: 3, leastS: 120 },
      },
    });
    // What has not been judged is said to be so, and never fine.
    expect(flags.find(({ flag }) => flag === 'dark')).toEqual({
      flag: 'dark',
      state: 'not_checkable',
      since: '2026-01-01T00:00:00.000Z',
      evidence: { says: 'it has not been judged yet' },
    });
  });

  test.each([
    ['online', 'ok', undefined, 'agree'],
    ['offline', 'ok', undefined, 'declared_ok_measured_bad'],
    ['online', 'device_fault', undefined, 'declared_bad_measured_ok'],
    ['offline', 'comms_fault', undefined, 'agree'],
    ['online', 'fault_doubt', undefined, 'unknown'],
    ['suspect', 'ok', undefined, 'unknown'],
    ['offline', 'ok', '2025-12-30T00:00:00Z', 'unknown'],
    ['offline', 'ok', '2025-12-31T12:00:00Z', 'declared_ok_measured_bad'],
  ] as const)('%s where the owner says %s (%s): %s', (status, declared, at, agreement) => {
    expect(agreementOf(status, { status: declared, ...(at === undefined ? {} : { at }) }, T0)).toBe(agreement);
  });
});
