import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { authorityFaults, AuthorityDocument, cameraFaults, CameraRegistration, check, completenessOf } from '#catalog';
import { AUTHORITY_SLUGS, authorityOf } from './authorities.js';
import { inForce } from './behaviour.js';
import { faultsPage } from './fault-table.js';
import { FAULTS, faultRow, isFault } from './faults.js';
import { readCall } from './control-call.js';
import { loadCamera } from './load.js';
import { eastNorth } from './projection.js';
import { RESOLUTIONS, readRequest, vapixOf } from './request.js';
import { STREET } from './street.js';
import { P1, P2 } from './layout.js';
import { always, stepAt } from './timetable.js';

/** As `start` does: addresses are of no interest here. */
const registrations = STREET.map(({ document, kinds, resolution }) => ({
  ...document,
  services: kinds.map((kind) => ({ kind, url: `http://127.41.0.1:3100/${kind}`, vapix: { resolution } })),
}));

const of = (authority: string, localId: string) =>
  registrations.find((one) => one.authority === authority && one.localId === localId);

describe('street', () => {
  test.each(registrations.map((one) => [`${one.authority}/${one.localId}`, one] as const))(
    '%s is a faultless registration',
    (_, registration) => {
      const checked = check(CameraRegistration, registration);
      if (!('document' in checked)) throw new Error(JSON.stringify(checked.problems));
      expect(cameraFaults(checked.document)).toEqual([]);
      expect(registration.name).toMatch(/ \(simulated\)$/);
      expect(registration).toMatchObject({
        positionSource: 'survey',
        address: { country: 'TW', city: 'Tainan', district: 'Sinshih' },
      });
    },
  );

  test('its authorities are faultless', () => {
    for (const slug of AUTHORITY_SLUGS) {
      const checked = check(AuthorityDocument, authorityOf(slug, [3100], '127.0.0.1'));
      if (!('document' in checked)) throw new Error(JSON.stringify(checked.problems));
      expect(authorityFaults(checked.document)).toEqual([]);
      expect(checked.document.probing).toEqual({ intervalS: 20, minIntervalS: 5 });
      expect(checked.document.network).toEqual({ cidrs: ['127.0.0.0/8'], ports: [3100] });
    }
    expect(authorityOf('demo-park', [1], '127.0.0.1').kind).toBe('private');
  });

  test('ids are unique, and enough cameras are public, active and healthy', () => {
    expect(new Set(registrations.map(({ authority, localId }) => `${authority}/${localId}`)).size).toBe(STREET.length);
    const open = STREET.filter(
      ({ document }) => document.lifecycle === 'active' && document.access?.level === 'public',
    );
    expect(open.length).toBeGreaterThanOrEqual(24);
    expect(open.filter(({ fault }) => fault === null || fault === 'slow').length).toBeGreaterThanOrEqual(18);
    // Broken ones of one site stay a minority, else the site itself is taken for down (probing.md, S10).
    for (const slug of AUTHORITY_SLUGS) {
      const own = open.filter(({ document }) => document.authority === slug);
      const broken = own.filter(({ fault }) => fault !== null && fault !== 'slow');
      expect(broken.length).toBeLessThanOrEqual(own.length * 0.4);
    }
  });

  test.each([
    ['demo-water', '1639', 120.290608, 23.079451, 225, -20, 60, 6, 150, 1920],
    ['demo-water', '497', 120.296464, 23.077916, 309, -4, 50, 8, 300, 1920],
    ['demo-water', '44', 120.297928, 23.080806, 153, -4, 40, 7, 300, 1920],
    ['demo-roads', 'A', 120.294414, 23.079, 270, -10, 60, 6, 200, 1920],
    ['demo-roads', 'B', 120.295, 23.080987, 180, -5, 30, 8, 300, 3840],
    ['demo-roads', 'C', 120.295878, 23.079, 270, -10, 60, 6, 200, 1920],
  ] as const)(
    '%s %s is that of domain.md',
    (slug, id, lon, lat, azimuthDeg, tiltDeg, hfovDeg, heightM, farM, width) => {
      expect(of(slug, id)).toMatchObject({
        location: { coordinates: [lon, lat] },
        heightM,
        lifecycle: 'active',
        access: { level: 'public' },
        view: {
          azimuthDeg,
          tiltDeg,
          hfovDeg,
          farM,
          imageWidthPx: width,
          imageHeightPx: (width * 9) / 16,
          source: 'survey',
        },
      });
      expect(STREET.find(({ document }) => document.localId === id)?.fault).toBeNull();
    },
  );

  test('all others stand over 600 m from both flood places', () => {
    const table = new Set(['1639', '497', '44', 'A', 'B', 'C']);
    const others = [...registrations.filter(({ localId }) => !table.has(localId)), loadCamera(0), loadCamera(4_999)];
    for (const { localId, location } of others) {
      const least = Math.min(...[P1, P2].map((place) => Math.hypot(...eastNorth(place, location.coordinates))));
      expect([localId, least > 605]).toEqual([localId, true]);
    }
  });

  test('has one of each kind that the demonstration shows', () => {
    expect(of('demo-water', '1742')?.name).toContain('(向西)');
    for (const id of ['1742', '1730']) {
      const camera = of('demo-water', id);
      expect(camera?.view).toBeUndefined();
      expect(completenessOf(camera ?? {})).toMatchObject({ completeness: 'point' });
    }
    const full = registrations.filter(({ view }) => view !== undefined);
    expect(full.every((camera) => completenessOf(camera).completeness === 'frustum')).toBe(true);
    expect(of('demo-roads', 'D')).toMatchObject({ mobility: 'ptz', ptz: { homePreset: '1' } });
    expect(of('demo-roads', 'D')?.presets).toHaveLength(3);
    const shown = STREET.filter(({ shownPresets }) => shownPresets.length > 0);
    expect(shown.map(({ document, shownPresets }) => [document.localId, shownPresets.map(({ id }) => id)])).toEqual([
      ['D', ['2', '3']],
    ]);
    expect(registrations.filter(({ siteId }) => siteId === 'mast-1').map(({ view }) => view?.azimuthDeg)).toEqual([
      0, 90, 180, 270,
    ]);
    expect(new Set(registrations.map(({ lifecycle }) => lifecycle))).toEqual(
      new Set(['active', 'planned', 'maintenance']),
    );
    expect(new Set(registrations.map(({ access }) => access?.level))).toEqual(
      new Set(['public', 'restricted', 'agency']),
    );
    expect(new Set(STREET.map(({ fault }) => fault))).toEqual(
      new Set([
        null,
        'frozen',
        'card',
        'unauthorized',
        'slow',
        'refused',
        'busy',
        'html',
        'silence',
        'cut',
        'not_found',
      ]),
    );
  });

  test('a load camera is a faultless registration', () => {
    const services = [{ kind: 'mjpeg', url: 'http://127.100.0.1:3100/axis-cgi/mjpg/video.cgi' }];
    expect(check(CameraRegistration, { ...loadCamera(17), services })).toHaveProperty('document');
    expect(loadCamera(17).name).toMatch(/ \(simulated\)$/);
  });
});

