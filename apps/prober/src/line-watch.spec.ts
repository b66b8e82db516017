import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { pino } from 'pino';
import { type LineSign, LineWatch } from './line-watch.js';
import { gatewaysIn, isMissing } from './machine.js';

const OK: LineSign = { network: 'a', isOutward: true, wasThere: true, unreached: false, failed: false };

/** A watch on a clock of its own, and what became of each result. */
function watched(cutOff = false): {
  watch: LineWatch;
  fates: string[];
  changes: boolean[];
  meet: (sign: Partial<LineSign>) => Promise<void>;
  pass: (ms: number) => void;
  cut: (isCut: boolean) => void;
} {
  let nowMs = 100_000;
  let isCut = cutOff;
  const fates: string[] = [];
  const changes: boolean[] = [];
  const log = pino({ level: 'silent' });
  const watch = new LineWatch(
    log,
    (isBlind) => changes.push(isBlind),
    async () => isCut,
    () => nowMs,
  );
  return {
    watch,
    fates,
    changes,
    meet: async (sign) => {
      const at = fates.push('waits') - 1;
      const set = (fate: string) => (): void => {
        fates[at] = fate;
      };
      await watch.meet({ ...OK, ...sign }, { keep: set('kept'), drop: set('dropped') });
    },
    pass: (ms) => {
      nowMs += ms;
      jest.advanceTimersByTime(ms);
    },
    cut: (now) => (isCut = now),
  };
}

const unreached = (network: string): Partial<LineSign> => ({ network, unreached: true, failed: true });

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'performance'] });
});
afterEach(() => {
  jest.useRealTimers();
});

test('keeps the failure of one camera at once', async () => {
  const { fates, meet } = watched();
  await meet({});
  await meet(unreached('b'));
  expect(fates).toEqual(['kept', 'kept']);
});

test('charges nothing to cameras of a cut that it could foresee, and sees again with the first pictures', async () => {
  const { watch, fates, changes, meet, pass } = watched();
  for (let i = 0; i < 10; i += 1) await meet({ network: `n${i}` });
  pass(61_000);
  for (let i = 0; i < 24; i += 1) {
    await meet(unreached(`n${i % 10}`));
    pass(400);
  }
  // Four are kept before there is any doubt; what waited is dropped once it is known.
  expect(fates.slice(10)).toEqual([...Array<string>(4).fill('kept'), ...Array<string>(20).fill('dropped')]);
  expect(changes).toEqual([true]);
  pass(1_000);
  for (let i = 0; i < 3; i += 1) await meet({ network: `n${i}` });
  await meet(unreached('n5'));
  expect(fates.slice(-4)).toEqual(['kept', 'kept', 'kept', 'kept']);
  expect(changes).toEqual([true, false]);
  watch.close();
});

test('keeps what waited in vain: a district without power is no fault of ours', async () => {
  const { fates, meet, pass } = watched();
  for (let i = 0; i < 8; i += 1) await meet(unreached(`n${i % 4}`));
  expect(fates.slice(4)).toEqual(Array(4).fill('waits'));
  pass(10_001);
  expect(fates).toEqual(Array(8).fill('kept'));
});

test('knows at once where the machine has no line, and forgets it with the line', async () => {
  const { fates, changes, meet, pass, cut } = watched(true);
  await meet(unreached('a'));
  expect(fates).toEqual(['dropped']);
  await meet({ failed: true, unreached: false, network: 'b' });
  cut(false);
  pass(11_001);
  await meet(unreached('c'));
  expect(fates).toEqual(['dropped', 'dropped', 'kept']);
  expect(changes).toEqual([true, false]);
});

test('sees again with the first camera that answers, though none is missed any more', async () => {
  const { watch, fates, changes, meet, cut } = watched(true);
  await meet(unreached('a'));
  cut(false);
  // A connection of before the cut that breaks off proves nothing; a picture does.
  await meet({ failed: true, network: 'b' });
  await meet({});
  await meet({ failed: true, network: 'b' });
  expect(fates).toEqual(['dropped', 'dropped', 'kept', 'kept']);
  expect(changes).toEqual([true, false]);
  expect(watch.isBlind).toBe(false);
});

test('is not told that it sees by cameras of its own machine', async () => {
  const { fates, meet } = watched(true);
  await meet({ isOutward: false });
  await meet(unreached('b'));
  expect(fates).toEqual(['kept', 'dropped']);
});

test('believes a camera rather than the machine', async () => {
  const { fates, meet } = watched(true);
  await meet({});
  await meet(unreached('b'));
  expect(fates).toEqual(['kept', 'kept']);
});

test('asks no machine for cameras on loopback', async () => {
  const { fates, meet } = watched(true);
  await meet({ ...unreached('127.1.0.0/24'), isOutward: false });
  expect(fates).toEqual(['kept']);
});

test('reads what Linux writes of gateways and neighbours', () => {
  const rows = (text: string): string[][] => text.split('\n').map((line) => line.trim().split(/\s+/));
  const routes = rows(`eth0	00000000	010011AC	0003	0	0	0	00000000	0	0	0
eth0	000011AC	00000000	0001	0	0	0	0000FFFF	0	0	0`);
  expect(gatewaysIn(routes)).toEqual(['172.17.0.1']);
  const neighbours = rows(`172.17.0.1       0x1         0x0         00:00:00:00:00:00     *        eth0
172.17.0.9       0x1         0x2         02:42:ac:11:00:09     *        eth0`);
  expect(isMissing('172.17.0.1', neighbours)).toBe(true);
  expect(isMissing('172.17.0.9', neighbours)).toBe(false);
  expect(isMissing('172.17.0.3', neighbours)).toBe(false);
});
