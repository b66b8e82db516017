import {
  AGREEMENTS,
  type Agreement,
  FLAG_STATES,
  type Flag,
  type FlagState,
  FLAGS,
  type Outcome,
  OUTCOMES,
  SERVICE_KINDS,
  type ServiceKind,
  type Status,
  STATUSES,
} from './codes.js';
import { Shown } from './member-schema.js';

const moment = { type: 'string', format: 'date-time' } as const;
const milliseconds = { type: ['number', 'null'], minimum: 0 } as const;

const numbers = { type: 'object', additionalProperties: { type: 'number' } } as const;

/** What a flag was judged by. */
export class FlagEvidence {
  /** One sentence for the person on call. */
  says!: string;
  /** What was measured, by name; units stand in the names, grey values run from 0 to 255. */
  @Shown(numbers) measured?: Record<string, number>;
  /** Where a fault begins, by the names of what is measured. */
  @Shown(numbers) threshold?: Record<string, number>;
}

/** One thing that was looked for in the picture. */
export class HealthFlag {
  /** What was looked for. */
  @Shown({ type: 'string', enum: FLAGS }) flag!: Flag;
  /** Whether it was found; `not_checkable` where nothing could be said. */
  @Shown({ type: 'string', enum: FLAG_STATES }) state!: FlagState;
  /** Since when, RFC 3339 UTC; absent for whoever sees pictures later. */
  @Shown(moment) since?: string;
  /** What was measured, and what it means. */
  evidence!: FlagEvidence;
}

/**
 * What probes have established about a camera. Whoever sees its pictures later (`publicDelayS`) reads `capturedAt`, `staleSince` and those of
 * `presets` of the picture that he sees; what would tell of a later one is absent: `checkedAt`, `lastOkAt`, `nextDueAt`, since when flags are and what was
 * measured for them.
 */
export class Health {
  /** The answer in one word. */
  @Shown({ type: 'string', enum: STATUSES }) status!: Status;
  /** Since when, RFC 3339 UTC. */
  @Shown(moment) since!: string;
  /** Outcome of the last probe that counted; all but operators of the camera's authority read `unreachable` for every failure below HTTP. */
  @Shown({ type: 'string', enum: OUTCOMES }) lastOutcome?: Outcome;
  /** Why the status is what it is, in words. */
  reason?: string;
  /** When the camera was last probed, RFC 3339 UTC. */
  @Shown(moment) checkedAt?: string;
  /** When a probe last brought a picture, RFC 3339 UTC. */
  @Shown(moment) lastOkAt?: string;
  /** When the latest picture that the caller sees was taken, RFC 3339 UTC. */
  @Shown(moment) capturedAt?: string;
  /** Since when that picture is too old to be called current, RFC 3339 UTC. */
  @Shown(moment) staleSince?: string;
  /** When it is probed next, RFC 3339 UTC. */
  @Shown(moment) nextDueAt?: string;
  /** Whether it goes up and down too often for its status to mean much. */
  flapping!: boolean;
  /** Whether the owner's word and the measurement agree. */
  @Shown({ type: 'string', enum: AGREEMENTS }) agreement!: Agreement;
  /** What else is wrong: `primary_failing`, `credential_unreadable`, `certificate_changed`. */
  conditions!: string[];
  /** What was looked for in the picture. */
  flags!: HealthFlag[];
  /** Which service the last probe asked: its place in the list, and its kind. */
  service?: HealthService;
  /** Presets that services of their own show, besides the main view; all else here is of the main view. */
  presets?: HealthPreset[];
}

/** What probes of a preset have established. */
export class HealthPreset {
  /** Its id. */
  @Shown({ type: 'string' }) id!: string;
  /** Outcome of the last probe; strangers read `unreachable` for every failure below HTTP. */
  @Shown({ type: 'string', enum: OUTCOMES }) lastOutcome!: Outcome;
  /** When it was last probed, RFC 3339 UTC; absent for whoever sees pictures later. */
  @Shown(moment) checkedAt?: string;
  /** When its latest picture that the caller sees was taken, RFC 3339 UTC; absent where none is kept, as of a camera with privacy masks, which are drawn for the main view. */
  @Shown(moment) capturedAt?: string;
}

/** A service by its place in the camera's list. */
export class HealthService {
  /** Place in `services[]`, from 0. */
  @Shown({ type: 'integer', minimum: 0 }) index!: number;
  /** Its protocol. */
  @Shown({ type: 'string', enum: SERVICE_KINDS }) kind!: ServiceKind;
}

/** Milliseconds from one step of a probe to the next; null for a step that was not reached. */
export class ProbePhases {
  /** Name looked up; null for a literal address. */
  @Shown(milliseconds) dnsMs!: number | null;
  /** TCP connected. */
  @Shown(milliseconds) connectMs!: number | null;
  /** TLS agreed; null without TLS. */
  @Shown(milliseconds) tlsMs!: number | null;
  /** First byte of the answer. */
  @Shown(milliseconds) firstByteMs!: number | null;
  /** First whole picture. */
  @Shown(milliseconds) firstFrameMs!: number | null;
}

/** Size of a probed picture. */
export class ProbeFrame {
  /** Pixels across. */
  @Shown({ type: 'integer', minimum: 1 }) widthPx!: number;
  /** Pixels down. */
  @Shown({ type: 'integer', minimum: 1 }) heightPx!: number;
  /** Size as pulled, bytes. */
  @Shown({ type: 'integer', minimum: 1 }) bytes!: number;
}

/** What one probe established. */
export class ProbeReport {
  /** One of a closed list. */
  @Shown({ type: 'string', enum: OUTCOMES }) outcome!: Outcome;
  /** Protocol of the service that was asked. */
  @Shown({ type: 'string', enum: SERVICE_KINDS }) service!: ServiceKind;
  phases!: ProbePhases;
  /** The picture's size; null without one. */
  frame!: ProbeFrame | null;
  /** The camera's status after it. */
  @Shown({ type: 'string', enum: STATUSES }) status!: Status;
  /** When, RFC 3339 UTC. */
  @Shown(moment) checkedAt!: string;
}
