import { type Flag, FLAGS } from '#catalog';
import type { Finding } from './flag-rule.js';
import { explainedBy } from './flag-rules.js';
import { PASSING, type Unknowable } from './unknowable.js';
import type { FlagMemory, PictureState } from './picture-state.js';
import { GOOD_TO_LIFT, PATIENCE } from './thresholds.js';

type Flags = PictureState['flags'];

const NO_DOUBT = { good: 0, bad: 0, badSince: null } as const;

/** A flag of which nothing can be said. */
export const unjudged = (why: Unknowable, now: number, kept?: FlagMemory): FlagMemory => ({
  state: 'not_checkable',
  since: kept?.state === 'not_checkable' ? kept.since : now,
  ...NO_DOUBT,
  measured: {},
  why,
});

/**
 * Takes findings over: a fault is raised when it was found often enough for long enough, and lifted, or forgotten while it is only
 * suspected, by the second good sample in a row (S13).
 * What a flag that is up explains is not told besides.
 */
export function remembered(flags: Flags, found: Readonly<Partial<Record<Flag, Finding>>>, now: number): Flags {
  const next: Partial<Record<Flag, FlagMemory>> = {};
  for (const flag of FLAGS) next[flag] = withFinding(flag, flags[flag], found[flag] ?? null, now);
  for (const flag of FLAGS) {
    const isExplained = explainedBy(flag).some((other) => next[other]?.state === 'fault');
    if (isExplained) next[flag] = unjudged('outranked', now, flags[flag]);
  }
  return next;
}

function withFinding(flag: Flag, kept: FlagMemory | undefined, finding: Finding, now: number): FlagMemory {
  if (finding === null) return kept ?? unjudged('not_yet', now);
  switch (finding.state) {
    case 'not_checkable': {
      const { why } = finding;
      if (kept === undefined || !PASSING.includes(why)) return unjudged(why, now, kept);
      return kept.state === 'fault'
        ? kept
        : { ...kept, ...unjudged(why, now, kept), bad: kept.bad, badSince: kept.badSince };
    }
    case 'fine': {
      const { measured } = finding;
      if (kept?.state === 'fault' && kept.good + 1 < GOOD_TO_LIFT) return { ...kept, good: kept.good + 1 };
      const since = kept?.state === 'fine' ? kept.since : now;
      const good = (kept?.good ?? 0) + 1;
      // A camera that turns looks where it should now and then.
      const isDoubtful = kept !== undefined && kept.bad > 0 && good < GOOD_TO_LIFT;
      const doubt = isDoubtful ? { good, bad: kept.bad, badSince: kept.badSince } : NO_DOUBT;
      return { state: 'fine', since, measured, ...doubt };
    }
    case 'fault':
      return withFault(flag, kept, finding, now);
    default:
      return finding satisfies never;
  }
}

function withFault(
  flag: Flag,
  kept: FlagMemory | undefined,
  { measured, run }: Extract<Finding, { state: 'fault' | 'fine' }>,
  now: number,
): FlagMemory {
  if (kept?.state === 'fault') return { ...kept, measured, good: 0 };
  const { samples: bad, since: badSince } = run ?? { samples: (kept?.bad ?? 0) + 1, since: kept?.badSince ?? now };
  const { samples, s } = PATIENCE[flag];
  if (bad >= samples && now - badSince >= s * 1000) {
    return { state: 'fault', since: now, ...NO_DOUBT, measured };
  }
  const { state, since } = kept ?? { state: 'not_checkable' as const, since: now };
  return {
    state,
    since,
    good: 0,
    bad,
    badSince,
    measured,
    ...(state === 'not_checkable' ? { why: 'pending' as const } : {}),
  };
}
