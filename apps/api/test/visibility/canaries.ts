import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { Sightline } from '#testing';
import { open, scene } from '../../../../libs/frames/test/made-pictures.js';
import { ask } from '../asking.js';
import { clientOf } from '../client.js';
import { addAuthority, addCamera, registration } from '../fixtures.js';
import { GUEST, type Level, LEVELS, OWNER, STRANGER } from './callers.js';

/** A camera whose every word is found again, wherever it is told. */
export interface Canary {
  readonly level: Level;
  readonly id: string;
  readonly localId: string;
  /** A place that it sees. */
  readonly sees: readonly [lon: number, lat: number];
  /** ETag under which its administrator reads it. */
  readonly etag: string;
  /** What everybody reads who knows the camera; id and local id are among them. */
  readonly known: readonly string[];
  /** What its agency's viewers read beyond that. */
  readonly ofViewers: readonly string[];
  /** What those read beyond that who change it. */
  readonly ofOperators: readonly string[];
  /** What nobody ever reads. */
  readonly secret: readonly string[];
}

/** A camera server, so that there are pictures, and a camera of each level with pictures of its own. */
export async function openCanaries(
  sightline: Sightline,
): Promise<{ readonly canaries: readonly Canary[]; close(): Promise<void> }> {
  const picture = await open(scene(640, 360)).jpeg().toBuffer();
  const device = createServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'image/jpeg' }).end(picture),
  );
  await new Promise<void>((resolve) => device.listen(0, '127.0.0.1', resolve));
  const { port } = device.address() as AddressInfo;
  const admin = clientOf(sightline.url, sightline.key);
  await addAuthority(admin, OWNER, { network: { cidrs: ['127.0.0.0/8'], ports: [port] } });
  for (const slug of [GUEST, STRANGER]) await addAuthority(admin, slug);
  const canaries = [];
  for (const level of LEVELS) canaries.push(await addCanary(sightline, level, port));
  return {
    canaries,
    close: async () => {
      device.closeAllConnections();
      await new Promise((resolve) => device.close(resolve));
    },
  };
}

async function addCanary(sightline: Sightline, level: Level, port: number): Promise<Canary> {
  const localId = `zq${level}`;
  const lat = { public: 23.0791111, agency: 23.0792222, restricted: 23.0793333 }[level];
  const corner = { public: 0.123101, agency: 0.123102, restricted: 0.123103 }[level];
  const points: [number, number][] = [
    [0, 0],
    [corner, 0],
    [0.1, 0.1],
  ];
  const camera = registration({
    localId,
    name: `Canary ${level} kv7`,
    location: { type: 'Point', coordinates: [120.1234567, lat] },
    access: { level, privacyMasks: [{ points }], retentionS: 3_600 },
    device: { serialNumber: `SERIAL${level}` },
    properties: { secretNote: `note-${level}-x9` },
    services: [
      {
        kind: 'snapshot',
        url: `http://127.0.0.1:${port}/path-${level}-w3`,
        credentials: { username: `user-${level}`, password: `pass-${level}-p4` },
      },
    ],
    lifecycle: 'active',
    heightM: 6,
    view: { azimuthDeg: 0, tiltDeg: -20, hfovDeg: 60, vfovDeg: 34, farM: 100, imageWidthPx: 1_920 },
  });
  const { id } = await addCamera(clientOf(sightline.url, sightline.key), camera);
  const ofAll = { key: sightline.key };
  const until = new Date(Date.now() + 86_400_000).toISOString();
  const grant = { camera: id, grantee: GUEST, until, reason: 'for a test' };
  const granted = await ask(sightline, 'POST', '/v1/grants', { ...ofAll, body: grant });
  if (granted.status !== 201) throw new Error(granted.text);
  for (const end = Date.now() + 60_000; ; await wait(100)) {
    if ((await ask(sightline, 'GET', `/v1/cameras/${id}/thumbnail`, ofAll)).status === 200) break;
    if (Date.now() > end) throw new Error(`no picture of the camera ${localId} came`);
  }
  const { headers } = await ask(sightline, 'GET', `/v1/cameras/${id}`, ofAll);
  return {
    level,
    id,
    localId,
    sees: [120.1234567, lat + 0.0002],
    etag: headers.get('etag') ?? '',
    known: [`Canary ${level} kv7`, String(lat), id, localId],
    ofViewers: [`SERIAL${level}`, `note-${level}-x9`, String(corner)],
    ofOperators: [`path-${level}-w3`],
    secret: [`pass-${level}-p4`, `user-${level}`],
  };
}
