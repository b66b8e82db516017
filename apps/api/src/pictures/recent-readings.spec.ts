import { describe, expect, test } from '@jest/globals';
import { ANONYMOUS, type Principal } from '#access';
import { NotFound } from '#catalog';
import type { StoredPicture } from '#storage';
import { RecentReadings, type Wanted } from './recent-readings.js';

const PICTURE: StoredPicture = {
  authority: 'tainan-wrb',
  accessLevel: 'public',
  isLetIn: false,
  status: 'online',
  view: '',
  frame: null,
  isHeldBack: false,
  thumbnails: null,
  publicMaxWidthPx: 640,
  needsContract: null,
};
const ONE: Wanted = { by: ANONYMOUS, cameraId: 'one', preset: null };

/** Readings of a database that answers what it is told to, on a clock that stands until it is moved. */
class World {
  nowMs = 1_000;
  answer: Partial<StoredPicture> | Error = {};
  readonly asked: Wanted[] = [];
  readonly readings = new RecentReadings(
    async (wanted) => {
      this.asked.push(wanted);
      const { answer } = this;
      await Promise.resolve();
      if (answer instanceof Error) throw answer;
      return { ...PICTURE, ...answer };
    },
    () => this.nowMs,
  );

  /** Status of what is read, how old it is, and how often the database was asked until now. */
  async look(wanted: Wanted = ONE, isAnew = false): Promise<readonly [string, number, number]> {
    const { picture, ageS } = await this.readings.of(wanted, isAnew);
    return [picture.status, ageS, this.asked.length];
  }
}

describe('recent readings', () => {
  test('serve again for half a second, and say that they are not new', async () => {
    const world = new World();
    expect(await world.look()).toEqual(['online', 0, 1]);
    world.answer = { status: 'offline' };
    world.nowMs += 499;
    expect(await world.look()).toEqual(['online', 1, 1]);
    world.nowMs += 1;
    expect(await world.look()).toEqual(['offline', 0, 2]);
  });

  test('many who come at once share one reading, and its age counts from when it began', async () => {
    const world = new World();
    const all = await Promise.all(Array.from({ length: 100 }, () => world.look()));
    expect(all.map(([, , asked]) => asked)).toEqual(Array.from({ length: 100 }, () => 1));
    world.nowMs += 500;
    expect(await world.look()).toEqual(['online', 0, 2]);
  });

  test('are of one camera, one view and one caller with the same rights', async () => {
    const world = new World();
    const again: Principal = { ...ANONYMOUS };
    const key: Principal = { ...ANONYMOUS, id: 'key:1', isAnonymous: false };
    const others: readonly Partial<Wanted>[] = [{ cameraId: 'two' }, { preset: 'bridge' }, { by: key }, { by: again }];
    await world.look();
    for (const [i, other] of others.entries()) {
      expect(await world.look({ ...ONE, ...other })).toEqual(['online', 0, i + 2]);
    }
    // Each in its place, but for the one whose place another with the same name took.
    for (const other of others) {
      expect(await world.look({ ...ONE, ...other })).toEqual(['online', 0, others.length + 1]);
    }
    expect(await world.look()).toEqual(['online', 0, others.length + 2]);
  });

  test('a client that will have nothing kept reads anew, and what it read serves others', async () => {
    const world = new World();
    await world.look();
    world.answer = { status: 'degraded' };
    expect(await world.look(ONE, true)).toEqual(['degraded', 0, 2]);
    expect(await world.look()).toEqual(['degraded', 0, 2]);
  });

  test('what failed is not kept, and one failure is not told twice', async () => {
    const world = new World();
    world.answer = new NotFound('no camera has the id one');
    await expect(world.look()).rejects.toThrow(NotFound);
    world.answer = {};
    expect(await world.look()).toEqual(['online', 0, 2]);
  });

  test('of restricted cameras every look is a reading', async () => {
    const world = new World();
    world.answer = { accessLevel: 'restricted' };
    await world.look();
    expect(await world.look()).toEqual(['online', 0, 2]);
  });

  test('after a change everything is read anew, what was under way included', async () => {
    const world = new World();
    const under = world.look();
    world.readings.forget();
    world.answer = { status: 'offline' };
    expect(await world.look()).toEqual(['offline', 0, 2]);
    expect((await under)[0]).toBe('online');
    expect(await world.look()).toEqual(['offline', 0, 2]);
  });

  test('do not pile up', async () => {
    const world = new World();
    for (let i = 0; i < 1_000; i += 1) {
      world.nowMs += 5;
      await world.look({ ...ONE, cameraId: String(i) });
    }
    expect(world.readings.size).toBe(100);
  });
});
