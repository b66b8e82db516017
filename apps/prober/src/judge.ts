import type { ProbeReport, Status } from '#catalog';
import { countedAs, type HealthEffect, type HealthState, paced, shownOf, staleAfterS, step } from '#health';
import { networkOf } from '#probe';
import type { ClaimedCamera, ProbeRecord } from '#storage';
import type { Answer } from './ask-service.js';
import type { Eye } from './eye.js';
import type { Kept, Seen } from './keep-picture.js';
import { keepable, type Memory } from './memory.js';
import type { Recalled } from './recall.js';
import { validatorsAfter } from './validators.js';
import { proposalOf, type Witness } from './witness.js';

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
  {
    seen,
    kept,
    eye,
    found,
  }: { readonly seen: Seen | null; readonly kept: Kept; readonly eye: Eye; readonly found: Witness },
  { now, random }: { readonly now: number; readonly random: number },
): Judged {
  const { cameraId, epoch, configVersion, isMaintained, isSiteDown, declared } = camera;
  const { outcome, evidence } = answer.result;
  const { service, conditions } = answer;
  const realm = keepable(evidence.realm);
  const authenticated = evidence.auth !== 'none';
  const about = { ...found, service, authenticated, conditions, ...(realm === undefined ? {} : { realm }) };
  const lease = { epoch, configVersion, startedAt, rhythm };
  const { state, effects } = step(before, { kind: 'probed', outcome, ...lease, ...about }, now, random);
  const schedule = effects.find((effect) => effect.kind === 'schedule');
  if (schedule === undefined) throw new Error(`bug: the result of a new lease of camera ${cameraId} is stale`);
  const { stored, ...pointer } = kept;
  const reference = proposalOf(camera, answer, state, { scene: found.scene, seen, eye, now });
  const shown = shownOf(state, declared, now);
  const read = isMaintained ? 'maintenance' : isSiteDown ? 'unreachable' : state.status;
  const memory: Memory = {
    ...answer.memory,
    stored,
    validators: validatorsAfter(answer.memory.validators, camera, answer, seen),
  };
  return {
    state,
    effects: [...earlier, ...effects],
    record: {
      cameraId,
      epoch,
      configVersion,
      network: evidence.address === undefined ? null : networkOf(evidence.address),
      status: state.status,
      shown,
      state,
      memory,
      report: reportOf(answer, read, now),
      countedAs: countedAs(outcome, read),
      dueInS: schedule.dueInS,
      staleAfterS: staleAfterS(paced(rhythm, state.picture.gapsS)),
      ...told([...earlier, ...effects], shown.reason ?? null, now),
      ...(reference === null ? {} : { reference }),
      ...pointer,
    },
  };
}

/** What people read of the effects: the status before the first and after the last, where they differ, and all words. */
function told(
  effects: readonly HealthEffect[],
  reason: string | null,
  now: number,
): Pick<ProbeRecord, 'transition' | 'notices'> {
  const changes = effects.filter((effect) => effect.kind === 'emit');
  const notices = effects.filter((effect) => effect.kind === 'notify').map(({ notice }) => notice);
  const from = changes[0]?.from;
  const to = changes.at(-1)?.to;
  if (from === undefined || to === undefined || from === to) return { notices };
  return { transition: { from, to, reason, at: new Date(now).toISOString() }, notices };
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
