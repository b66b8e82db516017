import type { Outcome, Status } from '#catalog';
import { backOffS, nextRoundS, retryS, type Rhythm } from './due.js';
import { doubted, FIRST_AUTH, letIn, refusalCounts, refused } from './hold-off.js';
import { type Notice, noted, type NoticeState, tell } from './notices.js';
import { paced } from './flag-rule.js';
import { hasFault, withoutPicture, withPicture } from './picture-flags.js';
import { FIRST_PICTURE, type Seen } from './picture-state.js';
import type { AskedService, Condition, HealthState, Standing } from './state.js';
import { OFFLINE_SCORE, WEIGHINGS } from './weights.js';

/** One probe under one lease, its retries at other services within it included. */
export interface Probed extends Seen {
  readonly kind: 'probed';
  readonly outcome: Outcome;
  /** Milliseconds since 1970, by the database's clock. */
  readonly startedAt: number;
  /** Of the lease. */
  readonly epoch: number;
  /** Of the camera when it was leased. */
  readonly configVersion: number;
  readonly rhythm: Rhythm;
  /** Who gave the outcome. */
  readonly service: AskedService;
  /** Whether credentials were sent. */
  readonly authenticated: boolean;
  /** Who refused them, in the device's words. */
  readonly realm?: string;
  readonly conditions: readonly Condition[];
}

export type HealthEvent =
  | Probed
  /** Services, credentials or network changed: what was refused may be let in, and old failures say nothing. */
  | { readonly kind: 'configChanged'; readonly configVersion: number }
  /** What else an agency wants of a camera (`planned`, `suspended`, …) keeps it from being probed and never comes here. */
  | { readonly kind: 'maintenance'; readonly on: boolean }
  /** The whole site of the camera went down at once (S10): it is told of by one word for all. */
  | { readonly kind: 'site'; readonly isDown: boolean };

/** What is to be done, in this order. */
export type HealthEffect =
  /** Ask again in so many seconds. One per applied result. */
  | { readonly kind: 'schedule'; readonly dueInS: number }
  /** The status changed. */
  | { readonly kind: 'emit'; readonly from: Status; readonly to: Status }
  /** Tell the people who look after the camera. */
  | { readonly kind: 'notify'; readonly notice: Notice };

export interface Step {
  readonly state: HealthState;
  readonly effects: readonly HealthEffect[];
}

/** Seconds after which a recovering camera is asked for its second picture (S7), and after a fault of our own. */
const RECHECK_S = 10;
/** A refusal that may be chance is repeated after 30 to 60 s. */
const DOUBT_S = 30;
/** A failed camera is offline no sooner after the end of its first failure, milliseconds (S4). */
const LEAST_FAILING_MS = 20_000;
/** Busy cameras are asked at up to this multiple of the interval (S5). */
const BUSY_STRETCH = 4;

/**
 * What one event makes of a camera (probing.md section 8, rules S1 to S10, S12 to S14, S16).
 * @param now milliseconds since 1970: for a result, when the probe ended
 * @param random [0, 1), drawn anew for each call
 */
export function step(state: HealthState, event: HealthEvent, now: number, random: number): Step {
  switch (event.kind) {
    case 'configChanged':
      return event.configVersion <= state.configVersion
        ? { state, effects: [] }
        : settled(state, reconfigured(state, event.configVersion), now);
    case 'maintenance':
      return settled(state, { ...state, maintenance: event.on }, now);
    case 'site':
      return settled(state, { ...state, siteDown: event.isDown }, now);
    case 'probed':
      return isStale(state, event) ? { state, effects: [] } : probed(state, event, now, random);
    default:
      return event satisfies never;
  }
}

/** S12: of an older lease or configuration, the same lease once more, or begun before what has been applied. */
const isStale = (state: HealthState, { epoch, configVersion, startedAt }: Probed): boolean =>
  epoch <= state.epoch || configVersion < state.configVersion || startedAt < state.startedAt;

