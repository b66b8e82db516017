import type { Logger } from 'pino';

/** Says once that something does not work, and once that it works again. */
export class Outage {
  private since: number | null = null;

  constructor(
    private readonly what: string,
    private readonly log: Logger,
  ) {}

  get isOn(): boolean {
    return this.since !== null;
  }

  failed(error: unknown): void {
    if (this.since !== null) return;
    this.since = performance.now();
    this.log.error({ reason: inShort(error) }, `${this.what} does not work; trying again until it does`);
  }

  /** @returns whether an outage ended with this */
  worked(): boolean {
    if (this.since === null) return false;
    const lastedS = Math.round((performance.now() - this.since) / 1000);
    this.since = null;
    this.log.info({ lastedS }, `${this.what} works again`);
    return true;
  }
}

/** One line of an error: the whole of a failed statement holds every value of a batch. */
export function inShort(error: unknown): string {
  const {
    name = 'Error',
    message = '',
    code = '',
  } = (error ?? {}) as { name?: string; message?: string; code?: string };
  return [name, code, message]
    .filter((part) => part !== '')
    .join(' ')
    .replace(/\s+/g, ' ')
    .slice(0, 300);
}
