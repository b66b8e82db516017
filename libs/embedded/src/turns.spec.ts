import { describe, expect, test } from '@jest/globals';
import { Turns } from './turns.js';
import type { Turn } from './turns.js';

/** Turns whose alarms ring when the test says so, and what became of each who asked. */
function queue(limit: number) {
  const alarms = new Map<number, () => void>();
  let count = 0;
  const turns = new Turns<string>(limit, (afterMs, ring) => {
    const id = (count += 1);
    alarms.set(id, () => {
      expect(afterMs).toBe(5_000);
      ring();
    });
    return () => alarms.delete(id);
  });
  const outcomes: Record<string, Turn | 'waits'> = {};
  const ask = async (owner: string, patienceMs: number | undefined = 5_000): Promise<void> => {
    outcomes[owner] = 'waits';
    void turns.take(owner, patienceMs).then((turn) => (outcomes[owner] = turn));
    await settled();
  };
  return { turns, alarms, outcomes, ask };
}
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('turns', () => {
  test('go to the first who comes, then in the order of asking', async () => {
    const { turns, outcomes, ask } = queue(10);
    for (const owner of ['a', 'b', 'c']) await ask(owner);
    expect(outcomes).toEqual({ a: 'yours', b: 'waits', c: 'waits' });
    turns.pass('a');
    await settled();
    expect(outcomes).toEqual({ a: 'yours', b: 'yours', c: 'waits' });
    expect([turns.has('a'), turns.has('b'), turns.waiting]).toEqual([false, true, 1]);
  });

  test('stay with the owner who asks again', async () => {
    const { outcomes, ask } = queue(10);
    await ask('a');
    await ask('b');
    await ask('a');
    expect(outcomes).toEqual({ a: 'yours', b: 'waits' });
  });

  test('cannot be passed by one who has none', async () => {
    const { turns, outcomes, ask } = queue(10);
    await ask('a');
    await ask('b');
    turns.pass('b');
    await settled();
    expect(outcomes['b']).toBe('waits');
  });

  test('are refused when too many wait', async () => {
    const { outcomes, ask } = queue(2);
    for (const owner of ['a', 'b', 'c', 'd']) await ask(owner);
    expect(outcomes).toEqual({ a: 'yours', b: 'waits', c: 'waits', d: 'full' });
  });

  test('without bounds are never refused, and are in nobody’s way', async () => {
    const { turns, outcomes, ask } = queue(1);
    await ask('a');
    void turns.take('upkeep').then((turn) => (outcomes['upkeep'] = turn));
    await ask('b');
    void turns.take('clean').then((turn) => (outcomes['clean'] = turn));
    expect([turns.waiting, outcomes['b']]).toEqual([1, 'waits']);
    for (const owner of ['a', 'upkeep', 'b']) turns.pass(owner);
    await settled();
    expect(outcomes).toEqual({ a: 'yours', upkeep: 'yours', b: 'yours', clean: 'yours' });
  });

  test('come too late when patience ends; whoever got one is not alarmed', async () => {
    const { turns, alarms, outcomes, ask } = queue(10);
    for (const owner of ['a', 'b', 'c']) await ask(owner);
    turns.pass('a');
    await settled();
    expect(alarms.size).toBe(1);
    for (const ring of alarms.values()) ring();
    turns.pass('b');
    await settled();
    expect(outcomes).toEqual({ a: 'yours', b: 'yours', c: 'late' });
    await ask('d');
    expect(outcomes['d']).toBe('yours');
  });

  test('are not kept for one who left', async () => {
    const { turns, alarms, outcomes, ask } = queue(10);
    for (const owner of ['a', 'b', 'c']) await ask(owner);
    turns.leave('b');
    turns.leave('a');
    turns.pass('a');
    await settled();
    expect(outcomes).toEqual({ a: 'yours', b: 'gone', c: 'yours' });
    expect(alarms.size).toBe(0);
  });

  test('all end at a crash', async () => {
    const { turns, alarms, outcomes, ask } = queue(10);
    for (const owner of ['a', 'b', 'c']) await ask(owner);
    turns.seize('restart');
    turns.pass('a');
    await ask('d');
    expect(outcomes).toEqual({ a: 'yours', b: 'gone', c: 'gone', d: 'waits' });
    turns.pass('restart');
    await settled();
    expect(outcomes['d']).toBe('yours');
    expect(alarms.size).toBe(0);
  });
});
