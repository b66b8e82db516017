import { Worker } from 'node:worker_threads';
import { UnusableRaster } from '#catalog';
import type { Positions } from '#intake';
import type { FromWorker, PackedTile, TerrainReading, ToWorker } from './terrain-worker.js';

/** What a raster is read with. */
export interface TerrainReader {
  /** Longitude and latitude in the raster's CRS. */
  project(lonLats: Positions): Promise<Positions>;
  /** Keeps a tile; no more than a few are waiting for it. @param progress part of the raster that was read */
  keep(tile: PackedTile, progress: number): Promise<void>;
}

/**
 * Reads a raster in a thread of its own, since unpacking and resampling it takes minutes in which nobody else would be answered.
 * @returns share of it that has heights
 * @throws UnusableRaster where the file is damaged; whatever the reader throws; the reason of the signal
 */
export async function readTerrain(
  reading: TerrainReading,
  reader: TerrainReader,
  signal: AbortSignal,
): Promise<{ readonly knownShare: number }> {
  signal.throwIfAborted();
  const worker = new Worker(new URL('./terrain-worker.js', import.meta.url), { workerData: reading });
  try {
    return await new Promise((resolve, reject) => {
      // One thing after the other, in the order in which it was said.
      let doing = Promise.resolve();
      worker.on('message', (message: FromWorker) => {
        doing = doing
          .then(async () => {
            const answer = await answerTo(message, reader);
            if ('knownShare' in answer) resolve(answer);
            else worker.postMessage(answer);
          })
          .catch(reject);
      });
      worker.once('error', reject);
      worker.once('exit', (code) => {
        doing = doing.then(() => reject(new Error(`the thread that reads a raster ended with ${code}`)));
      });
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
  } finally {
    await worker.terminate();
  }
}

async function answerTo(
  message: FromWorker,
  reader: TerrainReader,
): Promise<ToWorker | { readonly knownShare: number }> {
  if ('project' in message) return { projected: await reader.project(message.project) };
  if ('refused' in message) throw new UnusableRaster(message.refused.reason, message.refused.detail);
  if ('knownShare' in message) return message;
  await reader.keep(message.tile, message.progress);
  return { kept: true };
}
