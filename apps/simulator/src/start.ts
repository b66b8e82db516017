import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { AuthorityDocument, CameraRegistration, ServiceDocument, ServiceKind } from '#catalog';
import { AUTHORITY_SLUGS, authorityOf, type AuthoritySlug } from './authorities.js';
import { type BuildingCollection, buildingsOf } from './buildings.js';
import { createControl, type RunningCamera } from './control.js';
import type { PictureSource } from './channel.js';
import { Device, type Traits } from './device.js';
import { type House, HOUSES_DATE } from './layout.js';
import { loadCamera, Pool, PooledPicture } from './load.js';
import { seedOf } from './noise.js';
import { Picture, type Subject } from './picture.js';
import { makeTables } from './scene.js';
import { STREET } from './street.js';
import type { StreetCamera } from './street-camera.js';
import { always } from './timetable.js';
import { buildWorld } from './world.js';

export { faultList } from './fault-table.js';

export interface SimulatorOptions {
  /** First port to try; the next free one is taken where it is not free. 0: any. Default 3100. */
  readonly port?: number;
  /** Fail where `port` is taken. Default false. */
  readonly exactPort?: boolean;
  /**
   * Listen at this address alone, each device on a port of its own, as in a container; `0.0.0.0`: at every address, the cameras named by the first
   * that others reach. Absent: the loopback network, where every device has an address of its own.
   */
  readonly host?: string;
  /** Further cameras of an authority `demo-load`, for load tests; their pictures are drawn beforehand. Default 0. */
  readonly cameras?: number;
  /** Another seed is another town around the same cameras. Default 1. */
  readonly seed?: number;
  /** Told what a person should know; the simulator prints nothing itself. */
  readonly log?: (message: string) => void;
}

export interface RunningSimulator {
  /** Index page of the devices; `${url}control` sets faults (see `createControl`). Ends with a slash. */
  readonly url: string;
  /** Ports on which devices listen, all on the loopback network. */
  readonly ports: readonly number[];
  /** Authorities to register, `network` included. */
  readonly authorities: readonly AuthorityDocument[];
  /** Cameras to register, with the addresses of this run and, where the device asks for them, credentials. */
  readonly cameras: readonly CameraRegistration[];
  /** Houses that are drawn, to be registered as a set of buildings of this date. */
  readonly buildings: { readonly date: string; readonly collection: BuildingCollection };
  /** Ends every connection and frees every port. */
  close(): Promise<void>;
}

/** Ports tried after the preferred one. */
const TRIES = 50;

/** Second octet of an authority's devices: their "site". Load tests have 250 devices a site from 100 on. */
const SITE: Readonly<Record<AuthoritySlug, number>> = {
  'demo-water': 41,
  'demo-roads': 42,
  'demo-park': 43,
  'demo-load': 100,
};
const DEVICES_A_SITE = 250;

/** A device before it has a port. */
interface Planned {
  readonly host: string;
  readonly device: Device;
}

/**
 * Starts the simulated street of Sinshih (domain.md, section 11). Each device has a loopback address of its own,
 * 127.SITE.0.N, where the system answers there (Linux), all on one port; elsewhere 127.0.0.1 and a port of its own.
 * @throws Error where `exactPort` is set and the port is taken, or where no port is free
 */
export async function start(options: SimulatorOptions = {}): Promise<RunningSimulator> {
  const { port = 3_100, exactPort = false, cameras: extra = 0, seed = 1, log = () => undefined } = options;
  const place = await placeOf(options.host);
  const built = await build(extra, seed, log);
  const tries = exactPort ? 1 : TRIES;
  for (let i = 0; i < tries; i++) {
    const run = await tryStart(port === 0 ? 0 : port + i, built, place, log);
    if (run !== null) {
      log(`simulator: ${run.cameras.length} cameras, ${run.url}`);
      return run;
    }
  }
  throw new Error(
    exactPort
      ? `the simulator's port ${port} is taken`
      : `the simulator found no free port in ${port} to ${port + tries - 1}`,
  );
}

