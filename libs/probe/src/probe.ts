import type { ServiceKind } from '#catalog';
import { Attempt, type ProbeResult, type ProbeTools, type ServiceTarget } from './attempt.js';
import { codeOf } from './dial-failure.js';
import { probeMjpeg } from './mjpeg.js';
import { probeSnapshot } from './snapshot.js';

/**
 * Asks one service whether it gives a picture now. Ends by its own deadline (`limits.wholeMs`) or when the signal aborts, which is
 * `prober_internal`; closes every socket and timer; never rejects: an exception of ours is `prober_internal` too.
 */
export type Probe = (target: ServiceTarget, tools: ProbeTools, signal: AbortSignal) => Promise<ProbeResult>;

/** The protocols. Null: registered, not asked in this version; `probe` says so. */
export const PROBES: Readonly<Record<ServiceKind, Probe | null>> = {
  mjpeg: underDeadline(probeMjpeg),
  snapshot: underDeadline(probeSnapshot),
  rtsp: null,
  hls: null,
};

/**
 * Probes a service by the protocol of its kind. A kind without a probe (rtsp, hls) is answered `prober_internal` without a packet: it
 * is we who cannot tell, so the camera's state must not move.
 */
export const probe: Probe = (target, tools, signal) => (PROBES[target.kind] ?? notAsked)(target, tools, signal);

const notAsked: Probe = (target, tools, signal) =>
  underDeadline((attempt) =>
    Promise.resolve(
      attempt.finish(
        { outcome: 'prober_internal', reason: `services of kind ${target.kind} are not probed in this version` },
        null,
      ),
    ),
  )(target, tools, signal);

function underDeadline(ask: (attempt: Attempt) => Promise<ProbeResult>): Probe {
  return async (target, tools, signal) => {
    const attempt = new Attempt(target, tools, signal);
    try {
      if (attempt.stop !== null) return attempt.finish(attempt.stopped(), null);
      return await ask(attempt);
    } catch (error) {
      // The message may quote what the device sent; the code cannot.
      const what = codeOf(error) || (error instanceof Error ? error.name : typeof error);
      return attempt.finish({ outcome: 'prober_internal', reason: `an error of this program (${what})` }, null);
    } finally {
      attempt.close();
    }
  };
}
