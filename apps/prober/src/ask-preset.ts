import { presetInTurn } from '#health';
import type { FrameToKeep, PresetRecord } from '#storage';
import { type Answer, askService, type AskTools, conditionOf, serviceAt, withinMs } from './ask-service.js';
import { Eye } from './eye.js';
import { frameToKeep } from './frame-to-keep.js';
import { keepPicture, type KeepTools } from './keep-picture.js';
import type { Lease } from './lease.js';
import { heldOf, type PresetMemory, presetMemoryOf } from './preset-memory.js';
import { isProbed, type Recalled } from './recall.js';
import { validatorsAfter } from './validators.js';
import { fingerprintOf } from './witness.js';

/** The preset whose turn it was, and what came of it. */
export interface Turned {
  readonly answer: Answer;
  readonly record: PresetRecord;
  readonly frames: readonly FrameToKeep[];
}

/** With less of the round left a preset waits for the next one, milliseconds. */
const LEAST_MS = 1_000;

/**
 * Asks the preset whose turn it is, after the main view gave a picture: under the same lease and within what is left of the round. It is kept beside the
 * main view, whose status and flags it says nothing of. Where somebody waits for the main view's result, no preset is asked.
 * @param spentMs of the round, already
 * @returns null where none was asked
 */
export async function askPreset(
  lease: Lease,
  { memory, rhythm }: Recalled,
  spentMs: number,
  { ask, keep }: { readonly ask: AskTools; readonly keep: KeepTools },
): Promise<Turned | null> {
  const { camera, clock, signal } = lease;
  const { services, configVersion, presets } = camera;
  const wholeMs = withinMs(rhythm.intervalS, spentMs);
  if (camera.asked || wholeMs < LEAST_MS) return null;
  const memories = new Map(presets.map((known) => [known.preset, presetMemoryOf(known, configVersion)]));
  const known = new Map(
    presets.map(({ preset, outcome, checkedAt }) => [
      preset,
      { outcome, checkedAt, failures: memories.get(preset)?.failures ?? 0 },
    ]),
  );
  const turn = presetInTurn(services, isProbed, { known, rhythm, now: clock() });
  if (turn === null) return null;
  const { preset, service, staleAfterS } = turn;
  const before = memories.get(preset) ?? presetMemoryOf(undefined, configVersion);
  const held = heldOf(
    presets.find((one) => one.preset === preset),
    before,
  );
  const eye = new Eye({ known: held.stored?.scanHash ?? null, masks: [], pictures: keep.parts.pictures, clock });
  const cached =
    held.frameKey === null ? null : conditionOf(before.validators, serviceAt(camera, service).slot, camera);
  const question = { service, memory, mayAuthenticate: true, cached, withinMs: wholeMs };
  const answer = await askService(lease, question, eye.isDamaged, ask);
  if (signal.aborted) return null;

  const { outcome, frame } = answer.result;
  const seen = outcome === 'ok' && frame !== null ? eye.seenIn(frame) : null;
  const { stored, ...kept } = await keepPicture(
    camera,
    held,
    { seen, of: fingerprintOf(camera, answer), isMain: false },
    keep,
  );
  const after: PresetMemory = {
    v: 1,
    stored,
    validators: validatorsAfter(before.validators, camera, answer, seen),
    failures: outcome === 'ok' ? 0 : before.failures + 1,
    configVersion,
  };
  return {
    answer,
    record: { preset, outcome, checkedAt: new Date(clock()).toISOString(), staleAfterS, memory: after, ...kept },
    frames: frameToKeep(camera, preset, { seen, held, kept: { stored, ...kept } }, keep.parts.store),
  };
}
