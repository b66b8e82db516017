import type { LonLat } from './camera.js';
import type { LocalFrame } from './local-frame.js';
import type { PlanePolygon, PlaneRing } from './plane.js';

/** A position of GeoJSON. */
export type Position = [lon: number, lat: number];

/** GeoJSON (RFC 7946): outer rings counter-clockwise, holes clockwise, within ±180, 7 decimals (1 cm). */
export interface MultiPolygon {
  readonly type: 'MultiPolygon';
  readonly coordinates: Position[][][];
}

const DECIMALS = 1e7;

/** Nearer a pole than this, straight edges on the ground are no straight edges in degrees: they are cut to 5 m. */
const POLAR_DEG = 80;
const POLAR_EDGE_M = 5;

/**
 * Polygons of the ground plane on the globe, or null for none. Split at the antimeridian (RFC 7946 3.1.9); a ring round a
 * pole is closed over it, at latitude ±90 from -180 to 180.
 */
export function toMultiPolygon(
  frame: LocalFrame,
  polygons: readonly PlanePolygon[],
  zM = frame.zM,
): MultiPolygon | null {
  const coordinates = polygons.flatMap((polygon) => toPolygons(frame, polygon, zM));
  return coordinates.length === 0 ? null : { type: 'MultiPolygon', coordinates };
}

/** A ring in degrees, not closed, its longitudes without jumps: they may leave ±180. */
type Ring = Position[];

function toPolygons(frame: LocalFrame, polygon: PlanePolygon, zM: number): Position[][][] {
  const rings = polygon.map((ring) => unwrapped(frame, ring, zM)).filter((ring) => ring.length >= 3);
  const [outer, ...holes] = rings;
  if (outer === undefined) return [];
  const parts = isWithinOneTurn(rings)
    ? [withoutSlivers(rings.map((ring) => rounded(ring, 0)))]
    : cutToTurns(overPole(outer, holes, frame.origin));
  return parts.filter((part) => part.length > 0);
}

/** Whether rings need no cut: nearly all, and cutting costs more than everything before it. */
function isWithinOneTurn(rings: readonly Ring[]): boolean {
  for (const ring of rings) {
    for (const position of ring) if (position[0] < -180 || position[0] > 180) return false;
    if (winding(ring) !== 0) return false;
  }
  return true;
}

function cutToTurns(rings: readonly Ring[]): Position[][][] {
  return windows(rings).flatMap(([west, shift]) => {
    const within = cutBetween(rings, west, west + 360);
    return within.map((part) => part.map((ring) => rounded(ring, shift))).map(withoutSlivers);
  });
}

function unwrapped(frame: LocalFrame, ring: PlaneRing, zM: number): Ring {
  const polar = Math.abs(frame.origin[1]) > POLAR_DEG;
  const dense = polar ? densified(ring, POLAR_EDGE_M) : ring;
  const out: Ring = [];
  let last = frame.origin[0];
  for (let i = 0; i < dense.length; i += 2) {
    const [lon, lat] = frame.toLonLat(dense[i]!, dense[i + 1]!, zM);
    last = lon + 360 * Math.round((last - lon) / 360);
    out.push([last, lat]);
  }
  return out;
}

/** The ring with points added so that no edge is longer than `edgeM`. */
export function densified(ring: PlaneRing, edgeM: number): PlaneRing {
  const out: number[] = [];
  for (let i = 0; i < ring.length; i += 2) {
    const j = (i + 2) % ring.length;
    const e = ring[i]!;
    const n = ring[i + 1]!;
    const dE = ring[j]! - e;
    const dN = ring[j + 1]! - n;
    const parts = Math.max(1, Math.ceil(Math.hypot(dE, dN) / edgeM));
    for (let k = 0; k < parts; k++) out.push(e + (dE * k) / parts, n + (dN * k) / parts);
  }
  return out;
}

/** How often a ring runs round a pole eastwards: 1, -1 or 0. */
function winding(ring: Ring): number {
  const [first, last] = [ring[0]!, ring.at(-1)!];
  const back = first[0] - last[0];
  return Math.round((back - 360 * Math.round(back / 360) + last[0] - first[0]) / 360);
}

/**
 * Turns rings round a pole into ones that are closed in the plane of degrees: the outer one over the pole, or, where the
 * near disc holds the pole, outer and hole into one band.
 */
function overPole(outer: Ring, holes: readonly Ring[], [lon0]: LonLat): Ring[] {
  const turns = winding(outer);
  if (turns === 0) return [outer, ...holes];
  const inner = holes.find((hole) => winding(hole) !== 0);
  const others = holes.filter((hole) => hole !== inner);
  // Beside a hole the cut runs opposite the camera: there no hole can be that does not itself run round the pole.
  const west = others.length === 0 ? -180 : lon0 - 180;
  const along = spread(outer, turns, west);
  if (inner !== undefined) return [[...along, ...spread(inner, winding(inner), west)], ...others];
  const pole = turns > 0 ? 90 : -90;
  return [[...along, [along.at(-1)![0], pole], [along[0]![0], pole]], ...others];
}

