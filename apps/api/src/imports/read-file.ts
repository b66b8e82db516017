import { Worker } from 'node:worker_threads';
import type { IntakeResult } from '#intake';
import { readFile, type Reading } from './intake-worker.js';

/** Files up to this size are read here: a thread would take longer to start than they take to read. */
const HERE_BYTES = 256 * 1_024;

/** Reads a file of cameras; a large one in a thread of its own, since reading it takes seconds in which nobody else would be answered. */
export async function readAside(reading: Reading): Promise<IntakeResult> {
  if (reading.bytes.length <= HERE_BYTES) return readFile(reading);
  const worker = new Worker(new URL('./intake-worker.js', import.meta.url), { workerData: reading });
  try {
    return await new Promise<IntakeResult>((resolve, reject) => {
      worker.once('message', (result: IntakeResult) => resolve(result));
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`the thread that reads a file ended with ${code}`)));
    });
  } finally {
    await worker.terminate();
  }
}
