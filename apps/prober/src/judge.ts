import type { ProbeReport, Status } from '#catalog';
import { type HealthEffect, type HealthState, type Sample, shownOf, staleAfterS, step } from '#health';
import type { ClaimedCamera, ProbeRecord } from '#storage';
import type { Answer } from './ask-camera.js';
import type { Kept, Seen } from './keep-picture.js';
import { keepable, type Memory, type Validators } from './memory.js';
import type { Recalled } from './recall.js';

/** A result as it is kept, and what follows from it once it counts. */
export interface Judged {
  readonly record: ProbeRecord;
  readonly state: HealthState;
  readonly effects: readonly HealthEffect[];
}

/** What the answer makes of the camera. @param now milliseconds since 1970, by the database's clock */
export function judge(
  camera: ClaimedCamera,
  { state: before, rhythm, startedAt, effects: earlier }: Recalled,
  answer: Answer,
  { seen, kept }: { readonly seen: Seen | null; readonly kept: Kept },
  { now, random }: { readonly now: number; readonly random: number },
): Judged {
  const { cameraId, epoch, configVersion, isMaintained, declared } = camera;
  const { outcome, evidence } = answer.result;
  const { service, conditions } = answer;
  const realm = keepable(evidence.realm);
  const sample: Sample = seen !== null ? { scanHash: seen.scanHash } : isUnchanged(answer) ? 'unchanged' : null;
  const authenticated = evidence.auth !== 'none';
  const about = { service, sample, authenticated, conditions, ...(realm === undefined ? {} : { realm }) };
  const lease = { epoch, configVersion, startedAt, rhythm };
  const { state, effects } = step(before, { kind: 'probed', outcome, ...lease, ...about }, now, random);
  const schedule = effects.find((effect) => effect.kind === 'schedule');
  if (schedule === undefined) throw new Error(`bug: the result of a new lease of camera ${cameraId} is stale`);
  const { stored, ...pointer } = kept;
  const memory: Memory = { ...answer.memory, stored, validators: validatorsOf(camera, answer, seen) };
  return {
    state,
    effects: [...earlier, ...effects],
    record: {
      cameraId,
      epoch,
      configVersion,
      status: state.status,
      shown: shownOf(state, declared, now),
      state,
      memory,
      report: reportOf(answer, isMaintained ? 'maintenance' : state.status, now),
      dueInS: schedule.dueInS,
      staleAfterS: staleAfterS(rhythm),
      ...pointer,
    },
  };
}

/** Whether the device said that its picture is the one we know. */
const isUnchanged = ({ result }: Answer): boolean =>
  result.outcome === 'ok' && result.frame === null && result.evidence.status === 304;

/** By a picture, those that came with it; without one, those that we had; by an unchanged one too. */
function validatorsOf(
  { configVersion }: ClaimedCamera,
  { result, slot, memory }: Answer,
  seen: Seen | null,
): Validators | null {
  if (seen === null) return memory.validators;
  const etag = keepable(result.evidence.etag);
  const lastModified = keepable(result.evidence.lastModified);
  if (etag === undefined && lastModified === undefined) return null;
  return {
    slot,
    configVersion,
    ...(etag === undefined ? {} : { etag }),
    ...(lastModified === undefined ? {} : { lastModified }),
  };
}

function reportOf({ result, service }: Answer, status: Status, now: number): ProbeReport {
  const { outcome, phases, frame } = result;
  return {
    outcome,
    service: service.kind,
    phases,
    frame: frame === null ? null : { widthPx: frame.widthPx, heightPx: frame.heightPx, bytes: frame.bytes.length },
    status,
    checkedAt: new Date(now).toISOString(),
  };
}
