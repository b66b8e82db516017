import { isHeld, stateFrom } from '#health';
import { type FrameToKeep, MAIN_VIEW } from '#storage';
import { askCamera } from './ask-camera.js';
import { askPreset, type Turned } from './ask-preset.js';
import type { Answer, AskTools } from './ask-service.js';
import type { Cards } from './cards.js';
import { Eye } from './eye.js';
import { frameToKeep } from './frame-to-keep.js';
import { judge, type Judged } from './judge.js';
import { type Held, keepPicture, type KeepTools } from './keep-picture.js';
import type { Lease } from './lease.js';
import { recall, type Recalled } from './recall.js';
import { fingerprintOf, serviceOf, witness } from './witness.js';

/** The hands of a round. */
export interface RoundTools {
  readonly ask: AskTools;
  readonly keep: KeepTools;
  readonly cards: Cards;
  /** Is told of every answer that counts. */
  readonly observe: (lease: Lease, answer: Answer) => void;
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
  const { scanHash, signals } = known.state.picture;
  const looked = signals === null ? null : scanHash;
  const eye = new Eye({ known: looked, masks: camera.masks, pictures: keep.parts.pictures, clock });

  const answer = await askCamera(lease, known, eye.isDamaged, tools.ask);
  const { outcome, frame } = answer.result;
  const seen = outcome === 'ok' && frame !== null ? eye.seenIn(frame) : null;
  const of = fingerprintOf(camera, answer);
  const held: Held = { frameKey: camera.frameKey, stored: known.memory.stored };
  const kept = signal.aborted ? null : await keepPicture(camera, held, { seen, of, isMain: true }, keep);
  const found = await witness(camera, known, answer, { seen, eye, cards, now: clock() });
  if (kept === null || signal.aborted) return false;

  const now = clock();
  tools.observe(lease, answer);
  const knownNow = { ...known, memory: answer.memory };
  const turned = outcome === 'ok' ? await askPreset(lease, knownNow, now - known.startedAt, tools) : null;
  if (turned !== null) tools.observe(lease, turned.answer);

  const witnessed = { seen, kept, eye, found };
  // With the keys that the preset showed for the first time.
  const whole = turned === null ? answer : { ...answer, memory: turned.answer.memory };
  const judged = judge(camera, known, whole, witnessed, { now, random: tools.random() });
  const frames = [...frameToKeep(camera, MAIN_VIEW, { seen, held, kept }, keep.parts.store), ...(turned?.frames ?? [])];
  tools.record(lease, answer, known, withPictures(judged, { frames, turned, tookS: (clock() - now) / 1000 }));
  const { picture } = judged.state;
  if (outcome === 'ok' && picture.scanHash !== null && isHeld(picture, known.rhythm, now)) {
    cards.held(camera.cameraId, picture.scanHash, serviceOf(camera, answer).url ?? '');
  }
  return true;
}

/** The next round is counted from when the main view had answered. */
function withPictures(
  { record, ...judged }: Judged,
  {
    frames,
    turned,
    tookS,
  }: { readonly frames: readonly FrameToKeep[]; readonly turned: Turned | null; readonly tookS: number },
): Judged {
  return {
    ...judged,
    record: {
      ...record,
      dueInS: Math.max(0, record.dueInS - tookS),
      ...(frames.length === 0 ? {} : { frames }),
      ...(turned === null ? {} : { preset: turned.record }),
    },
  };
}

/** Never before the last probe: after a failover the new server's clock may be behind, and no camera waits for it. */
function forwardClock({ camera, clock }: Lease): () => number {
  const { checkedAt } = stateFrom(camera.state);
  return () => Math.max(clock(), checkedAt ?? 0);
}
