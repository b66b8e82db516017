import { Gauge } from 'prom-client';
import { CheckpointFile, signCheckpoint } from '#access';
import { AuditSeals } from '#storage';
import type { ApiParts } from '../parts.js';
import { Recurring } from '../recurring.js';

/** How old the last checkpoint may be before the next is made, milliseconds. */
const DAY_MS = 86_400_000;
/** How often it is looked whether one is due, milliseconds. */
const LOOK_EVERY_MS = 600_000;

/**
 * Once a day a signed checkpoint of every chain, in this process's own log and file (security.md AUD-3). Each process keeps its own: several witnesses
 * are better than one.
 */
export class Checkpoints {
  private readonly rounds: Recurring;
  private readonly file: CheckpointFile;
  private readonly madeAt: Gauge;

  constructor(private readonly parts: Pick<ApiParts, 'db' | 'keyring' | 'log' | 'metrics' | 'settings'>) {
    this.file = new CheckpointFile(parts.settings.auditCheckpoints);
    this.madeAt = new Gauge({
      name: 'sightline_audit_checkpoint_timestamp_seconds',
      help: 'When this process last wrote a checkpoint of the audit; 0 before the first.',
      registers: [parts.metrics],
    });
    this.rounds = new Recurring(
      () => this.look(),
      LOOK_EVERY_MS,
      (error) => parts.log.error({ err: error }, 'the checkpoint of the audit could not be written'),
    );
  }

  start(): void {
    this.rounds.start();
    this.rounds.now();
  }

  async close(): Promise<void> {
    await this.rounds.close();
  }

  private async look(): Promise<void> {
    const { db, keyring, log } = this.parts;
    const state = await new AuditSeals(db).state();
    const lastAt = await this.file.lastAt(state.registry);
    if (lastAt !== null) this.madeAt.set(lastAt / 1_000);
    const now = Date.now();
    if (lastAt !== null && now - lastAt < DAY_MS) return;
    const checkpoint = signCheckpoint({ ...state, at: new Date(now).toISOString() }, keyring.checkpointSigners());
    // The log first: it is another place, and may be all that is left of it.
    // That of a new registry vouches for nothing yet.
    log[state.chains.length === 0 ? 'debug' : 'info']({ checkpoint }, 'checkpoint of the audit');
    await this.file.append(checkpoint);
    this.madeAt.set(now / 1_000);
  }
}
