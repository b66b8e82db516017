import type { Settings } from '#settings';
import { AuditSeals, requireMigrated } from '#storage';
import { readCheckpoints } from './checkpointed-chains.js';
import { openDatabase, openLog } from './engines.js';
import { Failure } from './server.js';
import { verifyAudit } from './verify-audit.js';

export interface VerifyOptions {
  /** Files of checkpoints. Default: SIGHTLINE_AUDIT_CHECKPOINTS, if it is there. */
  readonly checkpoints?: readonly string[];
  /** Public keys that are known from elsewhere. */
  readonly publicKey?: readonly string[];
  readonly authority?: string;
  readonly since?: string;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/**
 * Verifies the audit in the database itself (security.md AUD-4).
 * @throws Failure when anything is wrong with it
 */
export async function auditVerify(options: VerifyOptions, settings: Settings): Promise<void> {
  if (options.since !== undefined && Number.isNaN(Date.parse(options.since))) {
    throw new Failure(`--since: expected a date such as 2026-12-01, got ${options.since}`);
  }
  const closers: (() => Promise<unknown>)[] = [];
  try {
    const { db } = await openDatabase(settings, 'migrate', openLog(settings), closers);
    await requireMigrated(db);
    const { registry } = await new AuditSeals(db).state();
    const known = await readCheckpoints(registry, options, settings);
    for (const line of [...known.notes, ...known.faults]) say(line);
    const faults = known.faults.length + (await verifyAudit(db, known, { ...options, say }));
    if (faults > 0) throw new Failure(`The audit does not stand: ${faults} ${faults === 1 ? 'fault' : 'faults'}.`);
    say('The audit stands.');
  } finally {
    for (const close of closers.reverse()) await close();
  }
}
