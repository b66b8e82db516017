import { RAD, wrap360 } from './angle.js';
import { type GeoCamera, isTurning, type LonLat, type Preset, uncertaintyOf, type View } from './camera.js';
import { knownOf } from './completeness.js';
import { LEAST_HEIGHT_M, shapeOf } from './footprint.js';
import type { Pixel } from './frustum.js';
import { inFrustum, inSector, type InView, type Reason } from './in-view.js';
import { type Level, levelOf } from './levels.js';
import { type Enu, groundDistance, LocalFrame } from './local-frame.js';
import { NONE_COMPUTED, type Occluder, type Occlusion, type SightLine } from './occlusion.js';
import { aimAt, type Command, type Turning, turningOf } from './ptz.js';

/** How sure a "yes" is, best first; of the geometry only, occlusion stands beside it. */
export const CERTAINTIES = ['certain', 'probable', 'possible'] as const;
export type Certainty = (typeof CERTAINTIES)[number];

/** Which of a camera's views an answer is about. */
export const SIGHT_BASES = ['fixed', 'current', 'preset', 'reach'] as const;
export type SightBasis = (typeof SIGHT_BASES)[number];

/** A place to look for. */
export interface Target {
  readonly position: LonLat;
  /** Above the ground there; default 0 = water, road; a person 1.7. */
  readonly heightM?: number;
}

/** Whether a camera sees a place, how well, or why not. Angles in degrees; null = not known or without meaning here. */
export interface Sight {
  readonly sees: boolean;
  /** Null where it does not see. */
  readonly certainty: Certainty | null;
  /** Null where it sees. */
  readonly reason: Reason | null;
  readonly basis: SightBasis;
  /** Id of the preset that shows the place, the best of several. */
  readonly preset?: string;
  /** How to turn the camera. */
  readonly command?: Command;
  /** Over the ground, on the ellipsoid. */
  readonly distanceM: number;
  readonly slantM: number;
  /** From the camera to the place. */
  readonly bearingDeg: number;
  readonly elevationDeg: number;
  readonly depthM: number | null;
  readonly offAxisDeg: number | null;
  /** To the nearest side of the image; negative outside. */
  readonly edgeMarginDeg: number | null;
  readonly pixel: Pixel | null;
  readonly pxPerM: number | null;
  readonly level: Level | null;
  /** Where the heights of both ends come from. */
  readonly ground: 'dem' | 'flat';
  readonly farDerived: boolean;
  readonly occlusion: Occlusion;
}

export interface SightOptions {
  /** Now, milliseconds since 1970: tells how old a turning camera's pose is. */
  readonly atMs: number;
  /** Of a turning camera only this; without it the current view if there is one, else the reach. */
  readonly basis?: 'current' | 'reach';
  /** Ground by an elevation model, metres; null where it has none. */
  readonly groundAt?: (position: LonLat) => number | null;
  /** Asked last, of places that the geometry shows. */
  readonly occlude?: Occluder;
}

/** A turning camera's pose is taken for its own so long, seconds. */
const CURRENT_S = 300;

/** Whether a camera sees a place. Never throws for what a valid camera may say or lack. */
export function sight(camera: GeoCamera, target: Target, options: SightOptions): Sight {
  const scene = sceneOf(camera, target, options);
  const { view = {} } = camera;
  if (!isTurning(camera)) return byView(scene, 'fixed', view, 'certain');
  if (options.basis === 'current' || (options.basis === undefined && shapeOf(camera) !== null)) {
    return byView(scene, 'current', view, isFresh(view, options.atMs) ? 'certain' : 'possible');
  }
  const reach = byTurning(scene);
  const preset = bestPreset(scene);
  if (preset === null) return reach;
  return reach.sees && preset.preset !== undefined ? { ...reach, preset: preset.preset } : preset;
}

/** Whether a turning camera's pose was reported so lately that it counts as its own. */
export function isFresh({ at }: View, atMs: number): boolean {
  const ageMs = at === undefined ? NaN : atMs - Date.parse(at);
  return Math.abs(ageMs) <= CURRENT_S * 1000;
}

/** A preset as a plain view: lens, image and, where it states none, range are those of the camera. */
export function viewOfPreset({ view = {} }: Pick<GeoCamera, 'view'>, preset: Preset): View {
  const { azimuthDeg, tiltDeg, hfovDeg, vfovDeg, farM = view.farM, source } = preset;
  const { nearM, imageWidthPx, imageHeightPx, lens, circlePx } = view;
  return { azimuthDeg, tiltDeg, hfovDeg, vfovDeg, nearM, farM, imageWidthPx, imageHeightPx, lens, circlePx, source };
}

