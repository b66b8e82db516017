import { fovFits, type Lens, LENSES, type LonLat } from '#geo';
import { type Registration, registration } from './fixtures.js';

/** Where random cameras stand: a city, both sides of the antimeridian, far north, and on the last degree before a pole. */
export const SPOTS: readonly LonLat[] = [
  [120.295, 23.079],
  [180, -17.5],
  [15.6, 78.2],
  [-40, 84.6],
];

/** A place within some metres of a spot. */
export function placeNear([lon, lat]: LonLat, radiusM: number, random: () => number): [number, number] {
  const metresPerDegree = 111_320;
  const dLat = ((random() * 2 - 1) * radiusM) / metresPerDegree;
  const dLon = ((random() * 2 - 1) * radiusM) / (metresPerDegree * Math.cos((lat * Math.PI) / 180));
  const wrapped = ((((lon + dLon + 180) % 360) + 360) % 360) - 180;
  return [Number(wrapped.toFixed(7)), Number((lat + dLat).toFixed(7))];
}

/** A valid camera of any kind: every lens, every completeness, turning ones with and without limits, presets and a current pose. */
export function randomCamera(localId: string, random: () => number, now: number): Registration {
  const between = (low: number, high: number): number => Number((low + random() * (high - low)).toFixed(4));
  const maybe = <T>(share: number, value: () => T): T | undefined => (random() < share ? value() : undefined);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const lens: Lens = random() < 0.7 ? 'pinhole' : pick(LENSES);
  const widest = [359, 300, 179, 178].find((deg) => fovFits(lens, deg)) ?? 100;
  const mobility = pick(['fixed', 'fixed', 'fixed', 'ptz', 'dome', 'panning', 'mobile'] as const);
  const turning = mobility !== 'fixed' && mobility !== 'mobile';
  const farM = between(20, random() < 0.1 ? 5_000 : 600);
  const view = {
    azimuthDeg: maybe(0.93, () => between(0, 359.9)),
    tiltDeg: maybe(0.9, () => (random() < 0.2 ? between(-90, 90) : between(-60, 10))),
    rollDeg: maybe(0.4, () => between(-179, 180)),
    hfovDeg: maybe(0.93, () => between(5, Math.min(widest, random() < 0.6 ? 110 : 359))),
    vfovDeg: maybe(0.4, () => between(5, 120)),
    nearM: maybe(0.3, () => between(0, farM / 4)),
    farM: maybe(0.85, () => farM),
    imageWidthPx: maybe(0.8, () => pick([640, 1280, 1920, 3840])),
    imageHeightPx: maybe(0.8, () => pick([360, 480, 720, 1080])),
    lens: lens === 'pinhole' ? undefined : lens,
    source: pick(['survey', 'declared', 'assumed', undefined] as const),
    azimuthAccuracyDeg: maybe(0.3, () => between(0.5, 20)),
    tiltAccuracyDeg: maybe(0.2, () => between(0.5, 8)),
    at: turning ? pick([new Date(now - 60_000).toISOString(), '2025-01-01T00:00:00Z', undefined]) : undefined,
  };
  const presets = turning && random() < 0.5 ? [1, 2].map((n) => presetOf(String(n), between, maybe)) : undefined;
  const ptz = turning && random() < 0.7 ? ptzOf(between, maybe) : undefined;
  const whole = {
    ...registration({
      authority: 'wide',
      localId,
      location: { type: 'Point', coordinates: placeNear(pick(SPOTS), 900, random) },
      services: [{ kind: 'mjpeg', url: 'http://10.1.2.3/video' }],
      lifecycle: 'active',
      mobility,
    }),
    heightM: maybe(0.9, () => between(0.1, 40)),
    elevationM: maybe(0.5, () => between(0, 300)),
    positionSource: pick(['survey', 'declared', 'geocoded', undefined] as const),
    positionAccuracyM: maybe(0.3, () => between(0.1, 30)),
    view,
    presets,
    ptz,
  };
  return JSON.parse(JSON.stringify(whole)) as Registration;
}

type Between = (low: number, high: number) => number;
type Maybe = <T>(share: number, value: () => T) => T | undefined;

const presetOf = (id: string, between: Between, maybe: Maybe) => ({
  id,
  azimuthDeg: between(0, 359.9),
  tiltDeg: between(-40, 0),
  hfovDeg: maybe(0.9, () => between(5, 80)),
  vfovDeg: maybe(0.7, () => between(5, 50)),
  farM: maybe(0.5, () => between(50, 900)),
});

function ptzOf(between: Between, maybe: Maybe): NonNullable<Registration['ptz']> {
  const narrow = between(2, 20);
  return JSON.parse(
    JSON.stringify({
      azimuthMinDeg: maybe(0.7, () => between(0, 360)),
      azimuthMaxDeg: maybe(0.7, () => between(0, 360)),
      tiltMinDeg: maybe(0.7, () => between(-90, -10)),
      tiltMaxDeg: maybe(0.7, () => between(-10, 60)),
      hfovTeleDeg: maybe(0.7, () => narrow),
      hfovWideDeg: maybe(0.8, () => between(20, 100)),
    }),
  ) as NonNullable<Registration['ptz']>;
}
