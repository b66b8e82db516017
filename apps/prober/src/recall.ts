import { probingOf, type ServiceKind } from '#catalog';
import { type HealthEffect, type HealthState, primaryOf, type Rhythm, stateFrom, step } from '#health';
import { PROBES } from '#probe';
import type { ClaimedCamera } from '#storage';
import { type Memory, memoryFrom } from './memory.js';

/** What is known of a camera before it is asked. */
export interface Recalled {
  readonly state: HealthState;
  readonly memory: Memory;
  readonly rhythm: Rhythm;
  /** Milliseconds since 1970, by the database's clock. */
  readonly startedAt: number;
  /** Of what people did since the last probe. */
  readonly effects: readonly HealthEffect[];
}

/** Whether this version has a protocol for it. */
export const isProbed = (kind: ServiceKind): boolean => PROBES[kind] !== null;

/** Reads what was kept and catches up with what happened since: the configuration, maintenance, an outage of the whole site. */
export function recall(camera: ClaimedCamera, startedAt: number): Recalled {
  const { configVersion, isMaintained: on, isSiteDown: isDown } = camera;
  const configured = step(stateFrom(camera.state), { kind: 'configChanged', configVersion }, startedAt, 0);
  const maintained = step(configured.state, { kind: 'maintenance', on }, startedAt, 0);
  const { state, effects } = step(maintained.state, { kind: 'site', isDown }, startedAt, 0);
  const refreshS = camera.services[primaryOf(camera.services, isProbed)]?.refreshS;
  return {
    state,
    memory: memoryFrom(camera.memory),
    rhythm: { id: camera.cameraId, ...probingOf(camera.authority), ...(refreshS === undefined ? {} : { refreshS }) },
    startedAt,
    effects: [...configured.effects, ...maintained.effects, ...effects],
  };
}
