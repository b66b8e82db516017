import { scope } from '#access';
import { type Database, type NamedTarget, type RefusedTarget, RefusedTargets } from '#storage';
import { byScope } from '../events/by-scope.js';
import type { Attempt } from './attempt.js';

/** Attempts that are told apart between two looks; of more than that nobody asks what they were about. */
const MAX_WAITING = 200;

/** One that says what it was about. */
type NamingAttempt = Attempt & { readonly named: NamedTarget };

/** What somebody tried, how often between two looks, and what it was about; null where there is no such thing. */
export interface FoundAttempt {
  readonly attempt: Attempt;
  readonly times: number;
  readonly target: RefusedTarget | null;
}

/** Gathers attempts until it is asked what they were about: after their answers, so that no answer takes longer for a thing that is there. */
export class Attempts {
  private waiting = new Map<string, { readonly attempt: NamingAttempt; readonly times: number }>();

  /** @returns whether it will be asked about */
  add(attempt: NamingAttempt): boolean {
    const { by, operation, reason, named } = attempt;
    const name = JSON.stringify([by.id, operation, reason, named]);
    const known = this.waiting.get(name) ?? { attempt, times: 0 };
    if (known.times === 0 && this.waiting.size >= MAX_WAITING) return false;
    this.waiting.set(name, { ...known, times: known.times + 1 });
    return true;
  }

  /** What came since the last time; one question for all who may read the same. */
  async found(db: Database): Promise<readonly FoundAttempt[]> {
    const waiting = [...this.waiting.values()];
    this.waiting = new Map();
    const found: FoundAttempt[] = [];
    for (const { scope: common, members } of byScope(waiting, ({ attempt }) => scope(attempt.by))) {
      const targets = await new RefusedTargets(db).find(
        common,
        members.map(({ attempt }) => attempt.named),
      );
      members.forEach((member, i) => found.push({ ...member, target: targets[i] ?? null }));
    }
    return found;
  }
}
