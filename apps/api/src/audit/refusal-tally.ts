import { SERVER } from '#access';
import type { Actor } from '#catalog';
import type { AuditNote } from '#storage';

/** Refusals that are written in a minute at most, by one process: 43,200 rows a day, however many come. */
const MAX_A_MINUTE = 30;
/** Refusals told apart at most; whatever comes beyond is counted in one. */
const MAX_KINDS = 1_000;

/** A refusal as it is to be written. */
export interface Refused {
  readonly actor: Actor;
  readonly note: AuditNote;
}

interface Tally extends Refused {
  readonly times: number;
  /** When it was last written; null: never. Milliseconds of a clock that only rises. */
  readonly writtenAt: number | null;
}

const OTHERS = 'others';
const REST: Refused = {
  actor: SERVER,
  note: { action: 'access.refused', authority: null, subject: { kind: 'operation', id: OTHERS }, result: 'refused' },
};

/** Counts refusals, so that a flood of them fills neither the memory nor the disk: each kind is written at once, then seldom, with how often it came. */
export class RefusalTally {
  private readonly tallies = new Map<string, Tally>();
  private minute = 0;
  private written = 0;

  /**
   * @param now milliseconds of a clock that only rises
   * @param againMs after which time at the earliest the same is written again, milliseconds
   */
  constructor(
    private readonly now: () => number,
    private readonly againMs: number,
  ) {}

  count(refused: Refused, came = 1): void {
    const { actor, note } = refused;
    const { action, authority, subject, reason, after } = note;
    const name = JSON.stringify([actor.principal, action, authority, subject.id, reason, after]);
    const isKnown = this.tallies.has(name) || this.tallies.size < MAX_KINDS;
    const [kind, as] = isKnown ? [name, refused] : [OTHERS, REST];
    const { times, writtenAt } = this.tallies.get(kind) ?? { times: 0, writtenAt: null };
    this.tallies.set(kind, { ...as, times: times + came, writtenAt });
  }

  /** What is to be written now; those of which nothing came for long are forgotten. */
  due(): readonly Refused[] {
    const now = this.now();
    const minute = Math.floor(now / 60_000);
    if (minute !== this.minute) [this.minute, this.written] = [minute, 0];
    const due: Refused[] = [];
    for (const [kind, tally] of this.tallies) {
      const isResting = tally.writtenAt !== null && now - tally.writtenAt < this.againMs;
      if (isResting) continue;
      if (tally.times === 0) this.tallies.delete(kind);
      else if (this.written < MAX_A_MINUTE) {
        this.written += 1;
        const after = { ...tally.note.after, times: tally.times };
        due.push({ actor: tally.actor, note: { ...tally.note, after } });
        this.tallies.set(kind, { ...tally, times: 0, writtenAt: now });
      }
    }
    return due;
  }
}
