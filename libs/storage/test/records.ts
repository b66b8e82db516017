import { randomUUID } from 'node:crypto';
import { type CameraRegistration, publicDocument, uidOf, withDefaults } from '#catalog';
import { geoCameraOf } from '#geo';
import { FIRST_STATE } from '#health';
import type { CameraRecord } from '../src/cameras.js';
import type { ClaimedCamera } from '../src/due-queue.js';
import type { ProbeRecord } from '../src/probe-record.js';

let count = 0;

/** A camera of the authority `wrb`, each on a device of its own. */
export function record(parts: Partial<CameraRecord> = {}, stated: Partial<CameraRegistration> = {}): CameraRecord {
  count += 1;
  const camera = withDefaults(
    {
      authority: 'wrb',
      localId: `camera ${count}`,
      name: 'Sinshih bridge',
      location: { type: 'Point', coordinates: [120.29, 23.08] },
      services: [{ kind: 'mjpeg', url: `http://10.0.0.${count % 250}/video` }],
      ...stated,
    },
    { slug: 'wrb' },
  );
  const document = { ...camera, uid: uidOf(camera), missing: [] };
  return {
    id: randomUUID(),
    document,
    publicDocument: publicDocument(camera),
    accessLevel: 'public',
    completeness: 'point',
    geo: geoCameraOf(camera),
    changesViews: false,
    searchText: '',
    slots: camera.services.map((_, i) => i + 1),
    contentHash: Buffer.alloc(32),
    secrets: [],
    keeps: [],
    dialsAnew: true,
    dropsPicture: false,
    dropsPresets: [],
    probeHost: `host-${count}`,
    ...parts,
  };
}

/** A picture came. */
export function result(
  { cameraId, epoch, configVersion }: ClaimedCamera,
  parts: Partial<ProbeRecord> = {},
): ProbeRecord {
  const checkedAt = new Date().toISOString();
  return {
    cameraId,
    epoch,
    configVersion,
    network: null,
    status: 'online',
    shown: { since: checkedAt, flapping: false, agreement: 'unknown', conditions: [], flags: [] },
    state: { ...FIRST_STATE, standing: 'online' },
    memory: { seen: 1 },
    report: {
      outcome: 'ok',
      service: 'mjpeg',
      phases: { dnsMs: null, connectMs: 1, tlsMs: null, firstByteMs: 2, firstFrameMs: 3 },
      frame: { widthPx: 640, heightPx: 480, bytes: 1234 },
      status: 'online',
      checkedAt,
    },
    countedAs: 'ok',
    dueInS: 30,
    staleAfterS: 120,
    notices: [],
    ...parts,
  };
}
