import {
  type Light,
  NoFreshPicture,
  NotComparable,
  type ReferenceDocument,
  type ReferenceView,
  viewFingerprint,
} from '#catalog';
import { outlinesOf, PictureError, type Signals } from '#frames';
import { sunElevationDeg } from '#geo';
import { isReferable, lightOf } from '#health';
import { type PresentPicture, References } from '#storage';
import type { EntityManager } from 'typeorm';
import type { ApiParts } from '../parts.js';

/** The present picture of a camera, ready to be accepted as its reference. */
export interface Candidate {
  readonly of: string;
  readonly light: Light;
  readonly view: ReferenceView;
}

/**
 * Looks at the present picture of a camera. Where anything stands against it, that is what whoever wants to accept it is told.
 * @throws NoFreshPicture
 * @throws NotComparable
 */
export async function candidateOf(
  present: PresentPicture,
  { store, pictures }: Pick<ApiParts, 'store' | 'pictures'>,
): Promise<Candidate> {
  const { frameKey, capturedAt, isStale, of, mobility, position, masks } = present;
  if (mobility !== 'fixed') throw new NotComparable(`the camera turns (its mobility is ${mobility})`);
  if (frameKey === null || capturedAt === null) throw new NoFreshPicture('the camera has no picture');
  if (isStale !== false) throw new NoFreshPicture(`the picture is of ${capturedAt} and no longer current`);
  if (of === null || !fingerprintsOf(present).includes(of)) {
    throw new NoFreshPicture('the picture was taken before the view, the service or the masks were changed');
  }
  const jpeg = await store.get(frameKey);
  if (jpeg === null) throw new NoFreshPicture('the picture is being replaced; ask again');
  const signals = await measured(pictures.measure(jpeg, masks));
  if (signals === null || !isReferable(signals)) throw new NotComparable('the picture shows too little of a view');
  const { sd, laplacianVariance } = signals;
  const view = { capturedAt, sd, laplacianVariance, outlines: outlinesOf(signals) };
  return { of, light: lightOf(sunElevationDeg([...position], Date.parse(capturedAt))), view };
}

/** What the pictures of each service show, as the camera is registered now. */
const fingerprintsOf = ({ services, view, masks }: PresentPicture): string[] =>
  services.map((service) => viewFingerprint({ service, view, masks }));

/** @throws NotComparable for a picture that was fine when it was stored and cannot be read now */
async function measured(signals: Promise<Signals | null>): Promise<Signals | null> {
  try {
    return await signals;
  } catch (error) {
    if (error instanceof PictureError) throw new NotComparable('the picture cannot be read', { cause: error });
    throw error;
  }
}

/** Makes a candidate the reference of its camera. */
export async function acceptReference(
  id: string,
  { of, light, view }: Candidate,
  { tx, by }: { readonly tx: EntityManager; readonly by: string },
): Promise<ReferenceDocument> {
  const accepted = await new References(tx).accept(id, { of, light, view, by });
  return { ...accepted, capturedAt: view.capturedAt };
}
