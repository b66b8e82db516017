import type { Frame } from '#catalog';
import { scanHash } from '#frames';
import { type HealthState, stateFrom } from '#health';
import { type Answer, askCamera, type AskTools } from './ask-camera.js';
import { judge, type Judged } from './judge.js';
import { keepPicture, type KeepTools, type Seen } from './keep-picture.js';
import type { Lease } from './lease.js';
import { recall } from './recall.js';

/** The hands of a round. */
export interface RoundTools {
  readonly ask: AskTools;
  readonly keep: KeepTools;
  /** Keeps what was judged, sooner or later. */
  readonly record: (lease: Lease, answer: Answer, judged: Judged) => void;
  /** [0, 1) */
  readonly random: () => number;
}

/** One camera, once: probe, judge, record. @returns false where the lease ended before there was anything to record */
export async function round(lease: Lease, tools: RoundTools): Promise<boolean> {
  const { camera, signal } = lease;
  const clock = forwardClock(lease);
  const known = recall(camera, clock());
  const eye = new Eye(known.state, clock, tools.keep);

  const answer = await askCamera(lease, known, eye.isDamaged, tools.ask);
  const seen = eye.pictureOf(answer);
  const kept = signal.aborted ? null : await keepPicture(camera, known.memory.stored, seen, tools.keep);
  if (kept === null || signal.aborted) return false;

  tools.record(lease, answer, judge(camera, known, answer, { seen, kept }, { now: clock(), random: tools.random() }));
  return true;
}

/** Never before the last probe: after a failover the new server's clock may be behind, and no camera waits for it. */
function forwardClock({ camera, clock }: Lease): () => number {
  const { checkedAt } = stateFrom(camera.state);
  return () => Math.max(clock(), checkedAt ?? 0);
}

/** Looks at the frames of one round. */
class Eye {
  private last: Seen | null = null;

  constructor(
    private readonly state: HealthState,
    private readonly clock: () => number,
    private readonly tools: KeepTools,
  ) {}

  /** What is broken in a frame, or null. The picture that was fine last time is not decoded again. */
  readonly isDamaged = async (frame: Frame): Promise<string | null> => {
    const hash = scanHash(frame);
    this.last = { frame, scanHash: hash, receivedAt: this.clock() };
    return hash === this.state.picture.scanHash ? null : (await this.tools.parts.pictures.inspect(frame)).damage;
  };

  /** The picture of an answer: captured when its last byte came, before anything was made of it. */
  pictureOf({ result }: Answer): Seen | null {
    const { outcome, frame } = result;
    if (outcome !== 'ok' || frame === null) return null;
    if (this.last?.frame === frame) return this.last;
    return { frame, scanHash: scanHash(frame), receivedAt: this.clock() };
  }
}
