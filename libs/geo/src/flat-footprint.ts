import type { Frustum } from './frustum.js';
import { appendTurns, circle, type PlanePolygon, type PlaneRing } from './plane.js';

/*
 * Footprint of a pinhole lens: four half-planes (and one for the density), cut with the far disc, less the near disc.
 * There are no special cases for horizon, roll or nadir. The scratch below is what makes a million of them a second's
 * work; nothing survives a call, and no call enters another.
 */

/** A square cut by five lines has nine corners at most. */
const CORNERS = 16;
let cornerE = new Float64Array(CORNERS);
let cornerN = new Float64Array(CORNERS);
let nextE = new Float64Array(CORNERS);
let nextN = new Float64Array(CORNERS);
let corners = 0;

/** The convex outline after the far disc: its points, and whether an arc of that disc leads from a point to the next. */
const outlineE = new Float64Array(2 * CORNERS);
const outlineN = new Float64Array(2 * CORNERS);
const outlineArc = new Uint8Array(2 * CORNERS);
let outline = 0;

/** Cuts the corners by a·e + b·n ≥ c; whether the origin is on the kept side. */
function cut(a: number, b: number, c: number): boolean {
  let kept = 0;
  let lastE = cornerE[corners - 1]!;
  let lastN = cornerN[corners - 1]!;
  let last = a * lastE + b * lastN - c;
  for (let i = 0; i < corners; i++) {
    const e = cornerE[i]!;
    const n = cornerN[i]!;
    const side = a * e + b * n - c;
    if (side >= 0 !== last >= 0) {
      const t = last / (last - side);
      nextE[kept] = lastE + t * (e - lastE);
      nextN[kept++] = lastN + t * (n - lastN);
    }
    if (side >= 0) {
      nextE[kept] = e;
      nextN[kept++] = n;
    }
    lastE = e;
    lastN = n;
    last = side;
  }
  corners = kept;
  [cornerE, nextE] = [nextE, cornerE];
  [cornerN, nextN] = [nextN, cornerN];
  return c <= 0;
}

/** Footprint on the plane that lies heightM below the optical centre. */
export interface FlatFootprint {
  readonly polygons: readonly PlanePolygon[];
  /** Cut by the far end: that edge is a choice, not geometry. */
  readonly clamped: boolean;
}

const EMPTY: FlatFootprint = { polygons: [], clamped: false };

/**
 * Ground that a pinhole frustum shows; arcs in steps of at most `step` radians (1° loses 5e-5 of the area, 5° 1.3e-3).
 * With `minPxPerM` only where fx / depth reaches it; nowhere, if the image's size is unknown.
 */
export function flatFootprint(f: Frustum, heightM: number, step: number, minPxPerM = 0): FlatFootprint {
  const { farM, nearM, tanH, tanV } = f;
  if (farM <= heightM || nearM >= farM || (minPxPerM > 0 && f.fxPx === null)) return EMPTY;
  const far = Math.sqrt(farM * farM - heightM * heightM);
  const around = 1.0001 * far;
  cornerE[0] = cornerE[3] = cornerN[0] = cornerN[1] = -around;
  cornerE[1] = cornerE[2] = cornerN[2] = cornerN[3] = around;
  corners = 4;
  const fE = f.fE * tanH;
  const fN = f.fN * tanH;
  const fU = f.fU * tanH * heightM;
  const rU = f.rU * heightM;
  const gE = f.fE * tanV;
  const gN = f.fN * tanV;
  const gU = f.fU * tanV * heightM;
  const dU = f.dU * heightM;
  let beneath = cut(fE - f.rE, fN - f.rN, fU - rU);
  beneath = cut(fE + f.rE, fN + f.rN, fU + rU) && beneath;
  beneath = cut(gE - f.dE, gN - f.dN, gU - dU) && beneath;
  beneath = cut(gE + f.dE, gN + f.dN, gU + dU) && beneath;
  if (minPxPerM > 0) {
    beneath = cut(-f.fE, -f.fN, -f.fU * heightM - (f.fxPx! / minPxPerM) * (1 + 1e-9)) && beneath;
  }
  const clamped = cutByFar(far);
  const near = nearM > heightM ? Math.sqrt(nearM * nearM - heightM * heightM) : 0;
  if (outline === 0) return beneath && corners > 0 ? disc(far, near, step) : EMPTY;
  return { polygons: near > 0 ? withoutNear(near, far, step, beneath) : [[wholeOutline(far, step)]], clamped };
}

