import { ABORTED, TIMEOUT } from './dial-failure.js';
import type { Ending } from './end-signal.js';

/** Waits for one event, at most so long and no longer than the signal allows; then listeners and timer are gone. */
export function waitFor<Value>(
  begin: (settle: (value: Value) => void) => void,
  limitMs: number,
  signal: Ending,
): Promise<Value | typeof ABORTED | typeof TIMEOUT> {
  return new Promise((resolve) => {
    const settle = (value: Value | typeof ABORTED | typeof TIMEOUT): void => {
      clearTimeout(timeout);
      signal.removeEventListener('abort', stop);
      resolve(value);
    };
    const timeout = setTimeout(() => settle(TIMEOUT), limitMs);
    const stop = (): void => settle(ABORTED);
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    begin(settle);
  });
}
