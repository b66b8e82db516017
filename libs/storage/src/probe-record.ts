import type { CountedAs, ProbeReport, Status } from '#catalog';
import type { HealthState, Notice, ShownHealth } from '#health';
import type { FrameToKeep, PresetRecord } from './keep-frames.js';
import type { ProposedReference } from './references.js';

/** A status that became another. */
export interface Transition {
  readonly from: Status;
  readonly to: Status;
  /** In words of ours; null for none. */
  readonly reason: string | null;
  /** RFC 3339. */
  readonly at: string;
}

/** What one probe established, ready to be kept. */
export interface ProbeRecord {
  readonly cameraId: string;
  /** Of the lease. */
  readonly epoch: number;
  readonly configVersion: number;
  /** The /24 or /64 of the address that was asked; null where none was, or it says nothing. */
  readonly network: string | null;
  readonly status: Status;
  readonly shown: ShownHealth;
  readonly state: HealthState;
  /** JSON. */
  readonly memory: object;
  readonly report: ProbeReport;
  /** As what it counts in the history. */
  readonly countedAs: CountedAs;
  /** Seconds from now to the next probe. */
  readonly dueInS: number;
  /** Name in the frame store of the picture that is kept from now on; null for none; absent: as it was. */
  readonly frameKey?: string | null;
  /** When the kept picture was last seen to be so, RFC 3339; absent: as it was. */
  readonly capturedAt?: string;
  /** After how many seconds the picture is no longer current. */
  readonly staleAfterS: number;
  /** Pictures that are kept for their moment. */
  readonly frames?: readonly FrameToKeep[];
  /** The preset whose turn it was. */
  readonly preset?: PresetRecord;
  /** Absent: the status is as it was. */
  readonly transition?: Transition;
  /** The picture is the reference from now on. */
  readonly reference?: ProposedReference;
  /** What there is to tell people, in this order. */
  readonly notices: readonly Notice[];
}

/** The last report, with the configuration it is of. */
export interface KeptReport {
  readonly configVersion: number;
  readonly answer: ProbeReport;
}