function disc(far: number, near: number, step: number): FlatFootprint {
  const rings = [circle(far, step)];
  if (near > 0) rings.push(circle(near, step, true));
  return { polygons: [rings], clamped: true };
}

/** Where, as a part of the segment, it meets the circle about the origin: the first (-1) or the second (+1) time; else NaN. */
function meets(e1: number, n1: number, e2: number, n2: number, radius2: number, which: -1 | 1): number {
  const dE = e2 - e1;
  const dN = n2 - n1;
  const a = dE * dE + dN * dN;
  const b = e1 * dE + n1 * dN;
  const c = e1 * e1 + n1 * n1 - radius2;
  const root = b * b - a * c;
  return root > 0 ? (-b + which * Math.sqrt(root)) / a : NaN;
}

function addOutline(e: number, n: number, arc: 0 | 1): void {
  outlineE[outline] = e;
  outlineN[outline] = n;
  outlineArc[outline++] = arc;
}

/** Outline = corners within the far disc; whether that disc cut any. An empty outline is no edge inside it. */
function cutByFar(far: number): boolean {
  const far2 = far * far;
  let clamped = false;
  outline = 0;
  for (let i = 0; i < corners; i++) {
    const j = i + 1 === corners ? 0 : i + 1;
    const e = cornerE[i]!;
    const n = cornerN[i]!;
    const toE = cornerE[j]!;
    const toN = cornerN[j]!;
    const inside = e * e + n * n <= far2;
    const toInside = toE * toE + toN * toN <= far2;
    if (inside) addOutline(e, n, 0);
    if (inside && toInside) continue;
    if (!inside) {
      const entry = meets(e, n, toE, toN, far2, -1);
      // From outside to outside it may pass by, also with the circle behind it or beyond.
      if (!(entry > 0 && entry < 1)) continue;
      addOutline(e + entry * (toE - e), n + entry * (toN - n), 0);
      if (toInside) continue;
    }
    const exit = meets(e, n, toE, toN, far2, 1);
    const at = exit >= 0 && exit <= 1 ? exit : inside ? 0 : 1;
    addOutline(e + at * (toE - e), n + at * (toN - n), 1);
    clamped = true;
  }
  return clamped;
}

function wholeOutline(far: number, step: number): PlaneRing {
  const ring: number[] = [];
  for (let i = 0; i < outline; i++) appendOutline(ring, i, far, step);
  return ring;
}

/** Appends a point of the outline and, if an arc leads on, the points within the arc. */
function appendOutline(ring: number[], i: number, far: number, step: number): void {
  const e = outlineE[i]!;
  const n = outlineN[i]!;
  ring.push(e, n);
  if (outlineArc[i] === 0) return;
  const j = i + 1 === outline ? 0 : i + 1;
  appendBetween(ring, e, n, outlineE[j]!, outlineN[j]!, far, step, 1);
}

/** Appends the inner points of an arc about the origin from one point of it to another. */
function appendBetween(
  ring: number[],
  e: number,
  n: number,
  toE: number,
  toN: number,
  radius: number,
  step: number,
  sense: 1 | -1,
): void {
  const span = sense * positive(sense * Math.atan2(e * toN - n * toE, e * toE + n * toN));
  const parts = Math.ceil(Math.abs(span) / step - 1e-9);
  if (parts < 2) return;
  const first = Math.atan2(n, e) + span / parts;
  appendTurns(ring, radius * Math.cos(first), radius * Math.sin(first), span / parts, parts - 1);
}

/** The same turn in [0, 2π); one that is negative by rounding only is none. */
function positive(angle: number): number {
  return angle < -1e-12 ? angle + 2 * Math.PI : Math.max(0, angle);
}

