import type { CameraRegistration, Lifecycle, PresetDocument, ServiceKind } from '#catalog';
import type { AuthoritySlug } from './authorities.js';
import type { Dialect, Traits } from './device.js';
import type { Fault } from './faults.js';
import type { LonLat, Pose } from './projection.js';
import { DEMO_ACCOUNT, type SignIn } from './sign-in.js';
import { placeAt } from './layout.js';

/** A camera of the street: what its agency states, what it really sees, and how its device behaves. */
export interface StreetCamera {
  readonly document: Omit<CameraRegistration, 'services'>;
  readonly pose: Pose;
  readonly kinds: readonly ServiceKind[];
  /** Presets of its document that the device shows as channels of their own, from the second on. */
  readonly shownPresets: readonly PresetDocument[];
  readonly resolution: string;
  readonly traits: Traits;
  readonly isRising: boolean;
  /** What it suffers from at the start. */
  readonly fault: Fault | null;
  /** Cameras of one head share a device and are its channels in order; null for a device of its own. */
  readonly head: string | null;
}

/** A camera as the list of the street writes it. */
export interface Line {
  readonly id: string;
  readonly en: string;
  readonly zh: string;
  readonly at: LonLat;
  /** Azimuth, tilt, horizontal angle of view, degrees. */
  readonly looks: readonly [azimuthDeg: number, tiltDeg: number, hfovDeg: number];
  readonly heightM: number;
  readonly farM: number;
  readonly widthPx?: number;
  /** Default: stream, then snapshot. */
  readonly kinds?: readonly ServiceKind[];
  readonly more?: Partial<CameraRegistration>;
  /** Ids of presets that have a service of their own. */
  readonly shownPresets?: readonly string[];
  /** False: the agency has not stated where it looks. */
  readonly isViewKnown?: boolean;
  readonly lifecycle?: Lifecycle;
  readonly level?: 'public' | 'agency' | 'restricted';
  readonly signIn?: SignIn;
  readonly dialect?: Dialect;
  readonly fileS?: number;
  readonly isRising?: boolean;
  readonly fault?: Fault;
  readonly head?: string;
}

const BOTH: readonly ServiceKind[] = ['mjpeg', 'snapshot'];

/** Makes a camera of the street from its line and what its authority's cameras have in common. */
export function streetCamera(authority: AuthoritySlug, usual: Partial<CameraRegistration>, line: Line): StreetCamera {
  const [azimuthDeg, tiltDeg, hfovDeg] = line.looks;
  const widthPx = line.widthPx ?? 1_920;
  const level = line.level ?? 'public';
  const view: CameraRegistration['view'] = {
    azimuthDeg,
    tiltDeg,
    rollDeg: 0,
    hfovDeg,
    nearM: 0,
    farM: line.farM,
    imageWidthPx: widthPx,
    imageHeightPx: (widthPx * 9) / 16,
    lens: 'pinhole',
    source: 'survey',
  };
  const document: Omit<CameraRegistration, 'services'> = {
    authority,
    localId: line.id,
    name: `${line.en} (simulated)`,
    names: { 'zh-Hant': `${line.zh} (模擬)` },
    location: { type: 'Point', coordinates: [line.at[0], line.at[1]] },
    positionSource: 'survey',
    heightM: line.heightM,
    mount: 'pole',
    mobility: 'fixed',
    device: { manufacturer: 'Sightline', model: 'Simulated camera' },
    address: { country: 'TW', city: 'Tainan', district: 'Sinshih' },
    ...(line.isViewKnown === false ? {} : { view }),
    lifecycle: line.lifecycle ?? 'active',
    operatingHours: '24/7',
    ...usual,
    ...line.more,
    access: { ...usual.access, level },
    tags: [...new Set(['simulated', ...(usual.tags ?? []), ...(line.more?.tags ?? [])])],
  };
  return {
    document,
    pose: { position: line.at, heightM: line.heightM, azimuthDeg, tiltDeg, hfovDeg },
    kinds: line.lifecycle === 'planned' ? [] : (line.kinds ?? BOTH),
    shownPresets: document.presets?.filter(({ id }) => line.shownPresets?.includes(id)) ?? [],
    resolution: widthPx > 1_920 ? '1280x720' : '640x360',
    traits: {
      signIn: line.signIn ?? { scheme: 'none' },
      dialect: line.dialect ?? 'axis',
      maxViewers: 10,
      fileS: line.fileS ?? null,
      has4K: widthPx > 1_920,
    },
    isRising: line.isRising ?? false,
    fault: line.fault ?? null,
    head: line.head ?? null,
  };
}

/** A place of ours by metres east and north of P1, as an agency writes it down. */
export function near(eastM: number, northM: number): LonLat {
  const [lon, lat] = placeAt([eastM, northM]);
  return [Number(lon.toFixed(6)), Number(lat.toFixed(6))];
}

/** A device that asks for the sign-in of the demonstration by Digest. */
export const digest = (...algorithms: ('MD5' | 'SHA-256')[]): SignIn => ({
  scheme: 'digest',
  ...DEMO_ACCOUNT,
  algorithms,
});
