import type { Outcome, ServiceKind, Status } from '#catalog';
import { FIRST_AUTH, type AuthState } from './hold-off.js';
import { FIRST_NOTICE, type NoticeState } from './notices.js';
import { FIRST_PICTURE, pictureFrom, type PictureState } from './picture-state.js';

/** What is believed of the camera, beneath what covers it (`auth_failed`, `busy`). */
export const STANDINGS = ['unknown', 'online', 'suspect', 'offline', 'recovering'] as const;
export type Standing = (typeof STANDINGS)[number];

/** What else is wrong: pictures come from a service that is not the first; a secret that no key of ours opens; another TLS key than the one known. */
export const CONDITIONS = ['primary_failing', 'credential_unreadable', 'certificate_changed'] as const;
export type Condition = (typeof CONDITIONS)[number];

/** A service by its place in the camera's list, and its kind. */
export interface AskedService {
  readonly index: number;
  readonly kind: ServiceKind;
}

/**
 * All that is remembered of a camera between two probes, as JSON. Moments are milliseconds since 1970 by the database's
 * clock; null: never, or not now.
 */
export interface HealthState {
  /** Form of this object; one of another form is forgotten. */
  readonly v: 1;
  readonly standing: Standing;
  /** Where an ended suspicion leads back to. */
  readonly before: 'unknown' | 'online';
  /** Failures in a row while suspect, their weights added up, and when the first of them ended. */
  readonly attempt: number;
  readonly score: number;
  readonly firstFailAt: number | null;
  /** Pictures in a row since the camera was offline. */
  readonly okRun: number;
  readonly offlineSince: number | null;
  /** Failures in a row while offline. */
  readonly backOff: number;
  /** Busy answers in a row; above 0 covers the standing. */
  readonly busyRun: number;
  /** Faults of our own in a row. */
  readonly ownFaults: number;
  readonly auth: AuthState;
  readonly picture: PictureState;
  readonly notice: NoticeState;
  readonly maintenance: boolean;
  /** Its whole site is down. */
  readonly siteDown: boolean;
  /** What is shown, and since when. */
  readonly status: Status;
  readonly since: number | null;
  /** The last result that counted. */
  readonly outcome: Outcome | null;
  readonly service: AskedService | null;
  readonly conditions: readonly Condition[];
  readonly checkedAt: number | null;
  readonly lastOkAt: number | null;
  /** Fence of the last applied result. */
  readonly epoch: number;
  readonly configVersion: number;
  readonly startedAt: number;
}

/** A camera of which nothing is known. */
export const FIRST_STATE: HealthState = {
  v: 1,
  standing: 'unknown',
  before: 'unknown',
  attempt: 0,
  score: 0,
  firstFailAt: null,
  okRun: 0,
  offlineSince: null,
  backOff: 0,
  busyRun: 0,
  ownFaults: 0,
  auth: FIRST_AUTH,
  picture: FIRST_PICTURE,
  notice: FIRST_NOTICE,
  maintenance: false,
  siteDown: false,
  status: 'unknown',
  since: null,
  outcome: null,
  service: null,
  conditions: [],
  checkedAt: null,
  lastOkAt: null,
  epoch: 0,
  configVersion: 0,
  startedAt: 0,
};

/** The state as it was kept; that of another version, or none, is the first. */
export function stateFrom(kept: unknown): HealthState {
  const isOurs = typeof kept === 'object' && kept !== null && (kept as { readonly v?: unknown }).v === FIRST_STATE.v;
  if (!isOurs) return FIRST_STATE;
  const state = kept as HealthState;
  return {
    ...FIRST_STATE,
    ...state,
    notice: { ...FIRST_NOTICE, ...state.notice },
    picture: pictureFrom(state.picture),
  };
}
