const MINUTE_S = 60;
const HOUR_S = 3_600;

/** Seconds from each failed attempt to the next (api.md, "Webhooks"). */
const DELAYS_S = [
  5,
  5 * MINUTE_S,
  30 * MINUTE_S,
  2 * HOUR_S,
  5 * HOUR_S,
  10 * HOUR_S,
  14 * HOUR_S,
  20 * HOUR_S,
  24 * HOUR_S,
] as const;
/** So that receivers that fell together do not meet all their retries at once. */
const JITTER = 0.1;

/** Seconds without a success after which a webhook is disabled. */
export const FAILS_FOR_S = 5 * 24 * HOUR_S;

/**
 * Seconds until the next attempt; null where it is given up.
 * @param attempts how many have failed
 * @param random [0, 1)
 */
export function nextAttemptS(attempts: number, random: number): number | null {
  const delayS = DELAYS_S[attempts - 1];
  return delayS === undefined ? null : delayS * (1 - JITTER + 2 * JITTER * random);
}