/** What the order of answers hangs on. */
export type SightOrder = Pick<Sight, 'certainty' | 'pxPerM' | 'distanceM'>;

/** Best of two answers first: certainty, then density, then distance; "no" last. 0 where they are alike. */
export function compareSights(a: SightOrder, b: SightOrder): number {
  return certaintyRank(a) - certaintyRank(b) || (b.pxPerM ?? -1) - (a.pxPerM ?? -1) || a.distanceM - b.distanceM;
}

/** What the place of an answer in a list hangs on. */
export interface SeenOrder {
  readonly id: string;
  /** Whether the camera shows a picture now (status online, recovering, degraded). */
  readonly showing: boolean;
  readonly sight: SightOrder;
}

/** An answer in a list. */
export interface SeenBy extends SeenOrder {
  readonly sight: Sight;
}

/** Order of `sees=`: certainty, then cameras that show a picture now, then density, distance, id. */
export function compareSeen(a: SeenOrder, b: SeenOrder): number {
  return (
    certaintyRank(a.sight) - certaintyRank(b.sight) ||
    Number(b.showing) - Number(a.showing) ||
    compareSights(a.sight, b.sight) ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  );
}

function certaintyRank({ certainty }: SightOrder): number {
  return certainty === null ? CERTAINTIES.length : CERTAINTIES.indexOf(certainty);
}

/** The weaker of two words. */
function atMost(a: Certainty, b: Certainty): Certainty {
  return CERTAINTIES.indexOf(a) > CERTAINTIES.indexOf(b) ? a : b;
}

/** One camera and one place: what all its views share. */
interface Scene {
  readonly camera: GeoCamera;
  /** The place in the frame of the optical centre. */
  readonly at: Enu;
  readonly slantM: number;
  readonly line: SightLine;
  readonly ground: Sight['ground'];
  readonly occlude: Occluder | undefined;
}

function sceneOf(camera: GeoCamera, { position, heightM = 0 }: Target, { groundAt, occlude }: SightOptions): Scene {
  const from = camera.location.coordinates;
  const lowM = groundAt?.(from) ?? null;
  const targetM = groundAt?.(position) ?? null;
  // One source at both ends: never a model here and a plane there.
  const isModel = lowM !== null && targetM !== null;
  const plane = camera.elevationM ?? 0;
  const lensM = camera.heightM === undefined ? 0 : Math.max(LEAST_HEIGHT_M, camera.heightM);
  const fromZM = (isModel ? lowM : plane) + lensM;
  const toZM = (isModel ? targetM : plane) + heightM;
  const at = new LocalFrame(from, fromZM).toEnu(position, toZM);
  return {
    camera,
    at,
    slantM: Math.sqrt(at.e * at.e + at.n * at.n + at.u * at.u),
    line: { from, fromZM, to: position, toZM, lengthM: groundDistance(from, position) },
    ground: isModel ? 'dem' : 'flat',
    occlude,
  };
}

/** What one of the views says, before anything stands in the way. */
interface Finding {
  readonly certainty: Certainty | null;
  readonly reason: Reason | null;
  readonly depthM: number | null;
  readonly offAxisDeg: number | null;
  readonly edgeMarginDeg: number | null;
  readonly pixel: Pixel | null;
  readonly pxPerM: number | null;
  readonly farDerived: boolean;
  readonly command: Command | null;
}

const NO_VIEW: Finding = {
  certainty: null,
  reason: 'no_view',
  depthM: null,
  offAxisDeg: null,
  edgeMarginDeg: null,
  pixel: null,
  pxPerM: null,
  farDerived: false,
  command: null,
};

/** By a plain view. @param cap the best word that the view's age allows */
function byView(scene: Scene, basis: SightBasis, view: View, cap: Certainty): Sight {
  const { camera, at } = scene;
  const stated = { view, heightM: camera.heightM };
  const known = knownOf(stated);
  const shape = shapeOf(stated, known);
  if (shape === null) return settle(scene, basis, NO_VIEW);
  const isSector = shape.kind === 'sector';
  const seen = isSector ? inSector(shape.sector, at) : inFrustum(shape.frustum, at);
  const word = certaintyOf(scene, view, seen, isSector);
  const bound = atMost(cap, isSector ? 'possible' : known.farDerived ? 'probable' : 'certain');
  return settle(scene, basis, {
    certainty: word === null ? null : atMost(word, bound),
    reason: word === null ? seen.reason : null,
    depthM: seen.depthM,
    offAxisDeg: seen.offAxisDeg,
    edgeMarginDeg: seen.margin / RAD,
    pixel: seen.pixel,
    pxPerM: word === null ? null : seen.pxPerM,
    farDerived: known.farDerived,
    command: null,
  });
}

