import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LIFECYCLES, type Lifecycle, type Status, STATUSES } from '#catalog';
import { type Move, type Recorded, type Span, statusSpans, turnsOf } from './timeline.js';
import { availability } from './uptime.js';

const T0 = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;
const NOW = T0 + 24 * HOUR;
const hour = (hours: number): number => T0 + hours * HOUR;

/** Changes given as hour and status, each from what the one before led to. */
function movesOf(first: Status, ...changes: readonly (readonly [hours: number, to: Status])[]): Move[] {
  return changes.map(([hours, to], i) => ({
    at: hour(hours),
    from: changes[i - 1]?.[1] ?? first,
    to,
    outcome: null,
    reason: `${to} since ${hours}`,
  }));
}

function recorded(moves: readonly Move[], parts: Partial<Recorded> = {}): Recorded {
  const wishes = [{ at: T0 - 1, lifecycle: 'active', maintenanceUntil: null }] as const;
  return { moves, wishes, absences: [], current: moves.at(-1)?.to ?? 'online', watchedUntil: NOW, now: NOW, ...parts };
}

const over = (past: Recorded, from = T0, to = NOW) => availability(statusSpans(past, T0), from, to);
const statuses = (past: Recorded, since = T0) =>
  statusSpans(past, since).map(({ from, to, status }) => [status, (from - T0) / HOUR, (to - T0) / HOUR]);

describe('availability', () => {
  test.each<[string, Recorded, up: number | null, good: number | null, measuredH: number]>([
    ['nothing changed', recorded([]), 1, 1, 24],
    ['offline for six hours', recorded(movesOf('online', [6, 'offline'], [12, 'online'])), 0.75, 0.75, 24],
    ['degraded is up and not good', recorded(movesOf('online', [18, 'degraded'])), 1, 0.75, 24],
    ['busy and refused give no picture', recorded(movesOf('busy', [6, 'auth_failed'], [12, 'online'])), 0.5, 0.5, 24],
    ['unknown does not count', recorded(movesOf('unknown', [12, 'offline'], [18, 'online'])), 0.5, 0.5, 12],
    [
      'outages of the site do not count, whatever the probes said beneath',
      recorded(movesOf('online', [6, 'suspect'], [7, 'offline'], [17, 'online']), {
        absences: [{ from: hour(6), to: hour(18) }],
      }),
      1,
      1,
      12,
    ],
    [
      'an outage of the site now',
      recorded(movesOf('online', [6, 'offline']), { absences: [{ from: hour(6), to: null }] }),
      1,
      1,
      6,
    ],
    ['a suspicion that was right', recorded(movesOf('online', [6, 'suspect'], [12, 'offline'])), 0.25, 0.25, 24],
    ['a suspicion that was wrong', recorded(movesOf('online', [6, 'suspect'], [12, 'online'])), 1, 1, 24],
    ['a suspicion now', recorded(movesOf('online', [12, 'suspect'])), 1, 1, 24],
    ['a recovery', recorded(movesOf('offline', [6, 'recovering'], [12, 'online'])), 0.75, 0.75, 24],
    ['a recovery that failed', recorded(movesOf('offline', [6, 'recovering'], [12, 'offline'])), 0, 0, 24],
    ['a recovery now', recorded(movesOf('offline', [12, 'recovering'])), 0, 0, 24],
    ['a suspicion of a degraded camera', recorded(movesOf('degraded', [6, 'suspect'], [12, 'degraded'])), 1, 0, 24],
    ['never watched', recorded([], { current: 'unknown' }), null, null, 0],
    ['not watched any more', recorded([], { watchedUntil: hour(6) }), 1, 1, 6],
    [
      'registered within the time',
      recorded(movesOf('unknown', [13, 'online']), {
        wishes: [{ at: hour(12), lifecycle: 'active', maintenanceUntil: null }],
      }),
      1,
      1,
      11,
    ],
    [
      'retired within the time: its clock stops',
      recorded(movesOf('online', [6, 'offline']), {
        wishes: [
          { at: T0, lifecycle: 'active', maintenanceUntil: null },
          { at: hour(12), lifecycle: 'retired', maintenanceUntil: null },
        ],
        watchedUntil: hour(12),
      }),
      0.5,
      0.5,
      12,
    ],
    [
      'maintenance ends by itself',
      recorded(movesOf('online', [6, 'offline'], [18, 'online']), {
        wishes: [
          { at: T0, lifecycle: 'active', maintenanceUntil: null },
          { at: hour(6), lifecycle: 'maintenance', maintenanceUntil: hour(12) },
        ],
      }),
      12 / 18,
      12 / 18,
      18,
    ],
    [
      'maintenance without an end ends with the next wish',
      recorded(movesOf('offline'), {
        current: 'offline',
        wishes: [
          { at: T0, lifecycle: 'maintenance', maintenanceUntil: null },
          { at: hour(18), lifecycle: 'active', maintenanceUntil: null },
        ],
      }),
      0,
      0,
      6,
    ],
    [
      'planned and suspended do not count',
      recorded([], {
        wishes: [
          { at: T0, lifecycle: 'planned', maintenanceUntil: null },
          { at: hour(6), lifecycle: 'active', maintenanceUntil: null },
          { at: hour(12), lifecycle: 'suspended', maintenanceUntil: null },
        ],
      }),
      1,
      1,
      6,
    ],
    [
      'records that contradict each other are not trusted',
      recorded([
        { at: hour(6), from: 'online', to: 'offline', outcome: null, reason: null },
        { at: hour(12), from: 'online', to: 'offline', outcome: null, reason: null },
      ]),
      6 / 18,
      6 / 18,
      18,
    ],
  ])('%s', (_what, past, up, good, measuredH) => {
    const { upShare, goodShare, measuredS } = over(past);
    expect(measuredS).toBeCloseTo(measuredH * 3_600, 6);
    if (up === null || good === null) expect([upShare, goodShare]).toEqual([null, null]);
    else {
      expect(upShare).toBeCloseTo(up, 9);
      expect(goodShare).toBeCloseTo(good, 9);
    }
  });

  test('a window is judged by what came before and after it', () => {
    const past = recorded(movesOf('online', [6, 'suspect'], [12, 'offline'], [18, 'online']));
    expect(over(past, hour(7), hour(11))).toEqual({ upShare: 0, goodShare: 0, measuredS: 4 * 3_600 });
    expect(over(past, hour(5), hour(7))).toEqual({ upShare: 0.5, goodShare: 0.5, measuredS: 2 * 3_600 });
  });
});

