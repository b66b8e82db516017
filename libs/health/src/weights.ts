import type { Outcome } from '#catalog';

/**
 * What a result does to what we believe of the camera: `ok` shows it well; `busy` and `refusal` show it alive, though
 * without a picture; `failure` adds its weight; `barred` says that we may not ask; `ours` says nothing of the camera.
 */
export type Effect = 'ok' | 'busy' | 'refusal' | 'failure' | 'barred' | 'ours';

/** How an outcome counts. */
export interface Weighing {
  readonly effect: Effect;
  /** What a failure adds to the score; 100 is offline. */
  readonly weight: number;
  /** Whether the device accepted the connection, so that a picture could be expected. */
  readonly reached: boolean;
}

const failure = (weight: number, reached: boolean): Weighing => ({ effect: 'failure', weight, reached });

/** Weights of probing.md section 6: two to four failures make a camera offline, by how plain they are. */
export const WEIGHINGS: Readonly<Record<Outcome, Weighing>> = {
  ok: { effect: 'ok', weight: 0, reached: true },
  busy: { effect: 'busy', weight: 0, reached: true },
  auth_failed: { effect: 'refusal', weight: 0, reached: true },
  forbidden: { effect: 'refusal', weight: 0, reached: true },
  not_found: failure(50, true),
  moved: failure(50, true),
  not_a_picture: failure(50, true),
  bad_picture: failure(25, true),
  connect_timeout: failure(34, false),
  tls_error: failure(40, true),
  first_byte_timeout: failure(34, true),
  first_frame_timeout: failure(34, true),
  stalled: failure(34, true),
  refused: failure(40, false),
  unreachable: failure(40, false),
  dns_error: failure(50, false),
  reset: failure(34, true),
  empty_reply: failure(34, true),
  protocol_error: failure(25, true),
  too_large: failure(25, true),
  target_not_allowed: { effect: 'barred', weight: 0, reached: false },
  prober_internal: { effect: 'ours', weight: 0, reached: false },
};

/** Score at which a suspect camera is offline (S4). */
export const OFFLINE_SCORE = 100;
