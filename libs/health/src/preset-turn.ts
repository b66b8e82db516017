import type { KnownService, Outcome, ServiceKind } from '#catalog';
import { type Rhythm, roundS } from './due.js';
import type { AskedService } from './state.js';
import { primaryOf } from './whom-to-ask.js';

/** What is remembered of a preset between two probes of it. */
export interface AskedPreset {
  readonly outcome: Outcome;
  /** Milliseconds since 1970. */
  readonly checkedAt: number;
  /** Probes in a row that brought no picture; 0 after a change of the configuration. */
  readonly failures: number;
}

/** A preset whose turn it is, and which of the services that show it is asked. */
export interface PresetTurn {
  readonly preset: string;
  readonly service: AskedService;
  /** After how many seconds its picture is no longer current. */
  readonly staleAfterS: number;
}

/** A round that runs early by its jitter is the preset's all the same. */
const EARLY_SHARE = 0.9;
/** A preset that fails waits twice as long after each failure, up to so many seconds: what does not answer would hold every round up. */
const LONGEST_WAIT_S = 600;
/** Cameras lock accounts after a few wrong passwords: the waits of hold-off.ts. */
const FIRST_HOLD_S = 15 * 60;
const LONGEST_HOLD_S = 6 * 3_600;

const REFUSALS: ReadonlySet<Outcome> = new Set(['auth_failed', 'forbidden']);

/**
 * Which preset is asked after the main view gave a picture: one a round, the one that has waited longest (probing.md section 9), so that with n of
 * them each is asked every n rounds; never sooner than its own service's period, nor than the authority allows.
 * @param known those that were asked before, by id
 * @param now milliseconds since 1970
 * @returns null where none is due
 */
export function presetInTurn(
  services: readonly KnownService[],
  isProbed: (kind: ServiceKind) => boolean,
  {
    known,
    rhythm,
    now,
  }: { readonly known: ReadonlyMap<string, AskedPreset>; readonly rhythm: Rhythm; readonly now: number },
): PresetTurn | null {
  const presets = [...presetsOf(services, isProbed)];
  const due = presets
    .map(([preset, shownBy]) => {
      const memory = known.get(preset);
      const asked = shownBy[(memory?.failures ?? 0) % shownBy.length] as AskedService;
      const everyS = roundS({ ...rhythm, refreshS: services[asked.index]?.refreshS ?? 0 });
      const dueAt = memory === undefined ? 0 : memory.checkedAt + waitS(memory, everyS, rhythm) * 1000;
      const staleAfterS = Math.max(3 * everyS * presets.length, 120);
      return { turn: { preset, service: asked, staleAfterS }, dueAt, since: memory?.checkedAt ?? 0 };
    })
    .filter(({ dueAt }) => dueAt <= now)
    .sort((a, b) => a.since - b.since);
  return due[0]?.turn ?? null;
}

function waitS({ outcome, failures }: AskedPreset, everyS: number, { minIntervalS }: Rhythm): number {
  const roundsS = Math.min(everyS * 2 ** failures, Math.max(everyS, LONGEST_WAIT_S)) * EARLY_SHARE;
  const isHeld = failures > 0 && REFUSALS.has(outcome);
  const heldS = isHeld ? Math.min(FIRST_HOLD_S * 2 ** (failures - 1), LONGEST_HOLD_S) : 0;
  return Math.max(roundsS, heldS, minIntervalS);
}

/** Services that can be probed by the preset that they show, in the order of the list; without the one that is the main view. */
function presetsOf(
  services: readonly KnownService[],
  isProbed: (kind: ServiceKind) => boolean,
): ReadonlyMap<string, readonly AskedService[]> {
  const main = services[primaryOf(services, isProbed)]?.shows ?? 'main';
  const presets = new Map<string, AskedService[]>();
  services.forEach(({ kind, shows = 'main' }, index) => {
    if (shows === main || shows === 'main' || !isProbed(kind)) return;
    presets.set(shows, [...(presets.get(shows) ?? []), { index, kind }]);
  });
  return presets;
}
