import { fovFits } from '#geo';
import type { CameraRegistration } from './camera.document.js';
import { below, type Fault } from './problems.js';
import type { CredentialsDocument, ServiceDocument } from './service.document.js';
import type { PtzDocument, ViewDocument } from './view.document.js';

/** Lifecycles in which a camera may have no service. */
const WITHOUT_SERVICE: readonly string[] = ['planned', 'suspended', 'retired'];

/** Most seconds that pictures are kept without a legal basis (security.md PRIV-3). */
const RETENTION_WITHOUT_BASIS_S = 259_200;

/** Faults between the members of a camera whose single members are right. */
export function cameraFaults(camera: CameraRegistration): readonly Fault[] {
  return [
    ...servicesFaults(camera),
    ...(camera.view === undefined ? [] : viewFaults(camera.view)),
    ...(camera.ptz === undefined ? [] : ptzFaults(camera.ptz)),
    ...presetFaults(camera),
    ...accessFaults(camera),
    ...maintenanceFaults(camera),
  ];
}

function servicesFaults({ services, lifecycle = 'active', presets = [] }: CameraRegistration): Fault[] {
  if (services.length === 0 && !WITHOUT_SERVICE.includes(lifecycle)) {
    const detail = `a camera that is ${lifecycle} has at least one service`;
    return [{ pointer: '/services', code: 'length', detail }];
  }
  const views = new Set(['main', ...presets.map(({ id }) => id)]);
  return services.flatMap((service, i) => serviceFaults(service, below('/services', i), views));
}

function serviceFaults(service: ServiceDocument, pointer: string, views: ReadonlySet<string>): Fault[] {
  const faults: Fault[] = [];
  const { username, password } = new URL(service.url);
  if (service.credentials) {
    const at = `${pointer}/credentials`;
    if (username !== '' || password !== '') {
      const detail = 'the URL carries a user name too; send credentials in one place';
      faults.push({ pointer: at, code: 'credentials_conflict', detail });
    }
    faults.push(...credentialsFaults(service.credentials, at));
  }
  if (service.shows !== undefined && !views.has(service.shows)) {
    const detail = `no preset has the id ${JSON.stringify(service.shows)}`;
    faults.push({ pointer: `${pointer}/shows`, code: 'reference', detail });
  }
  return faults;
}

function credentialsFaults({ username, password, set }: CredentialsDocument, pointer: string): Fault[] {
  if (username !== undefined && password !== undefined) return [];
  if (username === undefined && password === undefined && set === true) return [];
  const detail = 'expected username and password, or {"set": true} to keep those already known';
  return [{ pointer, code: 'required', detail }];
}

function viewFaults(view: ViewDocument): Fault[] {
  const faults: Fault[] = [];
  const lens = view.lens ?? 'pinhole';
  for (const member of ['hfovDeg', 'vfovDeg'] as const) {
    const deg = view[member];
    if (deg !== undefined && !(member === 'hfovDeg' ? fovFits(lens, deg) : fovFits(lens, 1, deg))) {
      const detail = `a ${lens} lens cannot be ${deg} degrees wide`;
      faults.push({ pointer: `/view/${member}`, code: 'fov_out_of_range', detail });
    }
  }
  if (view.farM !== undefined && view.farM <= (view.nearM ?? 0)) {
    const detail = `farM ${view.farM} is not beyond nearM ${view.nearM ?? 0}`;
    faults.push({ pointer: '/view/farM', code: 'range_empty', detail });
  }
  if (isReversed(view.validFrom, view.validTo)) {
    faults.push({ pointer: '/view/validTo', code: 'conflict', detail: 'validTo is before validFrom' });
  }
  return faults;
}

function ptzFaults(ptz: PtzDocument): Fault[] {
  const faults: Fault[] = [];
  const { tiltMinDeg, tiltMaxDeg, hfovWideDeg, hfovTeleDeg } = ptz;
  if (tiltMinDeg !== undefined && tiltMaxDeg !== undefined && tiltMinDeg > tiltMaxDeg) {
    const detail = `tiltMinDeg ${tiltMinDeg} is above tiltMaxDeg ${tiltMaxDeg}`;
    faults.push({ pointer: '/ptz/tiltMinDeg', code: 'range_reversed', detail });
  }
  if (hfovWideDeg !== undefined && hfovTeleDeg !== undefined && hfovTeleDeg > hfovWideDeg) {
    const detail = `hfovTeleDeg ${hfovTeleDeg} is wider than hfovWideDeg ${hfovWideDeg}`;
    faults.push({ pointer: '/ptz/hfovTeleDeg', code: 'range_reversed', detail });
  }
  return faults;
}

function presetFaults({ presets = [], ptz }: CameraRegistration): Fault[] {
  const faults: Fault[] = [];
  const seen = new Set<string>();
  presets.forEach((preset, i) => {
    const pointer = below('/presets', i);
    if (seen.has(preset.id)) {
      faults.push({ pointer: `${pointer}/id`, code: 'duplicate', detail: 'another preset has this id' });
    }
    seen.add(preset.id);
    if (preset.hfovDeg !== undefined && preset.hfovDeg >= 180) {
      const detail = `a pinhole lens cannot be ${preset.hfovDeg} degrees wide`;
      faults.push({ pointer: `${pointer}/hfovDeg`, code: 'fov_out_of_range', detail });
    }
  });
  if (ptz?.homePreset !== undefined && !seen.has(ptz.homePreset)) {
    const detail = `no preset has the id ${JSON.stringify(ptz.homePreset)}`;
    faults.push({ pointer: '/ptz/homePreset', code: 'reference', detail });
  }
  return faults;
}

function accessFaults({ access }: CameraRegistration): Fault[] {
  const keeps = access?.retentionS ?? 0;
  if (keeps <= RETENTION_WITHOUT_BASIS_S || access?.legalBasis !== undefined) return [];
  const detail = `keeping pictures over ${RETENTION_WITHOUT_BASIS_S} s needs a legalBasis`;
  return [{ pointer: '/access/legalBasis', code: 'required', detail }];
}

function maintenanceFaults({ maintenance }: CameraRegistration): Fault[] {
  return isReversed(maintenance?.from, maintenance?.to)
    ? [{ pointer: '/maintenance/to', code: 'conflict', detail: 'to is before from' }]
    : [];
}

function isReversed(from: string | undefined, to: string | undefined): boolean {
  return from !== undefined && to !== undefined && Date.parse(to) < Date.parse(from);
}
