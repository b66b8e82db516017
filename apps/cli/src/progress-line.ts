/** One line on a terminal that is written anew again and again; nothing where standard error is none. */
export class ProgressLine {
  private shownAt = -Infinity;

  /** Ten times a second are enough for the eye. */
  show(text: string): void {
    if (!process.stderr.isTTY || performance.now() - this.shownAt < 100) return;
    this.shownAt = performance.now();
    process.stderr.write(`\r\u001b[K${text}`);
  }

  /** Leaves no trace. */
  end(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  }
}

/** A part of the whole, 0 to 1, as people read it. */
export const inPercent = (part: number): string => `${Math.floor(100 * part)} %`;