/** A run of the outline outside the near disc: where it leaves the disc, its points, where it enters the disc again. */
interface Run {
  readonly leaveE: number;
  readonly leaveN: number;
  readonly points: number[];
  readonly enterE: number;
  readonly enterN: number;
  used: boolean;
}

/** The outline less the near disc: unchanged, with a hole, or one or several rings closed by clockwise arcs. */
function withoutNear(near: number, far: number, step: number, beneath: boolean): readonly PlanePolygon[] {
  const runs = runsOutside(near, far, step);
  if (runs === null) return [];
  if (runs.length === 0) {
    const whole = wholeOutline(far, step);
    return [beneath ? [whole, circle(near, step, true)] : [whole]];
  }
  const polygons: PlanePolygon[] = [];
  for (const first of runs) {
    if (first.used) continue;
    const ring: number[] = [];
    for (let run = first; !run.used;) {
      run.used = true;
      for (const value of run.points) ring.push(value);
      const next = nextClockwise(run, runs);
      appendBetween(ring, run.enterE, run.enterN, next.leaveE, next.leaveN, near, step, -1);
      run = next;
    }
    polygons.push([ring]);
  }
  return polygons;
}

/** The run that begins first, clockwise along the near circle, from where this one ends. */
function nextClockwise({ enterE, enterN }: Run, runs: readonly Run[]): Run {
  let next: Run | undefined;
  let least = Infinity;
  for (const run of runs) {
    const turn = positive(
      -Math.atan2(enterE * run.leaveN - enterN * run.leaveE, enterE * run.leaveE + enterN * run.leaveN),
    );
    if (turn < least) {
      least = turn;
      next = run;
    }
  }
  if (next === undefined) throw new Error('bug: no run to go on with');
  return next;
}

/** Runs of the outline outside the near disc; none where it never crosses that disc, null where it lies in it wholly. */
function runsOutside(near: number, far: number, step: number): Run[] | null {
  const near2 = near * near;
  const isOut = (i: number): boolean => outlineE[i]! * outlineE[i]! + outlineN[i]! * outlineN[i]! >= near2;
  /** Crossings in order around: leaving the disc at `leaves`, or entering it, after outline point `after`. */
  const crossings: { readonly e: number; readonly n: number; readonly after: number; readonly leaves: boolean }[] = [];
  let anyOut = false;
  for (let i = 0; i < outline; i++) {
    const j = i + 1 === outline ? 0 : i + 1;
    const out = isOut(i);
    anyOut ||= out;
    // The far circle never meets the near one.
    if (outlineArc[i] === 1) continue;
    const toOut = isOut(j);
    const e = outlineE[i]!;
    const n = outlineN[i]!;
    const toE = outlineE[j]!;
    const toN = outlineN[j]!;
    const add = (which: -1 | 1): void => {
      const t = meets(e, n, toE, toN, near2, which);
      const at = t > 0 ? Math.min(t, 1) : 0;
      crossings.push({ e: e + at * (toE - e), n: n + at * (toN - n), after: i, leaves: which === 1 });
    };
    if (out && toOut) {
      const first = meets(e, n, toE, toN, near2, -1);
      const second = meets(e, n, toE, toN, near2, 1);
      if (!(first > 0 && second < 1 && first < second)) continue;
      add(-1);
      add(1);
    } else if (out) add(-1);
    else if (toOut) add(1);
  }
  if (crossings.length === 0) return anyOut ? [] : null;
  const runs: Run[] = [];
  crossings.forEach((from, k) => {
    if (!from.leaves) return;
    const to = crossings[(k + 1) % crossings.length]!;
    const points = [from.e, from.n];
    // A disc is left and entered again on one edge only by going all the way round.
    const count = ((to.after - from.after - 1 + outline) % outline) + 1;
    for (let s = 1; s <= count; s++) appendOutline(points, (from.after + s) % outline, far, step);
    points.push(to.e, to.n);
    runs.push({ leaveE: from.e, leaveN: from.n, points, enterE: to.e, enterN: to.n, used: false });
  });
  return runs;
}
