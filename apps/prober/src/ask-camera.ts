import { mayAuthenticate, paced, primaryOf, roundS, whomToAsk, type AskedService } from '#health';
import {
  type Answer,
  askService,
  type AskTools,
  conditionOf,
  type IsDamaged,
  type Question,
  serviceAt,
  withinMs,
} from './ask-service.js';
import { gapWithinMs } from './gap.js';
import type { Lease } from './lease.js';
import { isProbed, type Recalled } from './recall.js';

/**
 * Asks the services whose turn it is, one after the other, until one gives a picture; the answer is that one's, else the
 * first one's.
 */
export async function askCamera(lease: Lease, known: Recalled, isDamaged: IsDamaged, tools: AskTools): Promise<Answer> {
  const { services, cameraId } = lease.camera;
  let memory = known.memory;
  let first: Answer | null = null;
  for (const service of whomToAsk(known.state, services, isProbed)) {
    const answer = await askService(lease, questionOf(lease, service, { ...known, memory }), isDamaged, tools);
    memory = answer.memory;
    if (answer.result.outcome === 'ok') {
      const isStandIn = service.index !== primaryOf(services, isProbed);
      return isStandIn ? { ...answer, conditions: [...answer.conditions, 'primary_failing'] } : answer;
    }
    first ??= answer;
    if (lease.signal.aborted) break;
  }
  if (first === null) throw new Error(`bug: camera ${cameraId} is leased and has no service`);
  return { ...first, memory };
}

function questionOf({ camera, clock }: Lease, service: AskedService, { state, memory, rhythm }: Recalled): Question {
  const { stated, slot } = serviceAt(camera, service);
  const { stored, validators } = memory;
  const isKept = camera.frameKey !== null && stored !== null && stored.scanHash === state.picture.scanHash;
  const isSuspected = (state.picture.flags.low_fps?.bad ?? 0) > 0;
  const gapMs = gapWithinMs(stated, camera.epoch, isSuspected);
  return {
    service,
    memory,
    mayAuthenticate: mayAuthenticate(state.auth, camera.asked, clock()),
    // That of the picture that is stored, and came last.
    cached: isKept && !camera.asked ? conditionOf(validators, slot, camera) : null,
    ...(gapMs === undefined ? {} : { gapWithinMs: gapMs }),
    withinMs: withinMs(rhythm.intervalS),
    againInS: roundS(paced(rhythm, state.picture.gapsS)),
  };
}
