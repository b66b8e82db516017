import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import type { BuildingSet, Camera, CameraSight, ServiceDocument } from '#catalog';
import { endProgram, type Program, runProgram } from '#testing';
import type { Rgb } from '../src/canvas.js';
import { HOUSES_DATE, type Marker, MARKERS, P1 } from '../src/layout.js';
import { STREET } from '../src/street.js';
import { hear, signedIn, snapshotOf } from './hear.js';

/** The demonstration as a newcomer starts it: what the API says of its cameras is held against the pictures that they send. */
let program: Program;
let url: string;
let key: string;
const dataDir = mkdtempSync(path.join(tmpdir(), 'sightline-street-'));

async function start(): Promise<void> {
  program = runProgram({ env: { PORT: '0', SIGHTLINE_DATA_DIR: dataDir } });
  [, url = ''] = await program.said(/cameras {4}(http:\/\/[\d.:]+)\//);
  await program.said(/Ctrl\+C/);
}

beforeAll(async () => {
  await start();
  [, key = ''] = /^ {2}(slk_\w+)$/m.exec(program.stdout()) ?? [];
}, 120_000);
afterAll(async () => {
  await endProgram(program);
  rmSync(dataDir, { recursive: true, force: true });
});

async function ask<T>(address: string, method = 'GET'): Promise<T> {
  const response = await fetch(`${url}${address}`, { method, headers: { authorization: `Bearer ${key}` } });
  const text = await response.text();
  if (response.status >= 400) throw new Error(`${address}: ${text}`);
  return (text === '' ? null : JSON.parse(text)) as T;
}

const cameras = async (): Promise<readonly Camera[]> =>
  (await ask<{ items: Camera[] }>('/v1/cameras?limit=1000')).items;
const sightOf = ({ id }: Camera, { position }: Pick<Marker, 'position'>): Promise<CameraSight> =>
  ask(`/v1/cameras/${id}/sight?point=${position.join(',')}`);
const sets = async (): Promise<readonly BuildingSet[]> => (await ask<{ items: BuildingSet[] }>('/v1/buildings')).items;

/** What is drawn of a camera, which the registry does not know. */
const playedBy = ({ authority, localId }: Camera) =>
  STREET.find(({ document }) => document.authority === authority && document.localId === localId);

interface Picture {
  readonly rgb: Buffer;
  readonly widthPx: number;
  readonly heightPx: number;
}

/** The camera's picture now, by the address that the registry knows and the sign-in that it does not tell. */
async function pictureOf(camera: Camera): Promise<Picture> {
  const [service] = camera.services as unknown as ServiceDocument[];
  const signIn = playedBy(camera)?.traits.signIn;
  if (service === undefined || signIn === undefined) throw new Error(`no service of ${camera.localId}`);
  const { username = '', password = '' } = signIn.scheme === 'none' ? {} : signIn;
  const known = {
    ...service,
    ...(username === '' ? { credentials: undefined } : { credentials: { username, password } }),
  };
  const address = snapshotOf(known, { compression: '0' });
  const { status, body } = await hear(address, { headers: await signedIn(known, address) });
  if (status !== 200) throw new Error(`${camera.localId} answers ${status}`);
  const { data, info } = await sharp(body).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { rgb: data, widthPx: info.width, heightPx: info.height };
}

type Pixel = readonly [x: number, y: number];

/** A ball of a marker is round and of one strong colour: its pixels are alike in hue, whatever the light. */
function isOfHue([red, green, blue]: Rgb, [r, g, b]: Rgb): boolean {
  const [least, most] = [Math.min(r, g, b), Math.max(r, g, b)];
  if (most < 150 || most - least < 90) return false;
  const [low, high] = [Math.min(red, green, blue), Math.max(red, green, blue)];
  const share = (value: number): number => (value - least) / (most - least);
  return [red, green, blue].every((wanted, c) => Math.abs((wanted - low) / (high - low) - share([r, g, b][c]!)) < 0.2);
}

/** Middle of what has a marker's colour in a part of a picture; null where there is next to nothing. */
function ballIn({ rgb, widthPx }: Picture, colour: Rgb, isThere: (pixel: Pixel) => boolean): Pixel | null {
  let [sumX, sumY, count] = [0, 0, 0];
  for (let at = 0; at < rgb.length; at += 3) {
    if (!isOfHue(colour, [rgb[at]!, rgb[at + 1]!, rgb[at + 2]!])) continue;
    const [x, y]: Pixel = [((at / 3) % widthPx) + 0.5, Math.floor(at / 3 / widthPx) + 0.5];
    if (!isThere([x, y])) continue;
    sumX += x;
    sumY += y;
    count += 1;
  }
  return count < 5 ? null : [sumX / count, sumY / count];
}

/** Where a predicted pixel lies in a picture as served. */
function inPicture({ view }: Camera, { pixel }: CameraSight, { widthPx }: Picture): Pixel | null {
  const scale = widthPx / (view?.imageWidthPx ?? NaN);
  return pixel === null ? null : [pixel.u * scale, pixel.v * scale];
}

const distance = (a: Pixel, b: Pixel): number => Math.hypot(a[0] - b[0], a[1] - b[1]);

/** A marker is looked for so far around its prediction, in widths of the picture. */
const AROUND = 1 / 16;

/** How far from its prediction a marker is drawn, pixels of the picture as served; NaN where it is not found. */
async function missOf(camera: Camera, { rgb }: Marker, sight: CameraSight): Promise<number> {
  const picture = await pictureOf(camera);
  const wanted = inPicture(camera, sight, picture);
  if (wanted === null) return NaN;
  const found = ballIn(picture, rgb, (pixel) => distance(pixel, wanted) < picture.widthPx * AROUND);
  return found === null ? NaN : distance(found, wanted);
}

/** Cameras that show their street, with what the API says of each marker. */
async function judged(): Promise<readonly { camera: Camera; sights: readonly CameraSight[] }[]> {
  const healthy = (await cameras())
    .filter(({ services }) => services.length > 0)
    .filter((one) => playedBy(one)?.fault === null);
  const found = [];
  for (const camera of healthy)
    found.push({ camera, sights: await Promise.all(MARKERS.map((marker) => sightOf(camera, marker))) });
  return found;
}

describe('what sight predicts is what the pictures show', () => {
  test('every marker that is seen stands at its pixel, by a pixel of the picture as served', async () => {
    const misses = new Map<string, number>();
    for (const { camera, sights } of await judged()) {
      for (const [i, marker] of MARKERS.entries()) {
        const sight = sights[i]!;
        if (!sight.sees) continue;
        // A vehicle may stand before it or cover a part of it: of several moments one shows it whole.
        let least = Infinity;
        for (let look = 0; look < 8 && least >= 1; look++) {
          if (look > 0) await wait(1_500);
          const miss = await missOf(camera, marker, sight);
          if (miss < least) least = miss;
        }
        misses.set(`${camera.localId} ${marker.name}`, least);
      }
    }
    expect([...misses.keys()].sort()).toEqual([
      '1715 upper canal',
      '44 P2',
      '497 P1',
      'B P1',
      'D junction',
      'L Fuxing Road',
    ]);
    expect([...misses].filter(([, miss]) => miss >= 1)).toEqual([]);
  }, 120_000);

  test('a marker near by that is hidden or lies beside the picture is not found in it', async () => {
    const noes: string[] = [];
    const unseen = new Set([
      'occluded_by_building',
      'behind',
      'left_of_view',
      'right_of_view',
      'above_view',
      'below_view',
    ]);
    for (const { camera, sights } of await judged()) {
      for (const [i, { name, rgb }] of MARKERS.entries()) {
        const { reason, distanceM } = sights[i]!;
        // Those of the gauges have the colour of some vehicles.
        if (!unseen.has(reason ?? '') || distanceM > 300 || rgb !== MARKERS[0]?.rgb) continue;
        noes.push(`${camera.localId} ${name} ${String(reason)}`);
        const picture = await pictureOf(camera);
        const seen = sights.flatMap((sight) => (sight.sees ? [inPicture(camera, sight, picture)] : []));
        const isElsewhere = (pixel: Pixel): boolean =>
          seen.every((at) => at === null || distance(pixel, at) >= picture.widthPx * AROUND);
        expect([noes.at(-1), ballIn(picture, rgb, isElsewhere)]).toEqual([noes.at(-1), null]);
      }
    }
    expect(noes.sort()).toEqual(['497 P2 behind', 'A P1 behind', 'C P1 occluded_by_building']);
  }, 60_000);
});

describe('the houses of the street are a set of buildings', () => {
  test('of their own date, all of them; they decide what sees the flood place', async () => {
    expect(await sets()).toMatchObject([
      { date: HOUSES_DATE, status: 'ready', leftOut: 0, highestM: expect.any(Number) },
    ]);
    const { items } = await ask<{ items: Camera[] }>(`/v1/cameras?sees=${P1.join(',')}`);
    expect(items.map(({ localId, sight }) => [localId, sight?.occlusion])).toEqual([
      ['B', { model: 'buildings', modelDate: HOUSES_DATE, result: 'clear' }],
      ['497', { model: 'buildings', modelDate: HOUSES_DATE, result: 'clear' }],
    ]);
    const c = (await cameras()).find(({ authority, localId }) => authority === 'demo-roads' && localId === 'C');
    expect(await sightOf(c!, { position: P1 })).toMatchObject({ sees: false, reason: 'occluded_by_building' });
  }, 60_000);

  test('a second start adds no second set; a street that never had one gets it', async () => {
    const [first] = await sets();
    await endProgram(program);
    await start();
    expect(await sets()).toEqual([first]);
    await ask(`/v1/buildings/${first!.id}`, 'DELETE');
    await endProgram(program);
    await start();
    const again = await sets();
    expect(again).toMatchObject([{ status: 'ready', buildings: first!.buildings, bytes: first!.bytes }]);
    expect(again[0]!.id).not.toBe(first!.id);
  }, 120_000);
});
