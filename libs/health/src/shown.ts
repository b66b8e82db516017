import {
  type Agreement,
  type DeclaredDocument,
  type DeclaredStatus,
  FLAGS,
  type Health,
  type HealthFlag,
  type Outcome,
  type Status,
} from '#catalog';
import { unjudged } from './flag-memory.js';
import { BY_RANK } from './flag-rules.js';
import { saysOf } from './flag-words.js';
import { faultsOf } from './picture-flags.js';
import type { HealthState } from './state.js';
import { THRESHOLDS } from './thresholds.js';

/** Members of the health document that change only with a probe; storage adds what a reading knows better. */
export type ShownHealth = Pick<
  Health,
  'since' | 'lastOutcome' | 'reason' | 'lastOkAt' | 'flapping' | 'agreement' | 'conditions' | 'flags' | 'service'
>;

const at = (moment: number): string => new Date(moment).toISOString();

/** What people read of a state. @param now milliseconds since 1970 */
export function shownOf(state: HealthState, declared: DeclaredDocument | undefined, now: number): ShownHealth {
  const { outcome, lastOkAt, service } = state;
  return {
    since: at(state.since ?? now),
    ...(outcome === null ? {} : { lastOutcome: outcome }),
    reason: reasonOf(state),
    ...(lastOkAt === null ? {} : { lastOkAt: at(lastOkAt) }),
    flapping: state.notice.flapping,
    agreement: agreementOf(state.status, declared, now),
    conditions: [...state.conditions],
    flags: flagsOf(state, now),
    ...(service === null ? {} : { service }),
  };
}

/** Every flag, in the order of the list; those that nothing is known of yet too. */
function flagsOf({ picture }: HealthState, now: number): HealthFlag[] {
  return FLAGS.map((flag) => {
    const found = picture.flags[flag] ?? unjudged('not_yet', now);
    const { state, since, measured } = found;
    return {
      flag,
      state,
      since: at(since),
      evidence: {
        says: saysOf(flag, found),
        ...(Object.keys(measured).length === 0 ? {} : { measured, threshold: THRESHOLDS[flag] }),
      },
    };
  });
}

/** No word of these comes from a camera: strangers read them (security.md SSRF-9). */
const REASONS: Readonly<Record<Outcome, string>> = {
  ok: 'the camera sends whole pictures',
  busy: 'the camera answers that it serves as many viewers as it can',
  auth_failed: 'the camera does not accept the credentials, or wants some',
  forbidden: 'the camera forbids us the picture',
  not_found: 'the camera knows no picture at this address',
  moved: 'the camera sends us elsewhere, to something that is no picture',
  not_a_picture: 'the camera answers, but with something that is no JPEG',
  bad_picture: 'the camera sends pictures that are cut or damaged',
  connect_timeout: "nothing answers at the camera's address in time",
  tls_error: 'no trusted encrypted connection to the camera comes about',
  first_byte_timeout: 'the camera accepts the connection, but says nothing',
  first_frame_timeout: 'the camera answers, but no whole picture comes in time',
  stalled: 'the camera stops in the middle of a picture',
  refused: "the camera's address refuses the connection",
  unreachable: "no way leads to the camera's address",
  dns_error: "the camera's host name leads to no address",
  reset: 'the camera breaks the connection off',
  empty_reply: 'the camera closes the connection without a picture',
  protocol_error: 'what the camera answers is no proper reply',
  too_large: "the camera's picture is larger than we take",
  target_not_allowed: "the camera's address lies outside the networks allowed to its authority",
  prober_internal: 'the last try failed on our side',
};

function reasonOf({ status, outcome, picture, ownFaults, conditions }: HealthState): string {
  if (ownFaults > 0 && conditions.includes('credential_unreadable')) {
    return 'no key of this server opens the credentials that are kept for the camera';
  }
  if (status === 'auth_failed') return REASONS[outcome === 'forbidden' ? 'forbidden' : 'auth_failed'];
  if (status === 'degraded') {
    const fault = BY_RANK.find((flag) => faultsOf(picture.flags).includes(flag));
    const found = fault === undefined ? undefined : picture.flags[fault];
    if (fault === undefined || found === undefined) throw new Error('bug: a camera without a fault is degraded');
    return saysOf(fault, found);
  }
  if (status === 'recovering') return 'a picture came again; one more is awaited';
  if (outcome !== null) return REASONS[outcome];
  return ownFaults > 0 ? REASONS.prober_internal : 'it has not been probed yet';
}

type Word = 'good' | 'bad' | 'unclear';

const DECLARED: Readonly<Record<DeclaredStatus, Word>> = {
  ok: 'good',
  comms_fault: 'bad',
  device_fault: 'bad',
  fault_doubt: 'unclear',
  disabled_or_works: 'bad',
  maintenance: 'bad',
  unknown: 'unclear',
};

const MEASURED: Readonly<Record<Status, Word>> = {
  unknown: 'unclear',
  online: 'good',
  suspect: 'unclear',
  offline: 'bad',
  recovering: 'unclear',
  degraded: 'bad',
  auth_failed: 'unclear',
  busy: 'unclear',
  unreachable: 'unclear',
  maintenance: 'unclear',
  disabled: 'unclear',
};

/** What an owner said longer ago says nothing of today (domain.md section 4). */
const DECLARED_HOLDS_MS = 24 * 3_600_000;

/** Whether the owner's word and the measurement tell the same story. @param now milliseconds since 1970 */
export function agreementOf(status: Status, declared: DeclaredDocument | undefined, now: number): Agreement {
  const isOld = declared?.at !== undefined && now - Date.parse(declared.at) > DECLARED_HOLDS_MS;
  const said = declared === undefined || isOld ? 'unclear' : DECLARED[declared.status];
  const found = MEASURED[status];
  if (said === 'unclear' || found === 'unclear') return 'unknown';
  if (said === found) return 'agree';
  return said === 'good' ? 'declared_ok_measured_bad' : 'declared_bad_measured_ok';
}
