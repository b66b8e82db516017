/** Work that is done again and again, never twice at once. After an error comes the next time. */
export class Recurring {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | null = null;

  constructor(
    private readonly work: () => Promise<void>,
    private readonly everyMs: number,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(): void {
    this.timer ??= setInterval(() => this.now(), this.everyMs).unref();
  }

  /** Does it now, unless it is being done. */
  now(): void {
    this.running ??= this.work()
      .catch(this.onError)
      .finally(() => {
        this.running = null;
      });
  }

  /** Lets what runs end; nothing more is begun by the clock. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }
}
