import type { AuthorityDocument } from './authority.document.js';
import type { CameraDocument, CameraRegistration } from './camera.document.js';
import type { KnownService } from './service.document.js';
import { ACCESS_LEVELS, type AccessLevel, type Lifecycle, type Mobility, type PositionSource } from './codes.js';
import type { Fault } from './problems.js';

/** A camera whose defaults are filled in: what is kept and answered. */
export interface ResolvedCamera extends CameraRegistration {
  positionSource: PositionSource;
  mobility: Mobility;
  lifecycle: Lifecycle;
  access: NonNullable<CameraDocument['access']> & { level: AccessLevel };
}

/** Whether `level` lets more people in than `floor` allows. */
export const isMoreOpen = (level: AccessLevel, floor: AccessLevel): boolean =>
  ACCESS_LEVELS.indexOf(level) < ACCESS_LEVELS.indexOf(floor);

type Rules = Pick<AuthorityDocument, 'defaults' | 'accessFloor' | 'slug'>;

/** Fills in what the agency left to its own and the registry's defaults. A stated level is not changed here. */
export function withDefaults(camera: CameraRegistration, { defaults, accessFloor = 'public' }: Rules): ResolvedCamera {
  const usual = defaults?.access ?? 'public';
  const level = camera.access?.level ?? (isMoreOpen(usual, accessFloor) ? accessFloor : usual);
  return {
    ...camera,
    positionSource: camera.positionSource ?? 'declared',
    mobility: camera.mobility ?? 'fixed',
    lifecycle: camera.lifecycle ?? 'active',
    access: { ...camera.access, level },
  };
}

/** Faults of a camera under the rules of its authority. */
export function floorFaults(camera: ResolvedCamera, { slug, accessFloor = 'public' }: Rules): readonly Fault[] {
  const { level } = camera.access;
  if (!isMoreOpen(level, accessFloor)) return [];
  const detail = `${slug} lets no camera be more open than ${accessFloor}, got ${level}`;
  return [{ pointer: '/access/level', code: 'conflict', detail }];
}

/** The camera's name among all systems. */
export const uidOf = ({ authority, localId }: Pick<CameraDocument, 'authority' | 'localId'>): string =>
  `urn:sightline:camera:${authority}:${encodeURIComponent(localId)}`;

/**
 * What anybody who may see the camera reads: no address, no serial number, no masks, none of the agency's own members
 * (security.md, "Authorisation"). Kept beside the whole document, so that a stranger's query never touches the latter.
 */
export function publicDocument(camera: ResolvedCamera): CameraDocument & { services: KnownService[] } {
  const { properties: _own, services, device, access, source: _source, ...open } = camera;
  const { serialNumber: _serial, ...openDevice } = device ?? {};
  const { privacyMasks: _masks, ...openAccess } = access;
  return {
    ...open,
    ...(device === undefined ? {} : { device: openDevice }),
    access: openAccess,
    // A stranger learns that there is a stream and how often it changes, never where.
    services: services.map(({ kind, refreshS }) => ({ kind, ...(refreshS === undefined ? {} : { refreshS }) })),
  };
}

/** Words in which `q` searches, in lower case: name, names, localId, address. */
export function searchTextOf({ name, names = {}, localId, address = {} }: CameraDocument): string {
  return [name, ...Object.values(names), localId, ...Object.values<string>({ ...address })].join('\n').toLowerCase();
}
