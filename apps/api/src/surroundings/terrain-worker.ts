import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { type FaultCode, UnusableRaster } from '#catalog';
import { packHeights } from '#frames';
import { HeightTiles, type LonLatGrid, openGeotiff, type Positions } from '#intake';
import { OpenFile } from './open-file.js';

/** What is to be read; plain data, since it crosses to another thread. */
export interface TerrainReading {
  readonly path: string;
  readonly epsg: number;
  readonly grid: LonLatGrid;
}

/** A tile as it is kept. */
export interface PackedTile {
  readonly x: number;
  readonly y: number;
  readonly packed: Uint8Array;
  readonly lowestM: number;
  readonly highestM: number;
}

/** What the thread says: it asks where places lie, hands over tiles, and ends. */
export type FromWorker =
  | { readonly project: Positions }
  | { readonly tile: PackedTile; readonly progress: number }
  | { readonly refused: { readonly reason: FaultCode; readonly detail: string } }
  | { readonly knownShare: number };

/** What it is told: places, and that a tile was kept. */
export type ToWorker = { readonly projected: Positions } | { readonly kept: true };

/** Tiles that may wait to be kept: the thread reads no further before. */
const MOST_WAITING = 8;

/** Reads a raster in this thread, as fast as its tiles are kept. */
async function readHere({ path, epsg, grid }: TerrainReading, port: MessagePort): Promise<void> {
  const link = new Link(port);
  const file = await OpenFile.open(path);
  try {
    const tiles = new HeightTiles(await openGeotiff(file, { epsg }), grid, (lonLats) => link.project(lonLats));
    for await (const { heights, ...tile } of tiles) {
      const progress = tiles.tilesDone / tiles.tilesInAll;
      await link.hand({ tile: { ...tile, packed: packHeights(heights) }, progress });
    }
    link.say({ knownShare: tiles.postsKnown / Math.max(1, tiles.postsInside) });
  } catch (error) {
    if (!(error instanceof UnusableRaster)) throw error;
    link.say({ refused: { reason: error.reason, detail: error.message } });
  } finally {
    await file.close();
    port.close();
  }
}

/** The talk with the thread that the database belongs to. */
class Link {
  private waiting = 0;
  private answer: (projected: Positions) => void = () => undefined;
  private goOn: () => void = () => undefined;

  constructor(private readonly port: MessagePort) {
    port.on('message', (message: ToWorker) => {
      if ('projected' in message) this.answer(message.projected);
      else {
        this.waiting -= 1;
        this.goOn();
      }
    });
  }

  say(message: FromWorker): void {
    this.port.postMessage(message);
  }

  project(lonLats: Positions): Promise<Positions> {
    return new Promise((resolve) => {
      this.answer = resolve;
      this.say({ project: lonLats });
    });
  }

  /** Hands a tile over; resolves when another one may come. */
  async hand(message: Extract<FromWorker, { tile: unknown }>): Promise<void> {
    this.say(message);
    this.waiting += 1;
    if (this.waiting >= MOST_WAITING) await new Promise<void>((resolve) => (this.goOn = resolve));
  }
}

// In its own thread: one file. An error that nobody foresaw ends the thread, and the one that started it hears of it.
if (parentPort !== null && isReading(workerData)) await readHere(workerData, parentPort);

function isReading(data: unknown): data is TerrainReading {
  return typeof data === 'object' && data !== null && 'grid' in data && 'epsg' in data;
}
