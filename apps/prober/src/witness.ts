import { type KnownService, type ReferenceView, viewFingerprint } from '#catalog';
import { sunElevationDeg } from '#geo';
import { type HealthState, proposedFor, referenceView, type Sample, type Scene, type Told } from '#health';
import type { ClaimedCamera, ProposedReference } from '#storage';
import type { Answer } from './ask-service.js';
import type { Cards } from './cards.js';
import type { Eye } from './eye.js';
import type { Seen } from './keep-picture.js';
import type { Recalled } from './recall.js';
import { toldOf } from './told.js';

/** The service that gave the answer. */
export const serviceOf = ({ services }: ClaimedCamera, { service }: Answer): KnownService => {
  const asked = services[service.index];
  if (asked === undefined) throw new Error('bug: a service was asked that the camera does not have');
  return asked;
};

/** What decides what the picture of an answer shows, in short. */
export const fingerprintOf = (camera: ClaimedCamera, answer: Answer): string =>
  viewFingerprint({ service: serviceOf(camera, answer), view: camera.view, masks: camera.masks });

/** All that an answer shows of the camera, besides its outcome. */
export interface Witness {
  readonly sample: Sample;
  readonly scene: Scene;
  readonly told: Told;
}

/** Looks at the picture of an answer. @param now milliseconds since 1970, by the database's clock */
export async function witness(
  camera: ClaimedCamera,
  { state }: Recalled,
  answer: Answer,
  {
    seen,
    eye,
    cards,
    now,
  }: { readonly seen: Seen | null; readonly eye: Eye; readonly cards: Cards; readonly now: number },
): Promise<Witness> {
  const { reference } = camera;
  const scene = {
    sunElevationDeg: sunElevationDeg(camera.position, seen?.receivedAt ?? now),
    isFixed: camera.mobility === 'fixed',
    reference: reference?.of === fingerprintOf(camera, answer) ? reference : null,
  };
  const { scanHash: known } = state.picture;
  const isUnchanged = seen === null ? isUnchangedBy(answer) : seen.scanHash === known;
  // Living cameras never send a picture twice: nobody has to ask whether theirs is a card.
  const services = isUnchanged && known !== null ? await cards.services(known) : null;
  return {
    sample: sampleOf(answer, seen, eye, scene),
    scene,
    told: toldOf(answer, serviceOf(camera, answer), seen, { now, services }),
  };
}

function sampleOf(answer: Answer, seen: Seen | null, eye: Eye, scene: Scene): Sample {
  if (seen === null) return isUnchangedBy(answer) ? 'unchanged' : null;
  const view = referenceView({ scene });
  const look = eye.lookAt(seen.frame, typeof view === 'string' ? null : view);
  return { scanHash: seen.scanHash, ...(look === null ? {} : { look }) };
}

/** Whether the device said that its picture is the one we know. */
const isUnchangedBy = ({ result }: Answer): boolean =>
  result.outcome === 'ok' && result.frame === null && result.evidence.status === 304;

/**
 * The picture as the reference from now on, where it is to be one. Never that of a service that stands in for the first: the next one
 * would be compared with another service's.
 */
export function proposalOf(
  camera: ClaimedCamera,
  answer: Answer,
  { picture }: HealthState,
  {
    scene,
    seen,
    eye,
    now,
  }: { readonly scene: Scene; readonly seen: Seen | null; readonly eye: Eye; readonly now: number },
): ProposedReference | null {
  if (seen === null || answer.conditions.includes('primary_failing')) return null;
  const light = proposedFor(picture, scene, now);
  const outlined = light === null ? null : eye.asReference(seen.frame);
  if (light === null || outlined === null) return null;
  const view: ReferenceView = { capturedAt: new Date(seen.receivedAt).toISOString(), ...outlined };
  return { revision: camera.reference?.revision ?? 0, of: fingerprintOf(camera, answer), light, view };
}
