import { describe, expect, test } from '@jest/globals';
import {
  cameraFaults,
  type CameraRegistration,
  check,
  CameraRegistration as Registration,
  withDefaults,
} from '#catalog';
import { type KeptDocument, mergeStated } from './merge-stated.js';
import { sameButSerial } from './same-url.js';

const minimal = {
  authority: 'wra',
  localId: '1',
  name: 'Bridge',
  location: { type: 'Point', coordinates: [120.29, 23.07] },
  services: [{ kind: 'snapshot', url: 'http://10.1.2.3/a.jpg' }],
};
type Change = Record<string, unknown>;
const kept = (change: Change = {}): KeptDocument =>
  withDefaults({ ...minimal, ...change } as unknown as CameraRegistration, { slug: 'wra' });
const row = (change: Change = {}): CameraRegistration => ({ ...minimal, ...change }) as unknown as CameraRegistration;
const merged = (before: Change, said: Change) => {
  const { document, warnings } = mergeStated(kept(before), row(said));
  const checked = check(Registration, structuredClone(document));
  if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));
  expect(cameraFaults(checked.document)).toEqual([]);
  return { document, warned: warnings.map(({ code, pointer }) => `${code} ${pointer}`) };
};
const isUnchanged = (before: Change, said: Change): boolean => {
  const { document } = merged(before, said);
  return sameButSerial(kept(before), document);
};

describe('members', () => {
  test('what the row does not carry stays; what it carries is new', () => {
    const { document } = merged(
      { heightM: 6, tags: ['a'], address: { city: 'Tainan', street: 'Main 1' }, names: { en: 'Bridge' } },
      { name: 'New', tags: ['b'], address: { city: 'Kaohsiung' } },
    );
    expect(document).toMatchObject({
      name: 'New',
      heightM: 6,
      tags: ['b'],
      address: { city: 'Kaohsiung', street: 'Main 1' },
      names: { en: 'Bridge' },
    });
  });

  test('the same again is unchanged, and neither argument changes', () => {
    const before = { properties: { a: null }, provenance: [{ pointer: '/heightM', source: 'survey' }], heightM: 6 };
    expect(isUnchanged(before, {})).toBe(true);
    expect(isUnchanged(before, before)).toBe(true);
    const [one, other] = [Object.freeze(kept(before)), Object.freeze(row())];
    mergeStated(one, other);
    expect(one).toEqual(kept(before));
    expect(other).toEqual(row());
  });

  test('members that the server makes are left out', () => {
    const { document } = mergeStated({ ...kept(), id: 'x', uid: 'u', version: 3, missing: [] } as KeptDocument, row());
    expect(Object.keys(document)).not.toEqual(expect.arrayContaining(['id']));
    expect(document).not.toHaveProperty('missing');
  });
});

describe('services', () => {
  const wra = (serial: string) => `https://a.example/getImage.aspx?CCTV_SN=0x${serial.repeat(40)}`;

  test('go by URL: what the camera knows of one stays', () => {
    const secret = { set: true, updatedAt: '2026-11-01T00:00:00Z' };
    const before = {
      services: [
        { kind: 'rtsp', url: 'rtsp://10.1.2.3/live', tls: 'pinned' },
        { kind: 'snapshot', url: wra('A'), refreshS: 60, credentials: secret },
      ],
    };
    const { document } = merged(before, { services: [{ kind: 'snapshot', url: wra('B') }] });
    expect(document.services).toEqual([{ kind: 'snapshot', url: wra('B'), refreshS: 60, credentials: secret }]);
  });

  test('a new serial alone is unchanged, another path is not', () => {
    const before = { services: [{ kind: 'snapshot', url: wra('A') }] };
    expect(isUnchanged(before, { services: [{ kind: 'snapshot', url: wra('B') }] })).toBe(true);
    expect(isUnchanged(before, { services: [{ kind: 'snapshot', url: wra('B').replace('Image', 'Other') }] })).toBe(
      false,
    );
  });

  test('a guessed kind never overwrites a known one of the same URL', () => {
    const url = 'http://10.1.2.3/x';
    const guess = {
      services: [{ kind: 'mjpeg', url }],
      provenance: [{ pointer: '/services/0/kind', source: 'assumed' }],
    };
    expect(merged({ services: [{ kind: 'snapshot', url }] }, guess).document.services).toEqual([
      { kind: 'snapshot', url },
    ]);
    expect(isUnchanged({ services: [{ kind: 'snapshot', url }], provenance: guess.provenance }, guess)).toBe(true);
    expect(
      merged({ services: [{ kind: 'snapshot', url }] }, { services: [{ kind: 'mjpeg', url }] }).document.services[0]
        ?.kind,
    ).toBe('mjpeg');
  });

  test('a row without services takes none away, nor the lifecycle', () => {
    const admitted = { services: [], lifecycle: 'suspended' };
    expect(isUnchanged({}, admitted)).toBe(true);
    expect(isUnchanged(admitted, admitted)).toBe(true);
  });
});

