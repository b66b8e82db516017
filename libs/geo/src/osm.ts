import { wrap360 } from './angle.js';
import type { GeoCamera, View } from './camera.js';

/** What OpenStreetMap's tags of a surveillance camera say; null = nothing, never 0. */
export interface OsmPose {
  /** Where it looks: of a number or word, and of a `fixed` camera's range no wider than 180° the middle. */
  readonly azimuthDeg: number | null;
  /** Width of that range. */
  readonly hfovDeg: number | null;
  /** Range of turning, clockwise from, to; [0, 360] all round. */
  readonly rangeDeg: readonly [from: number, to: number] | null;
  readonly spanDeg: number | null;
  /** Middle of the range, which is no current view. */
  readonly middleDeg: number | null;
  /** Of `camera:angle`, whose sign is unverified: source `assumed`. */
  readonly tiltDeg: number | null;
  readonly heightM: number | null;
  readonly mobility: 'fixed' | 'panning' | 'dome' | null;
}

/** The 16 winds, clockwise from north, 22.5° apart. */
const WINDS = 'N NNE NE ENE E ESE SE SSE S SSW SW WSW W WNW NW NNW'.split(' ');

const NUMBER = String.raw`[+-]?\d+(?:\.\d+)?`;
const SINGLE = new RegExp(`^(${NUMBER})°?$`);
/** The hyphen between two numbers is no sign: `270-90`. */
const RANGE = new RegExp(`^(${NUMBER})\\s*-\\s*(${NUMBER})$`);

const FOOT_M = 0.3048;

type Tags = Readonly<Record<string, string | undefined>>;

/** Reads one camera's tags; lists of directions (`79;230`) are several cameras and the import's affair. */
export function fromOsmTags(tags: Tags): OsmPose {
  const mobility = mobilityOf(tags['camera:type']);
  const direction = (tags['camera:direction'] ?? tags['direction'] ?? '').trim();
  const range = rangeOf(direction);
  const rest = {
    tiltDeg: tiltOf(tags['camera:angle']),
    heightM: heightOf(tags['height']),
    mobility,
  };
  if (range === null) {
    return {
      azimuthDeg: directionOf(direction),
      hfovDeg: null,
      rangeDeg: null,
      spanDeg: null,
      middleDeg: null,
      ...rest,
    };
  }
  const [from, to] = range;
  const spanDeg = to - from === 360 ? 360 : wrap360(to - from);
  const middleDeg = spanDeg === 360 ? null : wrap360(from + spanDeg / 2);
  const isView = mobility === 'fixed' && spanDeg <= 180 && spanDeg > 0;
  return {
    azimuthDeg: isView ? middleDeg : null,
    hfovDeg: isView ? spanDeg : null,
    rangeDeg: range,
    spanDeg,
    middleDeg,
    ...rest,
  };
}

/** Tags of a camera's view. */
export function toOsmTags({ view = {}, heightM, mobility, ptz = {} }: GeoCamera): Record<string, string> {
  const { azimuthMinDeg: from, azimuthMaxDeg: to } = ptz;
  const range = from !== undefined && to !== undefined ? `${from}-${to}` : undefined;
  const direction = directionTag(view, range);
  return {
    man_made: 'surveillance',
    'surveillance:type': 'camera',
    ...(direction === undefined ? {} : { 'camera:direction': direction }),
    ...(view.tiltDeg === undefined ? {} : { 'camera:angle': String(-view.tiltDeg + 0) }),
    ...(heightM === undefined ? {} : { height: String(heightM) }),
    ...(mobility === undefined || mobility === 'mobile'
      ? {}
      : { 'camera:type': mobility === 'ptz' ? 'panning' : mobility }),
  };
}

function directionTag({ azimuthDeg }: View, range: string | undefined): string | undefined {
  return range ?? (azimuthDeg === undefined ? undefined : String(azimuthDeg));
}

/** Degrees of a direction, a number within ±360 or one of the 16 winds; null for anything else (`street`, `NB`). */
function directionOf(text: string): number | null {
  const wind = WINDS.indexOf(text.toUpperCase());
  if (wind >= 0) return wind * 22.5;
  const number = SINGLE.exec(text)?.[1];
  return number === undefined || Math.abs(Number(number)) > 360 ? null : wrap360(Number(number));
}

function rangeOf(text: string): readonly [number, number] | null {
  const [, first, second] = RANGE.exec(text) ?? [];
  if (first === undefined || second === undefined) return null;
  const [from, to] = [Number(first), Number(second)];
  if (Math.abs(from) > 360 || Math.abs(to) > 360) return null;
  return to - from >= 359 ? [0, 360] : [wrap360(from), wrap360(to)];
}

function mobilityOf(type: string | undefined): OsmPose['mobility'] {
  return type === 'fixed' || type === 'panning' || type === 'dome' ? type : null;
}

function tiltOf(angle: string | undefined): number | null {
  const number = SINGLE.exec(angle?.trim() ?? '')?.[1];
  return number === undefined || Math.abs(Number(number)) > 90 ? null : -Number(number) + 0;
}

/** Metres; `12'` is feet. */
function heightOf(height: string | undefined): number | null {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(m|'|ft)?$/.exec(height?.trim() ?? '') ?? [];
  if (number === undefined) return null;
  return unit === "'" || unit === 'ft' ? Number(number) * FOOT_M : Number(number);
}
