import { isUnreached, wasThere, WEIGHINGS } from '#health';
import { networkOf } from '#probe';
import type { Answer } from './ask-service.js';
import type { Lease } from './lease.js';
import type { LineSign } from './line-watch.js';
import type { Recalled } from './recall.js';

/** What a camera's answer tells of our own line. A name without an address stands for a network of its own. */
export function lineSignOf({ camera }: Lease, { result }: Answer, { state }: Recalled): LineSign {
  const { outcome, evidence } = result;
  const { address } = evidence;
  return {
    network: address === undefined ? camera.host : networkOf(address),
    isOutward: address === undefined || !/^(?:127\.|::1$)/.test(address),
    wasThere: wasThere(state),
    unreached: isUnreached(outcome),
    failed: WEIGHINGS[outcome].effect === 'failure',
  };
}
