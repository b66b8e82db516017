import type { Outcome } from '#catalog';

/**
 * What is known of the camera's willingness to let us in. Cameras lock accounts and addresses after a few wrong
 * passwords, so a refused one is not sent again for a while (probing.md section 4).
 */
export interface AuthState {
  /** Whether a refusal counted and nothing has lifted it: covers the standing. */
  readonly refused: boolean;
  /** Whether a picture has come since the credentials were set or last refused. */
  readonly proven: boolean;
  /** When a refusal came that counts only if it is repeated. */
  readonly doubtAt: number | null;
  /** No credentials are sent before this moment. */
  readonly holdUntil: number | null;
  /** How long the last hold-off was, seconds; 0 without one. */
  readonly holdS: number;
  /** When credentials were last sent and refused. */
  readonly triedAt: number | null;
  /** Who refused them, in the device's words. */
  readonly realm: string | null;
}

export const FIRST_AUTH: AuthState = {
  refused: false,
  proven: false,
  doubtAt: null,
  holdUntil: null,
  holdS: 0,
  triedAt: null,
  realm: null,
};

const FIRST_HOLD_S = 15 * 60;
const LONGEST_HOLD_S = 6 * 3_600;
/** A person who asks may spend one attempt in this time, milliseconds. */
const ASKED_EVERY_MS = 5 * 60_000;
/** Two refusals count as two only this far apart, milliseconds. */
const APART_MS = 30_000;

/** Whether a probe may send the credentials now. */
export function mayAuthenticate({ holdUntil, triedAt }: AuthState, asked: boolean, now: number): boolean {
  if (holdUntil === null || now >= holdUntil) return true;
  return asked && (triedAt === null || now - triedAt >= ASKED_EVERY_MS);
}

/** A refusal: which, whether credentials were sent, and who refused. */
export interface Refusal {
  readonly outcome: Outcome;
  readonly authenticated: boolean;
  readonly realm?: string;
}

/**
 * Whether a refusal counts. The first 401 after a picture does not: Dahua answers 401 when its connections are used up
 * (rroller/dahua#603). Nor does a lone 403: Axis answers it for 10 s after too many sign-ins.
 */
export function refusalCounts({ proven, doubtAt }: AuthState, outcome: Outcome, now: number): boolean {
  if (doubtAt !== null) return now - doubtAt >= APART_MS;
  return outcome === 'auth_failed' && !proven;
}

/** After a refusal that counts not yet. */
export const doubted = (auth: AuthState, now: number): AuthState => ({ ...auth, doubtAt: auth.doubtAt ?? now });

/** After a refusal that counts. */
export function refused(auth: AuthState, { authenticated, realm }: Refusal, now: number): AuthState {
  const known = { ...auth, refused: true, proven: false, doubtAt: null, realm: realm ?? auth.realm };
  if (authenticated) {
    // An attempt during the hold-off was a person's: it starts the time anew, but does not lengthen it.
    const isScheduled = auth.holdUntil === null || now >= auth.holdUntil;
    const holdS = isScheduled ? Math.min(Math.max(2 * auth.holdS, FIRST_HOLD_S), LONGEST_HOLD_S) : auth.holdS;
    return { ...known, holdS, holdUntil: now + holdS * 1000, triedAt: now };
  }
  const isOther = realm !== undefined && auth.realm !== null && realm !== auth.realm;
  if (!isOther || auth.triedAt === null) return known;
  // Another device answers: what the old one refused says little, though no device gets more than one try in 15 min.
  return { ...known, holdS: 0, holdUntil: auth.triedAt + FIRST_HOLD_S * 1000 };
}

/** After a picture. One that came without credentials says nothing of them, so a hold-off goes on. */
export const letIn = (auth: AuthState, authenticated: boolean): AuthState =>
  authenticated ? { ...FIRST_AUTH, proven: true } : { ...auth, refused: false, doubtAt: null, proven: true };