/** Where devices listen. */
interface Place {
  /** Address of the index page, and of every device where they share one. */
  readonly listen: string;
  /** The same as others reach it. */
  readonly named: string;
  /** Devices share one address and differ by their ports. */
  readonly isShared: boolean;
}

async function placeOf(host: string | undefined): Promise<Place> {
  if (host === undefined) {
    return { listen: '127.0.0.1', named: '127.0.0.1', isShared: !(await canListen('127.41.0.1')) };
  }
  const isEverywhere = host === '0.0.0.0';
  const outside = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const reached = outside.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  return { listen: host, named: isEverywhere ? (reached ?? '127.0.0.1') : host, isShared: true };
}

/** One attempt; null where something holds the port on one of the addresses. */
async function tryStart(
  port: number,
  { devices, cameras, houses }: Built,
  place: Place,
  log: (message: string) => void,
): Promise<RunningSimulator | null> {
  const running: RunningCamera[] = [];
  const control = createControl(running, log);
  const close = async (): Promise<void> => {
    control.closeAllConnections();
    await Promise.all([closed(control), ...devices.map(({ device }) => device.close())]);
  };
  try {
    const controlPort = await listening(control, port, place.listen);
    const addresses = new Map<Device, string>();
    const ports = new Set<number>();
    for (const [i, { host, device }] of devices.entries()) {
      const at = place.isShared ? controlPort + 1 + i : controlPort;
      await device.listen(place.isShared ? place.listen : host, at);
      addresses.set(device, `http://${place.isShared ? place.named : host}:${at}`);
      ports.add(at);
    }
    for (const { plan, site, device, channel } of cameras) {
      const origin = device === null ? '' : (addresses.get(device) ?? '');
      running.push({
        registration: { ...plan.document, services: servicesOf(plan, origin, channel) },
        site,
        device,
        channel,
      });
    }
    return {
      url: `http://${place.named}:${controlPort}/`,
      ports: [...ports],
      authorities: AUTHORITY_SLUGS.filter(
        (slug) => slug !== 'demo-load' || cameras.some(({ plan }) => plan.document.authority === slug),
      ).map((slug) => authorityOf(slug, [...ports], place.named)),
      cameras: running.map(({ registration }) => registration),
      buildings: { date: HOUSES_DATE, collection: buildingsOf(houses) },
      close,
    };
  } catch (error) {
    await close();
    if (codeOf(error) === 'EADDRINUSE') return null;
    throw error;
  }
}

type Plan = Pick<StreetCamera, 'document' | 'kinds' | 'shownPresets' | 'resolution' | 'traits' | 'head'>;

interface PlannedCamera {
  readonly plan: Plan;
  readonly site: string;
  readonly device: Device | null;
  readonly channel: number;
}

interface Built {
  readonly devices: readonly Planned[];
  readonly cameras: readonly PlannedCamera[];
  readonly houses: readonly House[];
}

