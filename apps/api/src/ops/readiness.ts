import { ping } from '#storage';
import type { ApiParts } from '../parts.js';

/** How long one look at the database serves, milliseconds. */
const CACHE_MS = 1_000;

/** Whether requests can be served now. The schema is current, or the process would not have started. */
export class Readiness {
  private isClosing = false;
  private looked: { readonly at: number; readonly answers: Promise<boolean> } | null = null;

  constructor(private readonly db: ApiParts['db']) {}

  /** From now on nothing new shall come here. */
  close(): void {
    this.isClosing = true;
  }

  /** Why requests cannot be served, or null. */
  async whyNot(): Promise<string | null> {
    if (this.isClosing) return 'shutting down';
    const now = performance.now();
    if (this.looked === null || now - this.looked.at > CACHE_MS) this.looked = { at: now, answers: ping(this.db) };
    return (await this.looked.answers) ? null : 'the database does not answer';
  }
}
