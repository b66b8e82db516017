import { Gauge } from 'prom-client';
import { SERVER } from '#access';
import { AuditSeals, transactAs } from '#storage';
import type { ApiParts } from '../parts.js';
import { Recurring } from '../recurring.js';
import { sealBatch } from './seal-entries.js';

/** How often it is looked whether entries wait, milliseconds: far within the five seconds in which one is sealed. */
const EVERY_MS = 1_000;

/** Seals the audit in the background. Every process has one; the database lets one at a time. */
export class Sealer {
  private readonly rounds: Recurring;
  private isClosing = false;

  constructor(private readonly parts: Pick<ApiParts, 'db' | 'log' | 'metrics'>) {
    this.rounds = new Recurring(
      () => this.seal(),
      EVERY_MS,
      (error) => parts.log.warn({ err: error }, 'the audit could not be sealed now'),
    );
  }

  async start(): Promise<void> {
    const { db, log } = this.parts;
    if (await new AuditSeals(db).renewGeneration()) {
      log.warn('a new generation of the audit begins: this database was restored elsewhere');
    }
    this.measure();
    this.rounds.start();
  }

  async close(): Promise<void> {
    this.isClosing = true;
    await this.rounds.close();
  }

  private async seal(): Promise<void> {
    for (let isFull = true; isFull && !this.isClosing;) {
      isFull = await transactAs(this.parts.db, SERVER, sealBatch);
    }
  }

  private measure(): void {
    const { db, log, metrics } = this.parts;
    new Gauge({
      name: 'sightline_audit_unsealed_seconds',
      help: 'Age of the oldest entry of the audit that is not sealed yet; usually below two.',
      registers: [metrics],
      async collect() {
        try {
          this.set(await new AuditSeals(db).unsealedS());
        } catch (error) {
          log.warn({ err: error }, 'the age of unsealed entries could not be told now');
        }
      },
    });
  }
}