/** A ring round a pole as a line over exactly `west` … `west + 360`, eastwards or westwards as it runs. */
function spread(ring: Ring, turns: number, west: number): Ring {
  const start = turns > 0 ? west : west + 360;
  const inWindow = (lon: number): number => lon - 360 * Math.floor((lon - west) / 360);
  const cut = ring.findIndex((position, i) => {
    const next = inWindow(ring[(i + 1) % ring.length]![0]);
    return turns > 0 ? next < inWindow(position[0]) - 180 : next > inWindow(position[0]) + 180;
  });
  const before = ring[cut]!;
  const after = ring[(cut + 1) % ring.length]!;
  const toEdge = Math.abs(start + turns * 360 - inWindow(before[0]));
  const fromEdge = Math.abs(inWindow(after[0]) - start);
  const lat = before[1] + ((after[1] - before[1]) * toEdge) / (toEdge + fromEdge || 1);
  const line: Ring = [[start, lat]];
  for (let i = 1; i <= ring.length; i++) {
    const [lon, latitude] = ring[(cut + i) % ring.length]!;
    line.push([inWindow(lon), latitude]);
  }
  line.push([start + turns * 360, lat]);
  return line;
}

/** The turns of the globe that rings lie in: western edge, and what brings its longitudes into ±180. */
function windows(rings: readonly Ring[]): readonly (readonly [west: number, shift: number])[] {
  let [least, most] = [Infinity, -Infinity];
  for (const ring of rings) {
    for (const [lon] of ring) {
      if (lon < least) least = lon;
      if (lon > most) most = lon;
    }
  }
  const out: [number, number][] = [];
  for (let west = -180 + 360 * Math.floor((least + 180) / 360); west < most; west += 360) out.push([west, -180 - west]);
  return out;
}

function cutBetween(rings: readonly Ring[], west: number, east: number): Ring[][] {
  return cutAt([rings as Ring[]], east, 1).flatMap((part) => cutAt([part], west, -1));
}

/** The parts of polygons west (side 1) or east (side -1) of a meridian. */
function cutAt(polygons: readonly Ring[][], lon: number, side: 1 | -1): Ring[][] {
  return polygons.flatMap((rings) => {
    const keeps = (position: Position): boolean => side * (lon - position[0]) >= 0;
    if (rings.every((ring) => ring.every(keeps))) return [rings];
    const whole = rings.filter((ring) => ring.every(keeps));
    const cutRings = closedAlong(
      side,
      rings.flatMap((ring) => chainsOf(ring, lon, keeps)),
    );
    // An outer ring that is whole stays outer; a whole hole belongs to the part it lies in.
    if (whole.includes(rings[0]!)) return [whole];
    return cutRings.map((outer) => [outer, ...whole.filter((hole) => holds(outer, hole[0]!))]);
  });
}

/** Runs of a ring on the kept side of a meridian, from crossing to crossing; none for a ring that lies on one side. */
function chainsOf(ring: Ring, lon: number, keeps: (position: Position) => boolean): Ring[] {
  const start = ring.findIndex((position, i) => !keeps(position) && keeps(ring[(i + 1) % ring.length]!));
  if (start < 0) return [];
  const chains: Ring[] = [];
  let chain: Ring = [];
  for (let i = 0; i < ring.length; i++) {
    const from = ring[(start + i) % ring.length]!;
    const to = ring[(start + i + 1) % ring.length]!;
    if (keeps(from)) chain.push(from);
    if (keeps(from) === keeps(to)) continue;
    chain.push([lon, from[1] + ((to[1] - from[1]) * (lon - from[0])) / (to[0] - from[0])]);
    if (!keeps(from)) continue;
    chains.push(chain);
    chain = [];
  }
  return chains;
}

/**
 * Closes chains along the meridian. Going round with the inside on the left, a chain that ends on the cut goes on, north
 * along an eastern edge and south along a western one, with the chain that begins next.
 */
function closedAlong(side: 1 | -1, chains: readonly Ring[]): Ring[] {
  const open = new Set(chains);
  const rings: Ring[] = [];
  for (const first of chains) {
    if (!open.delete(first)) continue;
    const ring = [...first];
    for (;;) {
      const at = side * ring.at(-1)![1];
      let next = first;
      let least = side * first[0]![1] >= at ? side * first[0]![1] : Infinity;
      for (const chain of open) {
        const begins = side * chain[0]![1];
        if (begins < at || begins >= least) continue;
        least = begins;
        next = chain;
      }
      if (next === first) break;
      open.delete(next);
      ring.push(...next);
    }
    rings.push(ring);
  }
  return rings;
}

function holds(ring: Ring, [lon, lat]: Position): boolean {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [x1, y1] = ring[j]!;
    const [x2, y2] = ring[i]!;
    if (y1 > lat !== y2 > lat && lon < x1 + ((lat - y1) / (y2 - y1)) * (x2 - x1)) inside = !inside;
  }
  return inside;
}

/** To 7 decimals, without repeated positions, closed; empty where nothing is left. */
function rounded(ring: Ring, shift: number): Position[] {
  const out: Position[] = [];
  for (const [lon, lat] of ring) {
    const position: Position = [round(lon + shift), round(lat)];
    const last = out.at(-1);
    if (last === undefined || last[0] !== position[0] || last[1] !== position[1]) out.push(position);
  }
  const [first, last] = [out[0], out.at(-1)];
  if (first === undefined || last === undefined) return [];
  if (first[0] !== last[0] || first[1] !== last[1]) out.push([first[0], first[1]]);
  return out.length < 4 ? [] : out;
}

function round(deg: number): number {
  return Math.round(deg * DECIMALS) / DECIMALS + 0;
}

/** A polygon without rings that rounding flattened; none where that is the outer one. */
function withoutSlivers(rings: Position[][]): Position[][] {
  return rings[0]?.length === 0 ? [] : rings.filter((ring) => ring.length > 0);
}
