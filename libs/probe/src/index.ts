export {
  type DialPolicy,
  isRefusal,
  judgeAddress,
  literalRefusal,
  networkOf,
  parseTarget,
  type Refusal,
  type Target,
} from './address-policy.js';
export type { Resolve } from './allowed-addresses.js';
export {
  DEFAULT_LIMITS,
  type ProbeEvidence,
  type ProbeLimits,
  type ProbeResult,
  type ProbeTools,
  type ServiceTarget,
} from './attempt.js';
export { NonceCache } from './digest.js';
export { KeptConnections, type Reuse } from './kept-connections.js';
export { type Post, post, type Posted, type PostOptions } from './post.js';
export { type Probe, probe, PROBES } from './probe.js';
export {
  type Dialled,
  type DialFailure,
  type DialLimits,
  type DialOptions,
  type DialTls,
  isDialFailure,
  safeDial,
} from './safe-dial.js';
export { scrubber } from './scrub.js';
export { requestUrl } from './service-url.js';
