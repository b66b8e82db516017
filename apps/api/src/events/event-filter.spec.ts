import { describe, expect, test } from '@jest/globals';
import { EventFilter, type EventWish } from './event-filter.js';

const at = (lon: number, lat: number, authority = 'wrb') => [{ authority, lon, lat }];
const wants = (wish: EventWish, ...places: ReturnType<typeof at>[]): boolean =>
  new EventFilter(wish).wantsStanding(places.flat());

describe('a wish', () => {
  test('without members leaves nothing out', () => {
    expect(wants({}, at(0, 0))).toBe(true);
    expect(new EventFilter({}).wantsType('health.changed')).toBe(true);
    expect(new EventFilter({}).wantsCamera('x')).toBe(true);
  });

  test.each<[string, EventWish, [number, number], boolean]>([
    ['inside a box', { bbox: [120, 23, 121, 24] }, [120.5, 23.5], true],
    ['on its edge', { bbox: [120, 23, 121, 24] }, [121, 24], true],
    ['outside', { bbox: [120, 23, 121, 24] }, [121.01, 23.5], false],
    ['across the antimeridian, east of it', { bbox: [179, -1, -179, 1] }, [-179.5, 0], true],
    ['across the antimeridian, west of it', { bbox: [179, -1, -179, 1] }, [179.5, 0], true],
    ['across the antimeridian, on the other side of the earth', { bbox: [179, -1, -179, 1] }, [0, 0], false],
    ['within a radius', { near: [120, 23], radiusM: 112_000 }, [120, 24], true],
    ['beyond it', { near: [120, 23], radiusM: 110_000 }, [120, 24], false],
    ['within the usual radius of 1 km', { near: [120, 23] }, [120, 23.009], true],
    ['beyond that', { near: [120, 23] }, [120, 23.0095], false],
    ['in a box and too far', { near: [120, 23], radiusM: 10, bbox: [119, 22, 121, 24] }, [120, 23.5], false],
  ])('%s', (_what, wish, place, wanted) => {
    expect(wants(wish, at(...place))).toBe(wanted);
  });

  test('is met by where a camera was as well as by where it is, of one authority at a time', () => {
    const wish = { bbox: [120, 23, 121, 24], authorities: ['wrb'] } as const;
    expect(wants(wish, at(0, 0), at(120, 23))).toBe(true);
    expect(wants(wish, at(0, 0, 'wrb'), at(120, 23, 'other'))).toBe(false);
    expect(wants(wish)).toBe(false);
  });

  test('for frames wants a choice of cameras or a place', () => {
    const frames = (wish: EventWish): boolean => new EventFilter(wish).wantsFrames;
    expect(frames({})).toBe(false);
    expect(frames({ types: ['frame.updated'], authorities: ['wrb'] })).toBe(false);
    expect(frames({ cameras: ['x'] })).toBe(true);
    expect(frames({ bbox: [0, 0, 1, 1] })).toBe(true);
    expect(frames({ bbox: [0, 0, 1, 1], types: ['camera.changed'] })).toBe(false);
  });
});