/** By turning the camera. */
function byTurning(scene: Scene): Sight {
  const { camera, at } = scene;
  const turning = turningOf(camera);
  if (turning === null) return settle(scene, 'reach', NO_VIEW);
  const aim = aimAt(turning, at);
  const sees = aim.reach !== 'none';
  return settle(scene, 'reach', {
    certainty: sees ? reachCertainty(camera, turning, aim.reach === 'edge') : null,
    reason: aim.reason,
    depthM: aim.depthM,
    offAxisDeg: aim.offAxisDeg,
    edgeMarginDeg: null,
    pixel: null,
    pxPerM: aim.pxPerM,
    farDerived: turning.farDerived,
    command: sees ? aim.command : null,
  });
}

/** The preset that shows the place best; null where none does. */
function bestPreset(scene: Scene): Sight | null {
  const { camera } = scene;
  let best: Sight | null = null;
  for (const preset of camera.presets ?? []) {
    const answer = byView(scene, 'preset', viewOfPreset(camera, preset), 'certain');
    if (!answer.sees || (best !== null && compareSights(best, answer) <= 0)) continue;
    best = { ...answer, preset: preset.id };
  }
  return best;
}

/** The whole answer: lifecycle, then geometry, then what stands in the way, which costs most. */
function settle({ camera, at, slantM, line, ground, occlude }: Scene, basis: SightBasis, found: Finding): Sight {
  const retired = camera.lifecycle === 'retired';
  const inView = found.certainty !== null && !retired;
  const { model, modelDate, result, by } = inView && occlude !== undefined ? occlude(line) : NONE_COMPUTED;
  const blocked = result === 'blocked';
  const blockedBy = by === 'terrain' ? 'occluded_by_terrain' : 'occluded_by_building';
  const sees = inView && !blocked;
  const pxPerM = retired ? null : found.pxPerM;
  const answer: Sight = {
    sees,
    certainty: sees ? found.certainty : null,
    reason: retired ? 'retired' : blocked ? blockedBy : found.reason,
    basis,
    distanceM: line.lengthM,
    slantM,
    bearingDeg: wrap360(Math.atan2(at.e, at.n) / RAD),
    elevationDeg: Math.atan2(at.u, Math.sqrt(at.e * at.e + at.n * at.n)) / RAD,
    depthM: found.depthM,
    offAxisDeg: found.offAxisDeg,
    edgeMarginDeg: found.edgeMarginDeg,
    pixel: retired ? null : found.pixel,
    pxPerM,
    level: pxPerM === null ? null : levelOf(pxPerM),
    ground,
    farDerived: found.farDerived,
    occlusion: { model, modelDate, result },
  };
  return found.command === null || !sees ? answer : { ...answer, command: found.command };
}

/**
 * By how far a point lies within the image, in sigmas of pose and position; null = not seen. Only a declared accuracy makes
 * a point past a side `possible`: unknown accuracy never widens a view. Range, behind and occlusion are never possible.
 */
function certaintyOf({ camera, slantM }: Scene, view: View, seen: InView, isSector: boolean): Certainty | null {
  if (seen.reason !== null && !seen.aside) return null;
  const { azimuthDeg, tiltDeg, positionM, declared } = uncertaintyOf(camera, view);
  if (seen.reason === null) {
    return seen.margin >= 2 * sigmaOf(azimuthDeg, isSector ? 0 : tiltDeg, positionM / slantM) ? 'certain' : 'probable';
  }
  const tilt = isSector ? 0 : declared.tiltDeg;
  return seen.margin > -2 * sigmaOf(declared.azimuthDeg, tilt, declared.positionM / slantM) ? 'possible' : null;
}

/** Of azimuth and tilt in degrees and of the position as an angle, together, radians. */
function sigmaOf(azimuthDeg: number, tiltDeg: number, position: number): number {
  return Math.sqrt((azimuthDeg * RAD) ** 2 + (tiltDeg * RAD) ** 2 + position * position);
}

/** Declared limits and a centred image are certain; what is not declared takes a step from that. */
function reachCertainty({ heightM }: GeoCamera, turning: Turning, edge: boolean): Certainty {
  if (!turning.azimuthDeclared || heightM === undefined) return 'possible';
  return edge || !turning.tiltDeclared || turning.farDerived ? 'probable' : 'certain';
}
