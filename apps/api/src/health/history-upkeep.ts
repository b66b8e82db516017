import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import type { DataSource } from 'typeorm';
import { keepPartitions } from '#storage';
import { rollUp } from './roll-up.js';

/** Keeps the history in order: sums up what is over, makes room for what comes, drops what is past its time. */
export class HistoryUpkeep {
  private readonly heldUntil: Gauge<'table'>;

  constructor(
    private readonly db: DataSource,
    private readonly log: Logger,
    metrics: Registry,
  ) {
    this.heldUntil = new Gauge({
      name: 'sightline_partitions_held_until_timestamp_seconds',
      help: 'Up to when a table that is partitioned by time has a place for new rows; usually four days ahead.',
      labelNames: ['table'],
      registers: [metrics],
    });
  }

  /** Single probes are dropped only once they are summed up. @throws where no partitions could be made */
  async run(signal: AbortSignal): Promise<void> {
    const isSummedUp = await rollUp(this.db, signal).catch((error: unknown) => {
      this.log.warn({ err: error }, 'probes could not be summed up now');
      return false;
    });
    for (const { table, made, dropped, heldUntil } of await keepPartitions(this.db, { drops: isSummedUp })) {
      this.heldUntil.set({ table }, heldUntil.getTime() / 1000);
      if (made + dropped > 0) this.log.info({ table, made, dropped, heldUntil }, 'partitions');
    }
  }
}