describe('better sources', () => {
  const words = {
    view: { azimuthDeg: 270, azimuthAccuracyDeg: 20, source: 'name_text' },
    provenance: [{ pointer: '/view/azimuthDeg', source: 'name_text', accuracy: 20, text: '(向西)' }],
  };

  test('a surveyed azimuth survives a nightly import of names, however it was entered', () => {
    const survey = { view: { azimuthDeg: 268, source: 'survey', azimuthAccuracyDeg: 1 } };
    for (const before of [survey, { ...survey, provenance: words.provenance }]) {
      const { document, warned } = merged(before, words);
      expect(document.view).toEqual(survey.view);
      expect(warned).toEqual(['kept_better /view/azimuthDeg']);
      expect(isUnchanged(before, words)).toBe(true);
    }
    expect(merged({ view: { azimuthDeg: 270, source: 'survey' } }, words).warned).toEqual([]);
  });

  test('words overwrite words, a survey overwrites words, words fill what is unknown', () => {
    expect(isUnchanged(words, words)).toBe(true);
    const east = { ...words, view: { ...words.view, azimuthDeg: 90 } };
    expect(merged(words, east)).toMatchObject({ document: { view: { azimuthDeg: 90 } }, warned: [] });
    const survey = { view: { azimuthDeg: 268, source: 'survey' } };
    expect(merged(words, survey).document).toMatchObject(survey);
    expect(merged(words, survey).document.view).not.toHaveProperty('azimuthAccuracyDeg');
    expect(merged(words, survey).document).not.toHaveProperty('provenance');
    expect(merged({}, words).document).toMatchObject(words);
  });

  test('words beside a surveyed tilt say that they are words', () => {
    const { document, warned } = merged({ view: { tiltDeg: -20, source: 'survey' } }, words);
    expect(document.view).toEqual({ tiltDeg: -20, azimuthDeg: 270, azimuthAccuracyDeg: 20, source: 'survey' });
    expect(document.provenance).toEqual(words.provenance);
    expect(warned).toEqual([]);
  });

  test('a survey of one member beside declared ones is told apart', () => {
    const { document } = merged({ view: { tiltDeg: -20, hfovDeg: 60 } }, { view: { tiltDeg: -22, source: 'survey' } });
    expect(document.view).toEqual({ tiltDeg: -22, hfovDeg: 60 });
    expect(document.provenance).toEqual([{ pointer: '/view/tiltDeg', source: 'survey' }]);
  });

  test('positions: a survey stays, its accuracy with it; a declared one moves and loses the old accuracy', () => {
    const survey = { positionSource: 'survey', positionAccuracyM: 2 };
    const moved = { location: { type: 'Point', coordinates: [120.3, 23.07] } };
    expect(merged(survey, moved)).toMatchObject({
      document: { location: minimal.location, ...survey },
      warned: ['kept_better /location'],
    });
    expect(merged(survey, {}).warned).toEqual([]);
    const stack = { ...moved, positionSource: 'centroid', positionAccuracyM: 5_000 };
    expect(merged({}, stack)).toMatchObject({ document: { location: minimal.location, positionSource: 'declared' } });
    const { document } = merged(stack, { location: minimal.location });
    expect(document).toMatchObject({ location: minimal.location, positionSource: 'declared' });
    expect(document).not.toHaveProperty('positionAccuracyM');
    expect(merged({ positionSource: 'centroid', positionAccuracyM: 5_000 }, {}).document).not.toHaveProperty(
      'positionAccuracyM',
    );
    expect(merged({ positionAccuracyM: 2 }, {}).document.positionAccuracyM).toBe(2);
  });

  test('single attributes by provenance', () => {
    const byName = { mobility: 'ptz', provenance: [{ pointer: '/mobility', source: 'name_text', text: '橋(旋)' }] };
    expect(merged({ mobility: 'dome' }, byName)).toMatchObject({
      document: { mobility: 'dome' },
      warned: ['kept_better /mobility'],
    });
    // `fixed` is what the registry fills in where nobody said anything.
    expect(merged({}, byName).document).toMatchObject(byName);
    expect(merged({ ...byName, mobility: 'fixed' }, byName).document).toMatchObject(byName);
    expect(merged(byName, { mobility: 'dome' }).document).not.toHaveProperty('provenance');
    expect(
      merged({ heightM: 6, provenance: [{ pointer: '/heightM', source: 'survey' }] }, { heightM: 7 }),
    ).toMatchObject({
      document: { heightM: 6, provenance: [{ pointer: '/heightM', source: 'survey' }] },
      warned: ['kept_better /heightM'],
    });
  });

  test('times at which the source spoke are no change', () => {
    const said = (at: string) => ({
      declared: { status: 'ok', code: '1', at },
      source: { system: 'x', updatedAt: at },
    });
    expect(isUnchanged(said('2026-11-01T00:00:00Z'), said('2026-11-02T00:00:00Z'))).toBe(true);
    expect(isUnchanged(said('2026-11-01T00:00:00Z'), { declared: { status: 'maintenance', code: '3' } })).toBe(false);
  });
});