/** Makes every device, without a port yet. Cameras of one head are channels of one device. */
async function build(extra: number, seed: number, log: (message: string) => void): Promise<Built> {
  const tables = makeTables(seed);
  const world = buildWorld(
    STREET.map(({ pose }) => pose.position),
    seed,
  );
  const devices: Planned[] = [];
  const cameras: PlannedCamera[] = [];
  const numbers = new Map<number, number>();
  const add = (site: number, traits: Traits, pictures: readonly PictureSource[], name: string): Device => {
    const number = (numbers.get(site) ?? 0) + 1;
    numbers.set(site, number);
    const realm = `AXIS_ACCC8E${seedOf(name, seed).toString(16).padStart(8, '0').slice(2).toUpperCase()}`;
    const device = new Device(traits, pictures, realm, log);
    devices.push({ host: `127.${site}.0.${number}`, device });
    return device;
  };

  const heads = new Map<string, Device>();
  for (const camera of STREET) {
    const { document, head, traits } = camera;
    if (camera.kinds.length === 0) {
      cameras.push({ plan: camera, site: document.authority, device: null, channel: 1 });
      continue;
    }
    const group = head === null ? [camera] : STREET.filter((one) => one.head === head);
    const site = SITE[document.authority as AuthoritySlug];
    const device =
      heads.get(head ?? '') ??
      add(
        site,
        traits,
        group.flatMap(subjectsOf).map((subject) => new Picture(subject, world, tables)),
        document.localId,
      );
    if (head !== null) heads.set(head, device);
    const channel = group.indexOf(camera) + 1;
    await device.suffer(channel, always(camera.fault), Date.now());
    cameras.push({ plan: camera, site: document.authority, device, channel });
  }

  const pool = extra > 0 ? await Pool.draw(world, tables) : null;
  const traits: Traits = { signIn: { scheme: 'none' }, dialect: 'axis', maxViewers: 10, fileS: null, has4K: false };
  for (let i = 0; pool !== null && i < extra; i++) {
    const site = Math.floor(i / DEVICES_A_SITE);
    const device = add(SITE['demo-load'] + site, traits, [new PooledPicture(pool, i)], `load-${i}`);
    const plan: Plan = {
      document: loadCamera(i),
      kinds: ['mjpeg', 'snapshot'],
      shownPresets: [],
      resolution: '320x180',
      traits,
      head: null,
    };
    cameras.push({ plan, site: `demo-load-${site + 1}`, device, channel: 1 });
  }
  return { devices, cameras, houses: world.houses };
}

/** Its main view, then the presets that the device shows: cameras of one head show none. */
function subjectsOf({ document, pose, isRising, shownPresets }: StreetCamera): readonly Subject[] {
  const main = {
    name: document.name.replace(/ \(simulated\)$/, ''),
    label: `${document.authority}/${document.localId}`,
    pose,
    isRising,
  };
  const presets = shownPresets.map(({ id, name = id, azimuthDeg, tiltDeg, hfovDeg }) => ({
    ...main,
    name,
    pose: {
      ...pose,
      azimuthDeg: azimuthDeg ?? pose.azimuthDeg,
      tiltDeg: tiltDeg ?? pose.tiltDeg,
      hfovDeg: hfovDeg ?? pose.hfovDeg,
    },
  }));
  return [main, ...presets];
}

const PATHS: Readonly<Record<ServiceKind, string>> = {
  mjpeg: '/axis-cgi/mjpg/video.cgi',
  snapshot: '/axis-cgi/jpg/image.cgi',
  rtsp: '',
  hls: '',
};

function servicesOf(
  { kinds, shownPresets, traits, resolution, head }: Plan,
  origin: string,
  channel: number,
): ServiceDocument[] {
  const main = kinds.map((kind) => ({ kind, ...(head === null ? {} : { camera: channel }) }));
  const presets = shownPresets.map(({ id }, i) => ({ kind: 'snapshot' as const, camera: 2 + i, shows: id }));
  return [...main, ...presets].map(({ kind, camera, ...shown }) => ({
    kind,
    url: `${origin}${PATHS[kind]}`,
    vapix: {
      resolution,
      compression: 30,
      ...(kind === 'mjpeg' ? { fps: 1 } : {}),
      ...(camera === undefined ? {} : { camera: String(camera) }),
    },
    ...(traits.signIn.scheme === 'none'
      ? {}
      : { credentials: { username: traits.signIn.username, password: traits.signIn.password } }),
    ...(traits.fileS === null ? {} : { refreshS: traits.fileS }),
    ...shown,
    interface: 'VAPIX',
    codec: 'MJPEG',
  }));
}

/** Whether a server may listen at an address of this machine. */
async function canListen(host: string): Promise<boolean> {
  const server = createServer();
  try {
    await listening(server, 0, host);
    return true;
  } catch (error) {
    if (['EADDRNOTAVAIL', 'EACCES'].includes(codeOf(error))) return false;
    throw error;
  } finally {
    await closed(server);
  }
}

/** Code of a system error, from whatever realm it comes. */
function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

function listening(server: Server, port: number, host = '127.0.0.1'): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('bug: no TCP address'));
      else resolve(address.port);
    });
  });
}

const closed = (server: Server): Promise<void> =>
  server.listening ? new Promise((resolve) => server.close(() => resolve())) : Promise.resolve();
