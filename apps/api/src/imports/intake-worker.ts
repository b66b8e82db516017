import { parentPort, workerData } from 'node:worker_threads';
import { intake, type IntakeContext, type IntakeResult, type Profile } from '#intake';
import { type DialPolicy, literalRefusal } from '#probe';

/** What is to be read; plain data, since it crosses to another thread. */
export interface Reading {
  readonly profile: Profile;
  readonly bytes: Uint8Array;
  readonly context: Omit<IntakeContext, 'judgeTarget'>;
  readonly policy: DialPolicy;
}

/** Reads a file of cameras under an authority's network. */
export const readFile = ({ profile, bytes, context, policy }: Reading): IntakeResult =>
  intake(profile, bytes, { ...context, judgeTarget: (url) => literalRefusal(url, policy) });

// In its own thread: one file, one answer.
if (parentPort !== null && isReading(workerData)) parentPort.postMessage(readFile(workerData));

function isReading(data: unknown): data is Reading {
  return typeof data === 'object' && data !== null && 'profile' in data && 'policy' in data;
}