/** Hold-off and overlays end, and so does a suspicion; whether the camera was down is still so until a picture comes. */
function reconfigured(state: HealthState, configVersion: number): HealthState {
  return {
    ...state,
    ...unsuspected(state),
    backOff: 0,
    busyRun: 0,
    ownFaults: 0,
    auth: FIRST_AUTH,
    picture: FIRST_PICTURE,
    conditions: [],
    configVersion,
  };
}

function probed(kept: HealthState, event: Probed, now: number, random: number): Step {
  const { epoch, configVersion, startedAt, rhythm } = event;
  const before = configVersion > kept.configVersion ? reconfigured(kept, configVersion) : kept;
  const { next, delayS } = applied({ ...before, epoch, configVersion, startedAt, checkedAt: now }, event, now);
  const wishS = delayS?.(random) ?? usualDelayS(next, paced(rhythm, next.picture.gapsS), now, random);
  // Nobody fetches oftener than minIntervalS, from one start to the next.
  const dueInS = Math.max(wishS, rhythm.minIntervalS - (now - startedAt) / 1000);
  const { state, effects } = settled(kept, next, now);
  return { state, effects: [{ kind: 'schedule', dueInS }, ...effects] };
}

interface Applied {
  readonly next: HealthState;
  /** Where the outcome itself says when to ask again, seconds. */
  readonly delayS?: (random: number) => number;
}

function applied(state: HealthState, event: Probed, now: number): Applied {
  const { effect } = WEIGHINGS[event.outcome];
  if (effect === 'ours') return ownFault(state, event.conditions);
  if (effect === 'refusal' && !refusalCounts(state.auth, event.outcome, now)) {
    return { next: { ...state, auth: doubted(state.auth, now) }, delayS: (random) => DOUBT_S * (1 + random) };
  }
  const next = counted(state, event, now);
  return { next: { ...next, notice: noted(state.notice, sideOf(next.standing, state.notice.side)) } };
}

/** A fault of ours is no evidence: the first is tried again soon, and nothing moves. */
function ownFault(state: HealthState, found: readonly Condition[]): Applied {
  const conditions = [...new Set([...state.conditions, ...found])];
  const next = { ...state, conditions, ownFaults: state.ownFaults + 1 };
  return state.ownFaults === 0 ? { next, delayS: () => RECHECK_S } : { next };
}

/** A result that is evidence. */
function counted(kept: HealthState, event: Probed, now: number): HealthState {
  const { outcome, service, conditions, rhythm } = event;
  const { effect, weight, reached } = WEIGHINGS[outcome];
  const state = { ...kept, outcome, service, conditions, ownFaults: 0 };
  if (effect === 'ok') {
    const picture = withPicture(state.picture, event, rhythm, now);
    return showing({ ...state, picture, auth: letIn(state.auth, event.authenticated), lastOkAt: now });
  }
  const dark = { ...state, okRun: 0, picture: withoutPicture(state.picture, reached, rhythm, now) };
  switch (effect) {
    case 'busy':
      return { ...dark, ...unsuspected(state), busyRun: state.busyRun + 1 };
    case 'refusal':
      return { ...dark, ...unsuspected(state), busyRun: 0, auth: refused(state.auth, event, now) };
    case 'failure':
      return failed({ ...dark, busyRun: 0 }, weight, now);
    case 'barred':
      return barred(dark);
    case 'ours':
      throw new Error('bug: a fault of ours counted');
    default:
      return effect satisfies never;
  }
}

const CALM = { attempt: 0, score: 0, firstFailAt: null } as const;

/** A suspicion is over: back to where the camera stood before it (S5, S6). */
const unsuspected = ({ standing, before }: HealthState): Partial<HealthState> =>
  standing === 'suspect' ? { ...CALM, standing: before } : CALM;

/** S2, S7: a picture came. */
function showing(state: HealthState): HealthState {
  const next = { ...state, ...CALM, busyRun: 0 };
  if (state.standing === 'offline') return { ...next, standing: 'recovering', okRun: 1 };
  if (state.standing === 'recovering' && state.okRun === 0) return { ...next, okRun: 1 };
  return { ...next, standing: 'online', okRun: 0, offlineSince: null, backOff: 0 };
}

