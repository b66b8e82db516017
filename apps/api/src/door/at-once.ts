/** Counts what lasts, by whom it belongs to. Holds a number for those alone who have something. */
export class AtOnce {
  private readonly counts = new Map<string, number>();

  of(who: string): number {
    return this.counts.get(who) ?? 0;
  }

  enter(who: string): void {
    this.counts.set(who, this.of(who) + 1);
  }

  leave(who: string): void {
    const left = this.of(who) - 1;
    if (left > 0) this.counts.set(who, left);
    else this.counts.delete(who);
  }
}
