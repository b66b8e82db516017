/** How a wait for the session ended. */
export type Turn = 'yours' | 'full' | 'late' | 'gone';

/** Calls back after a time unless cancelled. */
export type Alarm = (afterMs: number, ring: () => void) => () => void;

interface Waiter<Owner> {
  readonly owner: Owner;
  /** Counts against the limit. */
  readonly bounded: boolean;
  readonly settle: (turn: Turn) => void;
}

/** Who has the one session, and who waits for it: first come, first served, with bounds (reliability.md REL-6). */
export class Turns<Owner> {
  #owner: Owner | null = null;
  #waiters: Waiter<Owner>[] = [];

  constructor(
    private readonly limit: number,
    private readonly alarm: Alarm,
  ) {}

  /** How many wait of those that the limit is for. */
  get waiting(): number {
    return this.#waiters.filter(({ bounded }) => bounded).length;
  }

  has(owner: Owner): boolean {
    return this.#owner === owner;
  }

  /**
   * Resolves with 'yours' when the session belongs to the owner; it may ask again while it has it. `full`: too many wait
   * already. `late`: its patience ended. `gone`: it left, or everybody was sent away. Without patience it waits for ever,
   * and neither minds the limit nor counts against it.
   */
  take(owner: Owner, patienceMs?: number): Promise<Turn> {
    if (this.#owner === owner) return Promise.resolve('yours');
    if (this.#owner === null) {
      this.#owner = owner;
      return Promise.resolve('yours');
    }
    if (patienceMs !== undefined && this.waiting >= this.limit) return Promise.resolve('full');
    return new Promise((resolve) => {
      const cancel = patienceMs === undefined ? () => {} : this.alarm(patienceMs, () => this.#settle(waiter, 'late'));
      const waiter: Waiter<Owner> = {
        owner,
        bounded: patienceMs !== undefined,
        settle: (turn) => {
          cancel();
          resolve(turn);
        },
      };
      this.#waiters.push(waiter);
    });
  }

  /** The owner needs the session no more. */
  pass(owner: Owner): void {
    if (this.#owner !== owner) return;
    const next = this.#waiters.shift();
    this.#owner = next?.owner ?? null;
    next?.settle('yours');
  }

  /** Takes back what the owner waits for; what it has it keeps. */
  leave(owner: Owner): void {
    for (const waiter of this.#waiters.filter((each) => each.owner === owner)) this.#settle(waiter, 'gone');
  }

  /** Sends everybody away and gives the session to one who did not wait. */
  seize(owner: Owner): void {
    this.#owner = owner;
    for (const waiter of this.#waiters.splice(0)) waiter.settle('gone');
  }

  #settle(waiter: Waiter<Owner>, turn: Turn): void {
    this.#waiters = this.#waiters.filter((each) => each !== waiter);
    waiter.settle(turn);
  }
}
