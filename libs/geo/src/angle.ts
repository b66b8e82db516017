/** Radians in a degree. */
export const RAD = Math.PI / 180;

/** The same direction in [0, 360), degrees. */
export function wrap360(deg: number): number {
  const turned = deg % 360;
  const positive = turned < 0 ? turned + 360 : turned;
  // -1e-20 + 360 rounds to 360; adding 0 turns -0 into 0.
  return positive === 360 ? 0 : positive + 0;
}

/** The same direction in (-180, 180], degrees; exact for values that lie there already. */
export function wrap180(deg: number): number {
  if (deg > -180 && deg <= 180) return deg + 0;
  const positive = wrap360(deg);
  return positive > 180 ? positive - 360 : positive;
}

/** `value`, or the nearer limit. */
export function clamp(value: number, min: number, max: number): number {
  return value < min ? min : value > max ? max : value;
}
