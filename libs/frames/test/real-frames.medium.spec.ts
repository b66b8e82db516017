import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { FLAGS, type Reference } from '#catalog';
import { cellSumsOf, type Inspection, likeness, outlinesOf, Pictures, scanHash } from '#frames';
import { sunElevationDeg } from '#geo';
import { FIRST_STATE, type HealthState, proposedFor, referenceView, type Scene, shownOf, step } from '#health';
import { frameOf } from './frame-of.js';

// Contains public sector information licensed under the Open Government Licence v3.0 (Office for National Statistics);
// DriveBC, Province of British Columbia (Apache-2.0); City of Vancouver camera, via kamangir/vancouver-watching (CC0).
const directory = path.join(fileURLToPath(new URL('../../..', import.meta.url)), '..', 'shared', 'data', 'frames');
const isThere = existsSync(directory);
if (!isThere) console.warn('real-frames: skipped, shared/data/frames does not lie beside the checkout');

const pictures = (isThere ? readdirSync(directory, { recursive: true, encoding: 'utf8' }) : [])
  .filter((name) => /\.jpe?g$/.test(name))
  .filter((name) =>
    readFileSync(path.join(directory, name))
      .subarray(0, 3)
      .equals(Buffer.from([0xff, 0xd8, 0xff])),
  );