describe('the statuses that people could read', () => {
  test('the agency’s word covers what was measured, and lets it appear again', () => {
    const past = recorded(movesOf('online', [6, 'offline']), {
      wishes: [
        { at: T0, lifecycle: 'active', maintenanceUntil: null },
        { at: hour(3), lifecycle: 'maintenance', maintenanceUntil: hour(9) },
      ],
    });
    expect(statuses(past)).toEqual([
      ['online', 0, 3],
      ['maintenance', 3, 9],
      ['offline', 9, 24],
    ]);
    expect(turnsOf(statusSpans(past, T0), T0, NOW)).toEqual([
      {
        at: hour(3),
        from: 'online',
        to: 'maintenance',
        outcome: null,
        reason: 'the agency has the camera under maintenance',
      },
      { at: hour(9), from: 'maintenance', to: 'offline', outcome: null, reason: 'offline since 6' },
    ]);
  });

  test('changes between two moments, without those at them', () => {
    const spans = statusSpans(recorded(movesOf('online', [6, 'offline'], [12, 'online'], [18, 'offline'])), T0);
    expect(turnsOf(spans, hour(6), hour(18)).map(({ at }) => at)).toEqual([hour(12)]);
  });
});

/** Any past of a day: changes and wishes at whole minutes, each change from what held. */
const anyPast = fc
  .record({
    first: fc.constantFrom(...STATUSES),
    changes: fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 1_439 }), fc.constantFrom(...STATUSES)), {
      selector: ([minute]) => minute,
      maxLength: 12,
    }),
    wishes: fc.uniqueArray(
      fc.tuple(
        fc.integer({ min: 0, max: 1_439 }),
        fc.constantFrom<Lifecycle[]>(...LIFECYCLES),
        fc.option(fc.integer({ min: 0, max: 2_000 })),
      ),
      { selector: ([minute]) => minute, maxLength: 5 },
    ),
    absences: fc.array(fc.tuple(fc.integer({ min: 0, max: 1_439 }), fc.option(fc.integer({ min: 1, max: 600 }))), {
      maxLength: 3,
    }),
    watchedFor: fc.integer({ min: 0, max: 1_440 }),
  })
  .map(({ first, changes, wishes, absences, watchedFor }): Recorded => {
    const moves = movesOf(first, ...changes.sort(([a], [b]) => a - b).map(([m, to]) => [m / 60, to] as const));
    const later = wishes
      .sort(([a], [b]) => a - b)
      .map(([m, lifecycle, until]) => ({
        at: hour(m / 60),
        lifecycle,
        maintenanceUntil: until === null ? null : hour(until / 60),
      }));
    const begin = { at: T0 - 1, lifecycle: 'active' as const, maintenanceUntil: null };
    return recorded(moves, {
      current: moves.at(-1)?.to ?? first,
      wishes: [begin, ...later],
      absences: absences
        .sort(([a], [b]) => a - b)
        .map(([m, length]) => ({
          from: hour(m / 60),
          to: length === null ? null : Math.min(hour((m + length) / 60), NOW),
        })),
      watchedUntil: hour(watchedFor / 60),
    });
  });

