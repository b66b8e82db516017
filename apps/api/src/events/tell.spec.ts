import { describe, expect, test } from '@jest/globals';
import type { OutboxEvent, SeenBefore, Sighting } from '#storage';
import { EventFilter } from './event-filter.js';
import { documentOf, toldOf } from './tell.js';

const seen: Sighting = {
  ...{ authority: 'wrb', localId: '7', version: 9, lon: 120, lat: 23 },
  ...{ own: false, operated: false, heldBack: false },
};
const before: SeenBefore = { authority: 'wrb', access_level: 'public', lon: 120, lat: 23 };
const event = (over: Partial<OutboxEvent> = {}): OutboxEvent => ({
  generation: 1,
  xid: '10',
  id: '1',
  kind: 'camera.changed',
  cameraId: 'c',
  version: 3,
  at: '2026-11-27T08:00:00.000Z',
  facts: {},
  seenBefore: null,
  ...over,
});
const all = new EventFilter({});

describe('who is told', () => {
  test('of a camera that he may know, the event, with the version of the time', () => {
    expect(toldOf(event(), { now: seen, before: null }, all)).toBe('event');
    expect(documentOf(event(), { now: seen, before: null }, 'id')).toEqual({
      id: 'id',
      type: 'camera.changed',
      at: '2026-11-27T08:00:00.000Z',
      camera: { id: 'c', authority: 'wrb', localId: '7', version: 3 },
    });
  });

  test('of one that is hidden, nothing, unless this event hid it: then its id alone', () => {
    expect(toldOf(event(), { now: null, before: null }, all)).toBe(null);
    expect(toldOf(event(), { now: null, before }, all)).toBe('withdrawn');
    expect(documentOf(event({ facts: { from: 'online', to: 'offline' } }), { now: null, before }, 'id')).toEqual({
      id: 'id',
      type: 'camera.retired',
      at: '2026-11-27T08:00:00.000Z',
      camera: { id: 'c' },
      reason: 'withdrawn',
    });
  });

  test('by what he asked for, of the withdrawn too', () => {
    const told = (wish: ConstructorParameters<typeof EventFilter>[0], now: Sighting | null) =>
      toldOf(event(), { now, before }, new EventFilter(wish));
    expect(told({ types: ['health.changed'] }, seen)).toBe(null);
    expect(told({ types: ['health.changed'] }, null)).toBe(null);
    expect(told({ types: ['camera.retired'] }, null)).toBe('withdrawn');
    expect(told({ cameras: ['other'] }, null)).toBe(null);
    expect(told({ authorities: ['other'] }, null)).toBe(null);
    expect(told({ bbox: [0, 0, 1, 1] }, null)).toBe(null);
    expect(told({ bbox: [0, 0, 1, 1] }, { ...seen, lon: 0.5, lat: 0.5 })).toBe('event');
  });

  test('of words to those who look after a camera, its own authority alone, with what to do next', () => {
    const notice = event({ kind: 'health.notice', facts: { notice: { word: 'down', outcome: 'refused' } } });
    expect(toldOf(notice, { now: seen, before: null }, all)).toBe(null);
    const own = { now: { ...seen, own: true, operated: true }, before: null };
    expect(toldOf(notice, own, all)).toBe('event');
    expect(documentOf(notice, own, 'id').notice).toEqual({
      word: 'down',
      outcome: 'refused',
      nextStep: expect.stringContaining('web server'),
    });
  });

  test('PRIV-4: whoever sees pictures later reads in no word when the last one was taken', () => {
    const notice = event({
      kind: 'health.notice',
      facts: { notice: { word: 'down', lastOkAt: '2026-11-27T07:59:00Z' } },
    });
    const told = (heldBack: boolean) =>
      documentOf(notice, { now: { ...seen, own: true, heldBack }, before: null }, 'id').notice;
    expect(told(false)).toEqual({ word: 'down', lastOkAt: '2026-11-27T07:59:00Z' });
    expect(told(true)).toEqual({ word: 'down' });
  });

  test('SSRF-9: a viewer of the authority reads no outcome that tells of its network', () => {
    const viewer = { now: { ...seen, own: true }, before: null };
    const told = (outcome: 'refused' | 'unreachable' | 'stalled', reason: string) =>
      documentOf(event({ kind: 'health.notice', facts: { notice: { word: 'down', outcome, reason } } }), viewer, 'id')
        .notice;
    expect(told('refused', 'refuses the connection')).toEqual(told('unreachable', 'no way leads there'));
    expect(told('refused', 'refuses the connection')).toMatchObject({
      outcome: 'unreachable',
      reason: 'the camera cannot be reached',
    });
    expect(told('stalled', 'stops')).toMatchObject({ outcome: 'stalled', reason: 'stops' });
  });
});
