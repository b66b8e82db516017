import { describe, expect, test } from '@jest/globals';
import { FIRST_STATE } from './state.js';
import { Blindness, isUnreached, wasThere } from './blindness.js';

/** Results one every so many seconds, each from another of so many networks. */
function noteAll(
  blindness: Blindness,
  results: string,
  { fromS = 0, everyS = 1, networks = 8 }: { fromS?: number; everyS?: number; networks?: number } = {},
): string {
  return [...results]
    .map((mark, i) =>
      blindness.note({ atMs: (fromS + i * everyS) * 1_000, network: `net ${i % networks}`, failed: mark === 'x' }),
    )
    .map((outlook) => outlook[0])
    .join('');
}

describe('a prober that sees nobody', () => {
  test('is doubtful after five failures in three networks, blind after twenty in five', () => {
    expect(noteAll(new Blindness(), 'x'.repeat(20), { everyS: 0.5 })).toBe('c'.repeat(4) + 'd'.repeat(15) + 'b');
  });

  test('is so at once, however many were reached in the minute before', () => {
    const blindness = new Blindness();
    noteAll(blindness, 'o'.repeat(600), { everyS: 0.1 });
    const cut = { fromS: 60, everyS: 0.1 };
    expect(noteAll(blindness, 'x'.repeat(20), cut)).toBe('c'.repeat(4) + 'd'.repeat(15) + 'b');
  });

  test('takes each one that is reached meanwhile for a sign that it sees', () => {
    const blindness = new Blindness();
    noteAll(blindness, 'o'.repeat(600), { everyS: 0.1 });
    const marks = noteAll(blindness, `${'x'.repeat(19)}o`.repeat(3), { fromS: 60, everyS: 0.1 });
    expect(marks).toBe(`${'c'.repeat(4)}${'d'.repeat(15)}c`.repeat(3));
  });

  test('does not doubt itself for a street of three networks whose cameras alone fail', () => {
    const marks = noteAll(new Blindness(), 'xo'.repeat(20), { everyS: 0.5 });
    expect(marks).toBe('c'.repeat(40));
  });

  test('is never blind by failures of four networks: a city may lose those', () => {
    expect(noteAll(new Blindness(), 'x'.repeat(60), { everyS: 0.5, networks: 4 })).not.toContain('b');
  });

  test('is blind where four of five fail, and not where less do', () => {
    expect(noteAll(new Blindness(), 'xxxxo'.repeat(6), { everyS: 0.5 })).toContain('b');
    expect(noteAll(new Blindness(), 'xxxo'.repeat(10), { everyS: 0.5 })).not.toContain('b');
  });

  test('looks at one minute only', () => {
    expect(noteAll(new Blindness(), 'x'.repeat(60), { everyS: 4 })).not.toContain('b');
  });

  test('sees again by three of the last ten results, and judges anew from there', () => {
    const blindness = new Blindness();
    noteAll(blindness, 'x'.repeat(20), { everyS: 0.5 });
    expect(noteAll(blindness, 'xxxoxxo', { fromS: 20 })).toBe('bbbbbbb');
    expect(noteAll(blindness, 'o', { fromS: 27 })).toBe('c');
    expect(noteAll(blindness, 'xxxxx', { fromS: 28 })).not.toContain('b');
  });

  test('is blind as long as its own machine has no line', () => {
    const blindness = new Blindness();
    expect(blindness.machine({ isCut: true, atMs: 1_000 })).toBe('blind');
    expect(noteAll(blindness, 'xo', { fromS: 2 })).toBe('bb');
    expect(blindness.machine({ isCut: false, atMs: 4_000 })).toBe('clear');
  });
});

describe('what a result tells of our line', () => {
  test('is that nobody answered; a refusal by a device that answers is none', () => {
    const unreached = ['connect_timeout', 'refused', 'unreachable', 'dns_error'] as const;
    expect(unreached.every(isUnreached)).toBe(true);
    const answered = [
      'ok',
      'busy',
      'auth_failed',
      'stalled',
      'reset',
      'prober_internal',
      'target_not_allowed',
    ] as const;
    expect(answered.some(isUnreached)).toBe(false);
  });

  test('counts of cameras that were there before, not of those that were dead or never seen', () => {
    expect(wasThere({ ...FIRST_STATE, standing: 'online' })).toBe(true);
    expect(wasThere({ ...FIRST_STATE, standing: 'suspect', before: 'online' })).toBe(true);
    expect(wasThere({ ...FIRST_STATE, standing: 'suspect', before: 'unknown' })).toBe(false);
    expect(wasThere({ ...FIRST_STATE, standing: 'offline' })).toBe(false);
    expect(wasThere(FIRST_STATE)).toBe(false);
  });
});