(isThere ? describe : describe.skip)('30 frames of real cameras', () => {
  let decoder: Pictures;
  const found = new Map<string, Inspection>();
  beforeAll(async () => {
    decoder = await Pictures.start({ workers: 1 });
    for (const name of pictures) {
      found.set(path.basename(name), await decoder.inspect(frameOf(readFileSync(path.join(directory, name)))));
    }
  });
  afterAll(() => decoder.close());

  test('only the smeared one is damaged; one-component progressive, fog and night are fine', () => {
    expect(found.size).toBe(30);
    const damaged = [...found].filter(([, { damage }]) => damage !== null);
    expect(damaged.map(([name, { damage }]) => [name, damage])).toEqual([
      ['TfL-images_20200504_0240_00001.08859.jpg', 'one row is smeared down the lower part of the picture'],
    ]);
  });

  test('drawn cards are plain in 40 % and more, scenes at most in 7 %', () => {
    const cards = [...found].filter(([, { signals }]) => signals!.plainShare >= 0.07).map(([name]) => name);
    expect(cards.sort()).toEqual([
      'NETravelData-images_20200508_1800_NT_A193H1.jpg',
      'TfL-images_20200501_0520_00001.06592.jpg',
    ]);
    for (const name of cards) expect(found.get(name)!.signals!.plainShare).toBeGreaterThanOrEqual(0.4);
  });

  test('no two have the same scan hash', () => {
    const hashes = pictures.map((name) => scanHash(frameOf(readFileSync(path.join(directory, name)))));
    expect(new Set(hashes).size).toBe(30);
  });

  /** Where the frames are from: London, and roads in the north-east of England; their names tell the time, in UTC. */
  const LONDON = [-0.1278, 51.5074] as const;
  const momentOf = (name: string): number => {
    const [, date, time] = /(\d{8})[_-](\d{4})/.exec(name) ?? [];
    if (date === undefined || time === undefined) throw new Error(`no time in ${name}`);
    return Date.parse(
      `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}T${time.slice(0, 2)}:${time.slice(2)}:00Z`,
    );
  };

  /** Flags that are faults after these frames came from one camera, one every `everyS`, the first of them good. */
  function watched(names: readonly string[], { everyS = 60, mobility = 'fixed' } = {}): string[] {
    let state: HealthState = FIRST_STATE;
    let reference: Reference | null = null;
    names.forEach((name, i) => {
      const { signals } = found.get(name)!;
      if (signals === null) throw new Error(`${name} shows nothing`);
      // All as if in the light of the first: the calendar says little, and turns of light are tested elsewhere.
      const sunElevation = sunElevationDeg([...LONDON], momentOf(names[0]!));
      const scene: Scene = { sunElevationDeg: sunElevation, isFixed: mobility === 'fixed', reference };
      const view = referenceView({ scene });
      const look = {
        signals,
        cells: cellSumsOf(signals),
        likeness: typeof view === 'string' ? null : likeness(view.outlines, signals),
      };
      const now = momentOf(names[0]!) + i * everyS * 1000;
      const event = {
        kind: 'probed' as const,
        outcome: 'ok' as const,
        startedAt: now - 1,
        epoch: i + 1,
        configVersion: 1,
        rhythm: { id: 'a', intervalS: everyS, minIntervalS: 10 },
        service: { index: 0, kind: 'snapshot' as const },
        sample: { scanHash: name, look },
        scene,
        authenticated: false,
        conditions: [],
      };
      ({ state } = step(state, event, now, 0.5));
      const light = proposedFor(state.picture, scene, now);
      if (light === null) return;
      const { sd, laplacianVariance } = signals;
      const taken = { capturedAt: new Date(now).toISOString(), sd, laplacianVariance, outlines: outlinesOf(signals) };
      const views: Reference['views'] = { ...reference?.views, [light]: taken };
      reference = { revision: 1, of: 'view', source: 'automatic', acceptedAt: '2020-01-01T00:00:00.000Z', views };
    });
    const { flags } = shownOf(state, undefined, momentOf(names[0]!) + names.length * everyS * 1000);
    expect(flags.map(({ flag }) => flag)).toEqual(FLAGS);
    turned = flags.find(({ flag }) => flag === 'moved')?.state;
    return flags.filter(({ state: is }) => is === 'fault').map(({ flag }) => flag);
  }
  let turned: string | undefined;

  const TIME_SERIES = 'TfL-images-20200501-';
  const named = (part: string): string[] =>
    pictures.map((name) => path.basename(name)).filter((name) => name.includes(part));
  const three = <Of>(one: Of): Of[] => [one, one, one];

  test('the two cards are placeholders once they came three times', () => {
    for (const name of [
      'TfL-images_20200501_0520_00001.06592.jpg',
      'NETravelData-images_20200508_1800_NT_A193H1.jpg',
    ]) {
      expect([name, watched(three(name))]).toEqual([name, ['placeholder']]);
    }
  });

  test('night, dawn, fog, grey progressive and any other single picture are no fault', () => {
    for (const name of found.keys()) {
      const { damage } = found.get(name)!;
      const isCard = found.get(name)!.signals!.plainShare >= 0.4;
      if (damage !== null || isCard || !/\d{8}[_-]\d{4}/.test(name)) continue;
      expect([name, watched([name, name])]).toEqual([name, []]);
    }
  });

  test('a street, a junction and a motorway over half an hour are no fault', () => {
    for (const part of ['04542', '08750', 'CM_A69A1', `_20200620_20`, `${TIME_SERIES}0`]) {
      const names = named(part)
        .filter((name) => !name.startsWith('Forced'))
        .sort();
      expect(names.length).toBeGreaterThanOrEqual(3);
      expect([part, watched([...names, ...names.toReversed(), ...names], { everyS: 600 })]).toEqual([part, []]);
    }
  });

  test('the turning camera has moved, unless it is registered as one that turns', () => {
    const round = named('NT_A191E1').sort();
    const [first = '', , third = ''] = round;
    for (const samples of [
      [first, first, third, third, third],
      [...round, ...round, ...round],
    ]) {
      expect(watched(samples)).toEqual(['moved']);
      expect(watched(samples, { mobility: 'ptz' })).toEqual([]);
      expect(turned).toBe('not_checkable');
    }
  });

  test('a camera that looks across another street has moved, by night too', () => {
    const night = named(`${TIME_SERIES}0`).sort();
    const [other = ''] = named('20200504_0250');
    // Three nights later the camera of Oxford Street has been turned by an eighth of its view.
    expect(watched([...night, ...three(other)], { everyS: 100 })).toEqual(['moved']);
    const [junction = ''] = named('1340-00001.04542');
    const [street = ''] = named('1340-00001.08750');
    expect(watched([street, street, ...three(junction)], { everyS: 100 })).toEqual(['moved']);
  });
});
