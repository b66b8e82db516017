import { createHash } from 'node:crypto';
import type { Keyring } from '#access';
import {
  type Authority,
  cameraFaults,
  type CameraRegistration,
  canonicalJson,
  completenessOf,
  deviceOf,
  filledView,
  floorFaults,
  isMoreOpen,
  type KeptService,
  planServices,
  publicDocument,
  type ResolvedCamera,
  type ServicePlan,
  searchTextOf,
  TargetNotAllowed,
  uidOf,
  ValidationFailed,
  withDefaults,
} from '#catalog';
import { geoCameraOf } from '#geo';
import type { CameraRecord, SealedSecret } from '#storage';
import { policyOf, targetFaults } from './camera-rules.js';

/** What a record is made of, beside the document itself. */
export interface Composition {
  readonly id: string;
  readonly authority: Authority;
  /** Services of the camera as it is kept; none for a new one, nor for one that comes from another authority. */
  readonly kept: readonly KeptService[];
  readonly keyring: Keyring;
  /** Fingerprint of the secret in a slot: the same credentials again are no change. */
  readonly fingerprintOf?: (slot: number) => string | undefined;
  /** The document as it is kept; null for a new camera, and for one that comes from another authority. */
  readonly before: ResolvedCamera | null;
  /** RFC 3339. */
  readonly at: string;
  readonly loopbackCameras: boolean;
}

const PROBED: readonly string[] = ['active', 'maintenance'];

/**
 * Everything that one write keeps of a camera whose shape has been checked: rules between members, the authority's
 * rules, the services' secrets sealed and gone from the document.
 * @throws ValidationFailed
 * @throws TargetNotAllowed
 * @throws CredentialsAmbiguous
 */
export function composeRecord(stated: CameraRegistration, composition: Composition): CameraRecord {
  const { id, authority, keyring, at, loopbackCameras } = composition;
  const defaulted = withDefaults(stated, authority);
  const view = filledView(defaulted.view, composition.before?.view);
  const camera = { ...defaulted, ...(view === undefined ? {} : { view }) };
  const faults = [...cameraFaults(camera), ...floorFaults(camera, authority)];
  if (faults.length > 0) throw new ValidationFailed(faults);
  const refused = targetFaults(camera.services, policyOf(authority, loopbackCameras));
  if (refused.length > 0) throw new TargetNotAllowed(refused);

  const isRetired = camera.lifecycle === 'retired';
  const services = isRetired ? camera.services.map((service) => ({ ...service, credentials: null })) : camera.services;
  const plan = withoutKnown(planServices(services, composition.kept, at), composition);
  const resolved = { ...camera, services: plan.services } as ResolvedCamera;
  const { completeness, missing } = completenessOf(resolved);
  const [main] = plan.services;
  const { accessFloor = 'public' } = authority;
  return {
    id,
    document: { ...resolved, uid: uidOf(resolved), missing },
    publicDocument: { ...publicDocument(resolved), uid: uidOf(resolved), missing } as CameraRecord['publicDocument'],
    accessLevel: isMoreOpen(resolved.access.level, accessFloor) ? accessFloor : resolved.access.level,
    completeness,
    geo: geoCameraOf(resolved),
    changesViews: composition.before === null || seenOf(composition.before) !== seenOf(resolved),
    searchText: searchTextOf(resolved),
    slots: plan.slots,
    contentHash: contentHashOf(resolved),
    secrets: plan.secrets.map(({ slot, credentials }): SealedSecret => ({
      ...keyring.seal({ cameraId: id, authority: authority.slug, slot }, credentials),
      slot,
      updatedAt: at,
    })),
    keeps: plan.keeps,
    dialsAnew: plan.secrets.length > 0 || dialled(composition.before) !== dialled(resolved),
    // What comes from another authority was taken under that one's terms.
    dropsPicture: isRetired || composition.before === null || masksOf(composition.before) !== masksOf(resolved),
    dropsPresets: composition.before === null ? [] : presetsShownOtherwise(composition.before, resolved),
    probeHost: main?.url !== undefined && PROBED.includes(resolved.lifecycle) ? deviceOf(main.url) : null,
  };
}

/** What geometry goes by. */
const seenOf = (camera: ResolvedCamera): string => canonicalJson(geoCameraOf(camera));

/** What a prober goes by: a change of it lifts every hold-off, and a probe under way counts no more. */
const dialled = (camera: ResolvedCamera | null): string =>
  camera === null ? '' : canonicalJson([camera.services, camera.lifecycle, camera.presets ?? []]);

/** Presets whose pictures came from other services than those that show them now. */
function presetsShownOtherwise(before: ResolvedCamera, after: ResolvedCamera): readonly string[] {
  const shownBy = ({ services }: ResolvedCamera, preset: string): string =>
    canonicalJson(
      services.filter(({ shows }) => shows === preset).map(({ kind, url, vapix }) => [kind, url, vapix ?? {}]),
    );
  const presets = new Set(before.services.flatMap(({ shows = 'main' }) => (shows === 'main' ? [] : [shows])));
  return [...presets].filter((preset) => shownBy(before, preset) !== shownBy(after, preset));
}

/** A picture without a new mask must not be shown a moment longer. */
const masksOf = ({ access }: ResolvedCamera): string => canonicalJson(access.privacyMasks ?? []);

/** Credentials that were sent and are kept already stay as they are, with the time at which they were set. */
function withoutKnown(plan: ServicePlan, { keyring, kept, fingerprintOf }: Composition): ServicePlan {
  const isKnown = ({ slot, credentials }: ServicePlan['secrets'][number]): boolean => {
    const fingerprint = fingerprintOf?.(slot);
    return fingerprint !== undefined && keyring.sameCredentials(fingerprint, credentials);
  };
  const known = plan.secrets.filter(isKnown).map(({ slot }) => slot);
  if (known.length === 0) return plan;
  const setAt = new Map(kept.map(({ slot, secretAt }) => [slot, secretAt]));
  return {
    ...plan,
    secrets: plan.secrets.filter(({ slot }) => !known.includes(slot)),
    keeps: [...plan.keeps, ...known],
    services: plan.services.map((service, i) => {
      const updatedAt = setAt.get(plan.slots[i] ?? 0);
      return known.includes(plan.slots[i] ?? 0) && updatedAt != null
        ? { ...service, credentials: { set: true, updatedAt } }
        : service;
    }),
  };
}

/** SHA-256 over the canonical JSON of what the agency states; where credentials are set counts, since when does not. */
function contentHashOf({ services, ...document }: ResolvedCamera): Buffer {
  const stated = {
    ...document,
    services: services.map(({ credentials, ...service }) => ({
      ...service,
      hasCredentials: credentials !== undefined,
    })),
  };
  return createHash('sha256').update(canonicalJson(stated)).digest();
}
