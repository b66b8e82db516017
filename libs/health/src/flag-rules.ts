import { type Flag, FLAGS } from '#catalog';
import type { Finding, Look, Rule } from './flag-rule.js';
import { black, blurred, covered, dark, flat, moved, overexposed, placeholder } from './rules-of-content.js';
import { clockSkew, frozen, lowFps, pictureCame, stale } from './rules-of-time.js';

interface Judged {
  readonly rule: Rule;
  /** Flags that explain what this one would find: while one of them is found, this one is not looked for. */
  readonly after: readonly Flag[];
}

const NOT_OF_NOW: readonly Flag[] = ['placeholder', 'stale'];

/** One rule a flag, in the order in which they explain a picture; the first that is found is told (probing.md section 7). */
const RULES: Readonly<Record<Flag, Judged>> = {
  placeholder: { rule: placeholder, after: [] },
  stale: { rule: stale, after: ['placeholder'] },
  black: { rule: black, after: NOT_OF_NOW },
  flat: { rule: flat, after: [...NOT_OF_NOW, 'black'] },
  covered: { rule: covered, after: [...NOT_OF_NOW, 'black', 'flat'] },
  frozen: { rule: frozen, after: NOT_OF_NOW },
  overexposed: { rule: overexposed, after: [...NOT_OF_NOW, 'black', 'flat', 'covered'] },
  // An old picture of the night is dark by day, and shows what was where it was.
  dark: { rule: dark, after: [...NOT_OF_NOW, 'black', 'flat', 'covered', 'frozen', 'overexposed'] },
  blurred: { rule: blurred, after: [...NOT_OF_NOW, 'black', 'flat', 'covered', 'frozen', 'overexposed'] },
  moved: { rule: moved, after: [...NOT_OF_NOW, 'black', 'flat', 'covered', 'frozen', 'overexposed', 'blurred'] },
  no_frame: { rule: pictureCame, after: [] },
  low_fps: { rule: lowFps, after: [] },
  clock_skew: { rule: clockSkew, after: [] },
};

/** Flags in the order in which they explain a picture. */
export const BY_RANK = Object.keys(RULES) as Flag[];

/** Flags that explain what this one would find. */
export const explainedBy = (flag: Flag): readonly Flag[] => RULES[flag].after;

/** What one probe shows of each flag. */
export function judged(look: Look): Readonly<Record<Flag, Finding>> {
  const raw: Partial<Record<Flag, Finding>> = {};
  for (const flag of BY_RANK) {
    const { rule, after } = RULES[flag];
    raw[flag] = after.some((other) => raw[other]?.state === 'fault') ? null : rule(look, raw);
  }
  return Object.fromEntries(FLAGS.map((flag) => [flag, raw[flag] ?? null])) as Record<Flag, Finding>;
}
