import type { Suffering } from './channel.js';
import { type Fault, FAULTS, isFault } from './faults.js';
import { always } from './timetable.js';

/** Which cameras a call concerns. */
export type Concerned =
  | { readonly authority: string; readonly localId: string }
  /** Every camera of one site, as when its power or its line fails. */
  | { readonly site: string }
  /** Every camera there is, as when the prober's own network fails. */
  | { readonly everything: true };

export interface ControlCall {
  readonly concerned: Concerned;
  readonly suffering: Suffering;
  /** What was asked, to be answered. */
  readonly said: Readonly<Record<string, unknown>>;
}

/** Most steps of a timetable, and the longest step, seconds. */
const MAX_STEPS = 50;
const LONGEST_STEP_S = 86_400;

const FORMS =
  'expected authority and localId as text, or site as text, or everything as true; and fault, or timetable with its steps';
const KNOWN = ['authority', 'localId', 'site', 'everything', 'fault', 'timetable', 'repeats'];

/** Reads the body of a control call; where it is none, what is wrong with it. */
export function readCall(body: Readonly<Record<string, unknown>>): ControlCall | string {
  const other = Object.keys(body).find((name) => !KNOWN.includes(name));
  if (other !== undefined) return `${JSON.stringify(other)} is not known here`;
  const concerned = concernedBy(body);
  if (concerned === null) return FORMS;
  const suffering = 'timetable' in body ? timetableOf(body) : faultOf(body);
  return typeof suffering === 'string' ? suffering : { concerned, suffering, said: body };
}

function concernedBy({ authority, localId, site, everything }: Readonly<Record<string, unknown>>): Concerned | null {
  const isCamera = typeof authority === 'string' && typeof localId === 'string';
  const isOne = site === undefined && everything === undefined;
  if (isCamera) return isOne ? { authority, localId } : null;
  if (authority !== undefined || localId !== undefined) return null;
  if (typeof site === 'string') return everything === undefined ? { site } : null;
  return site === undefined && everything === true ? { everything } : null;
}

function faultOf({ fault, repeats }: Readonly<Record<string, unknown>>): Suffering | string {
  if (repeats !== undefined) return 'repeats belongs to a timetable';
  return fault === null || isFault(fault) ? always(fault) : notAFault(fault);
}

const notAFault = (fault: unknown): string =>
  `expected fault to be null or one of ${FAULTS.join(', ')}; got ${JSON.stringify(fault) ?? 'nothing'}`;

function timetableOf({ fault, timetable, repeats = false }: Readonly<Record<string, unknown>>): Suffering | string {
  if (fault !== undefined) return 'expected fault or timetable, not both';
  if (typeof repeats !== 'boolean') return 'expected repeats to be true or false';
  if (!Array.isArray(timetable) || timetable.length === 0 || timetable.length > MAX_STEPS)
    return `expected timetable to be a list of 1 to ${MAX_STEPS} steps`;
  const steps: { of: Fault | null; forMs: number }[] = [];
  for (const step of timetable as unknown[]) {
    const { fault: of, forS } = (step ?? {}) as Readonly<Record<string, unknown>>;
    if (of !== null && !isFault(of)) return notAFault(of);
    if (typeof forS !== 'number' || !(forS > 0) || forS > LONGEST_STEP_S)
      return `expected forS of each step to be a number of seconds up to ${LONGEST_STEP_S}`;
    steps.push({ of, forMs: forS * 1_000 });
  }
  return { steps, repeats };
}