describe('faults', () => {
  test('the list is closed: each has a name of its own, and words', () => {
    expect(new Set(FAULTS).size).toBe(FAULTS.length);
    for (const fault of FAULTS) {
      expect([fault, isFault(fault)]).toEqual([expect.stringMatching(/^[a-z0-9_]+$/), true]);
      expect([fault, faultRow(fault).does]).toEqual([fault, expect.stringMatching(/^[^|]+[^.|]$/)]);
    }
    expect([isFault('live'), isFault('toString'), isFault(7)]).toEqual([false, false, false]);
  });

  test('docs/faults.md is what the program says', () => {
    const page = path.join(import.meta.dirname, '..', '..', '..', 'docs', 'faults.md');
    expect(readFileSync(page, 'utf8')).toBe(faultsPage());
  });

  test('some come and go', () => {
    const at = (fault: 'flapping' | 'reboot' | 'reboot_new_certificate', s: number) =>
      inForce(faultRow(fault).behaviour, 5_000, 5_000 + s * 1_000);
    expect([0, 59, 60, 119, 120, 180].map((s) => at('flapping', s).manner?.at ?? null)).toEqual([
      null,
      null,
      'answer',
      'answer',
      null,
      'answer',
    ]);
    expect(at('flapping', 130)).toMatchObject({ sinceMs: 125_000, untilMs: 185_000 });
    expect([at('reboot', 0), at('reboot', 20)]).toEqual([
      { manner: { at: 'listener', how: 'closed' }, sinceMs: 5_000, untilMs: 25_000 },
      { manner: null, sinceMs: 25_000, untilMs: Infinity },
    ]);
    expect(at('reboot_new_certificate', 21).manner).toEqual({ at: 'handshake', how: 'new_certificate' });
  });

  test('a timetable: in turn, over and over or once, also where a clock was set back', () => {
    const steps = [
      { of: 'a', forMs: 10 },
      { of: 'b', forMs: 5 },
    ];
    const named = (repeats: boolean, nowMs: number) => stepAt({ steps, repeats }, 100, nowMs)?.of ?? null;
    expect([90, 100, 109, 110, 114, 115, 126].map((nowMs) => named(true, nowMs)).join('')).toBe('aaabbab');
    expect([90, 100, 109, 110, 114, 115].map((nowMs) => named(false, nowMs))).toEqual(['a', 'a', 'a', 'b', 'b', null]);
    expect(stepAt(always('x'), 0, 1e15)).toEqual({ of: 'x', sinceMs: 0, untilMs: Infinity });
  });

  test('a control call says whom it concerns and what; anything else is told what is wrong', () => {
    expect(readCall({ site: 'demo-park', fault: null })).toMatchObject({ concerned: { site: 'demo-park' } });
    const timetable = [
      { fault: 'frozen', forS: 60 },
      { fault: null, forS: 0.5 },
    ];
    expect(readCall({ everything: true, timetable, repeats: true })).toMatchObject({
      concerned: { everything: true },
      suffering: {
        steps: [
          { of: 'frozen', forMs: 60_000 },
          { of: null, forMs: 500 },
        ],
        repeats: true,
      },
    });
    for (const [body, wrong] of [
      [{ fault: null }, /site as text/],
      [{ site: 'a', authority: 'b', localId: 'c', fault: null }, /site as text/],
      [{ site: 'a', everything: true, fault: null }, /site as text/],
      [{ everything: 1, fault: null }, /everything as true/],
      [{ site: 'a' }, /got nothing/],
      [{ site: 'a', fault: null, repeats: true }, /timetable/],
      [{ site: 'a', fault: null, timetable }, /not both/],
      [{ site: 'a', timetable: [] }, /1 to 50 steps/],
      [{ site: 'a', timetable, repeats: 1 }, /true or false/],
      [{ site: 'a', timetable: [null] }, /got nothing/],
      [{ site: 'a', timetable: [{ fault: null, forS: 0 }] }, /forS/],
      [{ site: 'a', timetable: [{ fault: null, forS: 1e9 }] }, /forS/],
    ] as const) {
      expect([body, readCall(body)]).toEqual([body, expect.stringMatching(wrong)]);
    }
  });
});

