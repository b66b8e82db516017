// The order in which Jest starts files: the longest first, so that all workers end together. In a fresh clone nobody has measured them yet: there a
// file takes what its kind takes, or what is written here.
import TestSequencer from '@jest/test-sequencer';

/** Seconds, about, by the kind of test. */
const USUAL_S = { e2e: 15, medium: 6, unit: 1 };

/** Those that take much longer than their kind, seconds, about. */
const LONG_S = {
  'apps/api/test/agreement.e2e.spec.ts': 40,
  'apps/api/test/problems.e2e.spec.ts': 30,
  'apps/api/test/terrain.e2e.spec.ts': 45,
  'apps/cli/test/compose.e2e.spec.ts': 180,
  'apps/cli/test/probe.e2e.spec.ts': 40,
  'apps/cli/test/up.e2e.spec.ts': 60,
  'apps/prober/test/flags.e2e.spec.ts': 35,
  'apps/prober/test/peers.e2e.spec.ts': 75,
  'apps/prober/test/prober.e2e.spec.ts': 40,
};

const PATH = /\/((?:apps|libs|migrations)\/.*?(?:\.(medium|e2e))?\.spec\.ts)$/;

function expectedS(file) {
  const [, place, kind = 'unit'] = PATH.exec(file.replaceAll('\\', '/')) ?? [];
  return LONG_S[place] ?? USUAL_S[kind];
}

export default class LongestFirst extends TestSequencer {
  /** Milliseconds that a file took when it ran here last, or will take. */
  time(test) {
    return super.time(test) ?? expectedS(test.path) * 1_000;
  }
}