/** S3, S4, S7, S8: a failure that counts. */
function failed(state: HealthState, weight: number, now: number): HealthState {
  switch (state.standing) {
    case 'unknown':
    case 'online':
      return {
        ...state,
        standing: 'suspect',
        before: state.standing,
        attempt: 1,
        score: weight,
        firstFailAt: now,
      };
    case 'suspect': {
      const attempt = state.attempt + 1;
      const score = state.score + weight;
      const failingMs = now - (state.firstFailAt ?? now);
      const suspect = { ...state, attempt, score };
      if (score < OFFLINE_SCORE || attempt < 2 || failingMs < LEAST_FAILING_MS) return suspect;
      return { ...wentOff(suspect), offlineSince: now };
    }
    case 'recovering':
      return wentOff(state);
    case 'offline':
      return { ...state, backOff: state.backOff + 1 };
    default:
      return state.standing satisfies never;
  }
}

/** Being offline ends the refusal that was shown, but not the hold-off: the password is still wrong (S6). */
const wentOff = (state: HealthState): HealthState => ({
  ...state,
  ...CALM,
  standing: 'offline',
  backOff: 0,
  auth: { ...state.auth, refused: false, doubtAt: null },
});

/** We may not ask: nothing is known any more. */
const barred = (state: HealthState): HealthState => ({
  ...state,
  ...CALM,
  standing: 'unknown',
  busyRun: 0,
  backOff: 0,
  offlineSince: null,
  auth: { ...state.auth, refused: false, doubtAt: null },
});

/** Seconds until the camera is asked again, by where it stands. */
function usualDelayS(state: HealthState, rhythm: Rhythm, now: number, random: number): number {
  if (state.busyRun > 0) {
    return nextRoundS(rhythm, now, random, Math.min(2 ** state.busyRun, BUSY_STRETCH) - 1);
  }
  const round = nextRoundS(rhythm, now, random);
  if (state.auth.refused) return round;
  switch (state.standing) {
    case 'unknown':
    case 'online':
      return round;
    case 'suspect':
      return retryS(rhythm, state.attempt, random) ?? round;
    case 'recovering':
      return Math.min(RECHECK_S, round);
    case 'offline':
      return backOffS(rhythm, state.backOff, now - (state.offlineSince ?? now), random);
    default:
      return state.standing satisfies never;
  }
}

/** Where a camera stands for people: a suspect or recovering one where it stood before. */
const sideOf = (standing: Standing, before: NoticeState['side']): NoticeState['side'] =>
  standing === 'online' || standing === 'offline' ? standing : standing === 'unknown' ? null : before;

/** What is shown of it: the first that holds. What the agency wants (`disabled`, `maintenance`) comes before, at reading. */
export function statusOf({ auth, busyRun, standing, picture }: HealthState): Status {
  if (auth.refused) return 'auth_failed';
  if (busyRun > 0) return 'busy';
  return standing === 'online' && hasFault(picture) ? 'degraded' : standing;
}

/** The next state with its status, and what its difference from the kept one brings about. */
function settled(kept: HealthState, next: HealthState, now: number): Step {
  const status = statusOf(next);
  // After an outage of its site, its next result tells whether the camera came back with the others.
  const isMuted = next.maintenance || next.siteDown || kept.siteDown;
  const { notice, words } = tell(kept.notice, next.notice, {
    isMuted,
    isRecovering: next.standing === 'recovering',
    at: now,
  });
  const isNew = status !== kept.status;
  const since = isNew || kept.since === null ? now : kept.since;
  return {
    state: { ...next, notice, status, since },
    effects: [
      ...(isNew ? [{ kind: 'emit', from: kept.status, to: status } as const] : []),
      ...words.map((word) => ({ kind: 'notify', notice: word }) as const),
    ],
  };
}
