import { describe, expect, test } from '@jest/globals';
import { COMMAND } from '#access';
import { RefusalTally, type Refused } from './refusal-tally.js';

const refused = (id: string, reason = 'forbidden'): Refused => ({
  actor: COMMAND,
  note: { action: 'access.refused', authority: null, subject: { kind: 'operation', id }, result: 'refused', reason },
});

const shown = (due: readonly Refused[]): readonly unknown[] =>
  due.map(({ note }) => [note.subject.id, (note.after as { times: number }).times]);

describe('a flood of refusals (AUD-1)', () => {
  test('the first is written at once, the same again after a minute, with how often it came', () => {
    let now = 0;
    const tally = new RefusalTally(() => now, 60_000);
    tally.count(refused('a'));
    expect(shown(tally.due())).toEqual([['a', 1]]);
    for (let i = 0; i < 1_000; i += 1) tally.count(refused('a'));
    now = 59_999;
    expect(tally.due()).toEqual([]);
    now = 60_000;
    expect(shown(tally.due())).toEqual([['a', 1_000]]);
    now = 120_000;
    expect(tally.due()).toEqual([]);
    // It was forgotten, so it is new again.
    tally.count(refused('a'));
    expect(shown(tally.due())).toEqual([['a', 1]]);
  });

  test('one for another reason is another', () => {
    const tally = new RefusalTally(() => 0, 60_000);
    tally.count(refused('a', 'one'));
    tally.count(refused('a', 'two'));
    expect(tally.due()).toHaveLength(2);
  });

  test('one in the audit of another is another too, and what is said of it stands beside how often it came', () => {
    const tally = new RefusalTally(() => 0, 60_000);
    for (const authority of ['wrb', 'park', 'wrb']) {
      const { actor, note } = refused('a');
      tally.count({ actor, note: { ...note, authority, after: { operation: 'GET /' } } }, 3);
    }
    expect(tally.due().map(({ note }) => [note.authority, note.after])).toEqual([
      ['wrb', { operation: 'GET /', times: 6 }],
      ['park', { operation: 'GET /', times: 3 }],
    ]);
  });

  test('of a million kinds thirty a minute are written, and the rest is counted in one', () => {
    let now = 0;
    const tally = new RefusalTally(() => now, 60_000);
    for (let i = 0; i < 5_000; i += 1) tally.count(refused(String(i)));
    expect(tally.due()).toHaveLength(30);
    expect(tally.due()).toEqual([]);
    const all: (readonly [string, number])[] = [];
    for (let minute = 1; minute < 60; minute += 1) {
      now = minute * 60_000;
      all.push(...(shown(tally.due()) as (readonly [string, number])[]));
    }
    expect(all).toContainEqual(['others', 4_000]);
    expect(all.reduce((sum, [, times]) => sum + times, 30)).toBe(5_000);
  });
});
