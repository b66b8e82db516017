import { isHeld, stateFrom } from '#health';
import { type Answer, askCamera, type AskTools } from './ask-camera.js';
import type { Cards } from './cards.js';
import { Eye } from './eye.js';
import { judge, type Judged } from './judge.js';
import { keepPicture, type KeepTools } from './keep-picture.js';
import type { Lease } from './lease.js';
import { recall, type Recalled } from './recall.js';
import { fingerprintOf, serviceOf, witness } from './witness.js';

/** The hands of a round. */
export interface RoundTools {
  readonly ask: AskTools;
  readonly keep: KeepTools;
  readonly cards: Cards;
  /** Keeps what was judged, sooner or later. */
  readonly record: (lease: Lease, answer: Answer, known: Recalled, judged: Judged) => void;
  /** [0, 1) */
  readonly random: () => number;
}

/** One camera, once: probe, judge, record. @returns false where the lease ended before there was anything to record */
export async function round(lease: Lease, tools: RoundTools): Promise<boolean> {
  const { camera, signal } = lease;
  const { keep, cards } = tools;
  const clock = forwardClock(lease);
  const known = recall(camera, clock());
  const eye = new Eye({ state: known.state, masks: camera.masks, pictures: keep.parts.pictures, clock });

  const answer = await askCamera(lease, known, eye.isDamaged, tools.ask);
  const { outcome, frame } = answer.result;
  const seen = outcome === 'ok' && frame !== null ? eye.seenIn(frame) : null;
  const of = fingerprintOf(camera, answer);
  const kept = signal.aborted ? null : await keepPicture(camera, known.memory.stored, { seen, of }, keep);
  const found = await witness(camera, known, answer, { seen, eye, cards, now: clock() });
  if (kept === null || signal.aborted) return false;

  const now = clock();
  const judged = judge(camera, known, answer, { seen, kept, eye, found }, { now, random: tools.random() });
  tools.record(lease, answer, known, judged);
  const { picture } = judged.state;
  if (outcome === 'ok' && picture.scanHash !== null && isHeld(picture, known.rhythm, now)) {
    cards.held(camera.cameraId, picture.scanHash, serviceOf(camera, answer).url ?? '');
  }
  return true;
}

/** Never before the last probe: after a failover the new server's clock may be behind, and no camera waits for it. */
function forwardClock({ camera, clock }: Lease): () => number {
  const { checkedAt } = stateFrom(camera.state);
  return () => Math.max(clock(), checkedAt ?? 0);
}
