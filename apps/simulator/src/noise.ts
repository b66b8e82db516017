// Looked up once: within Jest's contexts a global costs ten times as much.
const { cos, floor, imul, log, max, min, round, sqrt } = Math;

/** A seeded stream of numbers in [0, 1): mulberry32, since the same seed must draw the same street everywhere. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = imul(state ^ (state >>> 15), state | 1);
    t = (t + imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A whole number made of two others, well mixed; for colours and heights that stay with a place. */
export function hash(a: number, b: number): number {
  let h = imul(a | 0, 0x9e3779b1) ^ imul(b | 0, 0x85ebca6b);
  h = imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = imul(h ^ (h >>> 12), 0x297a2d39);
  return (h ^ (h >>> 15)) >>> 0;
}

/** A seed made of words. */
export const seedOf = (text: string, seed: number): number =>
  [...text].reduce((sum, character) => hash(sum, character.codePointAt(0) ?? 0), seed);

/** Side of the tables below; a power of two, so that an index wraps by a mask. */
export const SIDE = 256;
export const MASK = SIDE - 1;

/** Smooth noise that joins up at its edges, 256 × 256 of −1…1: octaves of random values, cosine between them. */
export function smoothNoise(seed: number, periods: readonly number[]): Float32Array {
  const random = randomOf(seed);
  const table = new Float32Array(SIDE * SIDE);
  let weight = 1;
  let sum = 0;
  for (const period of periods) {
    const knots = Float32Array.from({ length: period * period }, () => random() * 2 - 1);
    const knot = (x: number, y: number): number => knots[(y % period) * period + (x % period)] ?? 0;
    for (let y = 0; y < SIDE; y++) {
      const v = (y * period) / SIDE;
      const fy = ease(v % 1);
      for (let x = 0; x < SIDE; x++) {
        const u = (x * period) / SIDE;
        const fx = ease(u % 1);
        const [x0, y0] = [floor(u), floor(v)];
        const top = knot(x0, y0) + (knot(x0 + 1, y0) - knot(x0, y0)) * fx;
        const bottom = knot(x0, y0 + 1) + (knot(x0 + 1, y0 + 1) - knot(x0, y0 + 1)) * fx;
        const i = y * SIDE + x;
        table[i] = (table[i] ?? 0) + weight * (top + (bottom - top) * fy);
      }
    }
    sum += weight;
    weight *= 0.55;
  }
  return table.map((value) => value / sum);
}

const ease = (t: number): number => t * t * (3 - 2 * t);

/**
 * A field of sensor noise, 256 × 256, standard deviation 16: half of it alike in blocks of two by two pixels, as
 * demosaicing leaves it.
 */
export function sensorNoise(seed: number): Int8Array {
  const random = randomOf(seed);
  const normal = (): number => sqrt(-2 * log(1 - random())) * cos(2 * Math.PI * random());
  const blocks = Float32Array.from({ length: (SIDE * SIDE) / 4 }, normal);
  return Int8Array.from({ length: SIDE * SIDE }, (_, i) => {
    const block = blocks[(i >> 9) * (SIDE / 2) + ((i & MASK) >> 1)] ?? 0;
    return max(-127, min(127, round(16 * (0.82 * block + 0.57 * normal()))));
  });
}