describe('request', () => {
  const read = (text: string) => readRequest(Buffer.from(text, 'latin1'));

  test('is read when it is whole, with either line end', () => {
    expect(read('GET /a?b=c HTTP/1.1\r\nHost: x\r\n')).toBe('more');
    for (const eol of ['\r\n', '\n']) {
      const text = ['GET /a?b=c&b=d HTTP/1.1', 'HOST:x', 'Accept : y ', '', ''].join(eol);
      const got = read(`${text}GET /next`);
      if (typeof got === 'string') throw new Error(got);
      expect(got.length).toBe(text.length);
      expect(got.request).toMatchObject({ method: 'GET', path: '/a', target: '/a?b=c&b=d', version: '1.1' });
      expect([...got.request.headers]).toEqual([
        ['host', 'x'],
        ['accept', 'y'],
      ]);
    }
    expect(read('SSH-2.0-x\r\n\r\n')).toBe('bad');
    expect(read('GET http://other/ HTTP/1.1\r\n\r\n')).toBe('bad');
    expect(read('x'.repeat(20_000))).toBe('bad');
  });

  test('arguments: later ones win, odd ones are refused in words', () => {
    const ask = (query: string) => vapixOf(new URLSearchParams(query), RESOLUTIONS);
    expect(ask('')).toEqual({ camera: '1', widthPx: 640, heightPx: 360, compression: 30, fps: 10 });
    expect(ask('resolution=320x240&resolution=1280x720&fps=2&clock=1')).toMatchObject({ widthPx: 1280, fps: 2 });
    expect(ask('fps=200')).toMatchObject({ fps: 10 });
    expect(ask('resolution=641x361')).toBe('<!-- Resolution 641x361 not supported. -->');
    expect(ask('resolution=--%3E%3Cscript%3E')).toBe('<!-- Resolution script not supported. -->');
    expect(ask('resolution=3840x2160')).toMatch(/not supported/);
    for (const bad of ['compression=101', 'compression=-1', 'compression=x', 'fps=1.5'])
      expect(typeof ask(bad)).toBe('string');
  });
});
