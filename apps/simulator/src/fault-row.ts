import type { Flag, Outcome, TlsMode } from '#catalog';
import type { Behaviour } from './behaviour.js';

/** One thing that a simulated camera can be told to suffer from. */
export interface FaultRow {
  /** What the device does, in words that follow its name. */
  readonly does: string;
  /** What a probe makes of it; absent: `ok`. */
  readonly outcome?: Outcome;
  /** The picture flag that it raises with time. */
  readonly flag?: Flag;
  /** It shows only so; absent: over http and https. */
  readonly over?: 'https';
  /** How the certificate must be judged for that outcome; absent: as usual for addresses. */
  readonly tls?: TlsMode;
  /** The outcome is of a probe that has the device's user name and password; without, it is `auth_failed`. */
  readonly signIn?: 'basic' | 'digest';
  readonly behaviour: Behaviour;
}