/** The status at a moment, said directly. */
function statusAt({ moves, wishes, absences, current, watchedUntil }: Recorded, at: number): Status {
  const wish = wishes.filter((one) => one.at <= at).at(-1);
  if (wish?.lifecycle === 'maintenance' && (wish.maintenanceUntil === null || at < wish.maintenanceUntil))
    return 'maintenance';
  if (wish !== undefined && wish.lifecycle !== 'active' && wish.lifecycle !== 'maintenance') return 'disabled';
  if (absences.some(({ from, to }) => from <= at && (to === null || at < to))) return 'unreachable';
  const next = moves.find((move) => move.at > at);
  // The promise covers the time since the last change only: before it, somebody was there to see the change.
  if (next === undefined && at >= watchedUntil) return 'unknown';
  return next?.from ?? current;
}

describe('any past', () => {
  test('is told without gaps, each moment by what held then', () => {
    fc.assert(
      fc.property(anyPast, fc.integer({ min: 0, max: 1_439 }), (past, minute) => {
        const spans = statusSpans(past, T0);
        expect(spans[0]?.from).toBe(T0);
        expect(spans.at(-1)?.to).toBe(NOW);
        spans.forEach((span, i) => {
          expect(span.from).toBeLessThan(span.to);
          if (i > 0) expect([span.from, span.status !== spans[i - 1]?.status]).toEqual([spans[i - 1]?.to, true]);
        });
        const at = hour(minute / 60) + 30_000;
        const told = spans.find(({ from, to }) => from <= at && at < to) as Span;
        expect(told.status).toBe(statusAt(past, at));
      }),
      { numRuns: 500 },
    );
  });

  test('has shares within 0 and 1, good never above up, and counts no more time than there is', () => {
    fc.assert(
      fc.property(
        anyPast,
        fc.integer({ min: 0, max: 1_440 }),
        fc.integer({ min: 0, max: 1_440 }),
        (past, one, other) => {
          const [from, to] = [hour(Math.min(one, other) / 60), hour(Math.max(one, other) / 60)];
          const { upShare, goodShare, measuredS } = over(past, from, to);
          expect(measuredS).toBeLessThanOrEqual((to - from) / 1000);
          expect((upShare === null) === (measuredS === 0)).toBe(true);
          if (upShare === null || goodShare === null) return;
          expect(goodShare).toBeGreaterThanOrEqual(0);
          expect(upShare).toBeGreaterThanOrEqual(goodShare);
          expect(upShare).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('adds up: the time measured before a moment and after it is that of the whole', () => {
    fc.assert(
      fc.property(anyPast, fc.integer({ min: 0, max: 1_440 }), (past, minute) => {
        const up = (from: number, to: number): number => {
          const { upShare, measuredS } = over(past, from, to);
          return (upShare ?? 0) * measuredS;
        };
        const at = hour(minute / 60);
        expect(up(T0, at) + up(at, NOW)).toBeCloseTo(up(T0, NOW), 3);
      }),
      { numRuns: 300 },
    );
  });
});
