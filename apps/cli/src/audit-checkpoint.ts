import { CheckpointFile, signCheckpoint } from '#access';
import type { Settings } from '#settings';
import { AuditSeals, requireMigrated } from '#storage';
import { openDatabase, openKeyring, openLog } from './engines.js';

export interface CheckpointOptions {
  /** Where it goes. Default: SIGHTLINE_AUDIT_CHECKPOINTS. */
  readonly output?: string;
}

/** Writes a checkpoint of the audit now, beside those of every day. */
export async function auditCheckpoint(options: CheckpointOptions, settings: Settings): Promise<void> {
  const closers: (() => Promise<unknown>)[] = [];
  try {
    const { db } = await openDatabase(settings, 'migrate', openLog(settings), closers);
    await requireMigrated(db);
    const state = await new AuditSeals(db).state();
    const signers = openKeyring(settings).checkpointSigners();
    const file = new CheckpointFile(options.output ?? settings.auditCheckpoints);
    await file.append(signCheckpoint({ ...state, at: new Date().toISOString() }, signers));
    process.stdout.write(`A checkpoint of ${state.chains.length} chains went to ${file.name}.\n`);
    for (const { kid, publicKey } of signers) process.stdout.write(`Signed by ${kid}, public key ${publicKey}\n`);
  } finally {
    for (const close of closers.reverse()) await close();
  }
}
