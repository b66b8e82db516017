import { stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { TerrainRaster } from '#catalog';
import type { Settings } from '#settings';
import { inPercent, ProgressLine } from './progress-line.js';
import { Failure, Server } from './server.js';

export interface TerrainOptions {
  readonly date: string;
  readonly kind?: string;
  readonly crs?: string;
  readonly json?: boolean;
}

/** How often the server is asked how far it is, milliseconds. */
const ASK_EVERY_MS = 300;

/** Sends a raster of heights to the running server, waits until it counts, and says what it is. */
export async function importTerrain(file: string, options: TerrainOptions, settings: Settings): Promise<void> {
  const server = administratorsServer(settings);
  const query = new URLSearchParams({ date: options.date });
  for (const name of ['kind', 'crs'] as const) {
    if (options[name] !== undefined) query.set(name, options[name]);
  }
  const line = new ProgressLine();
  const raster = await sent(server, `/v1/terrain?${query.toString()}`, file, line)
    .then((begun) => read(server, begun, line))
    .finally(() => line.end());
  if (options.json === true) process.stdout.write(`${JSON.stringify(raster, null, 2)}\n`);
  if (raster.status === 'failed') throw new Failure(`The import failed: ${raster.problem ?? ''}.`);
  if (options.json !== true) process.stdout.write(inWords(raster));
}

function administratorsServer({ serverUrl, key }: Settings): Server {
  if (key === undefined) throw new Failure('this needs a platform administrator’s key: set SIGHTLINE_KEY, or --key');
  return new Server(serverUrl, key);
}

async function sent(server: Server, address: string, file: string, line: ProgressLine): Promise<TerrainRaster> {
  const size = (await stat(file).catch(() => null))?.size ?? 0;
  const name = path.basename(file);
  const reply = await server.sendFile(address, file, (bytes) =>
    line.show(`sending ${name}: ${inPercent(bytes / size)}`),
  );
  if (reply.status !== 202) throw reply.failure();
  return reply.body as TerrainRaster;
}

/** The raster once its import has ended. */
async function read(server: Server, begun: TerrainRaster, line: ProgressLine): Promise<TerrainRaster> {
  for (let raster = begun; ;) {
    if (raster.status !== 'importing') return raster;
    line.show(`reading: ${inPercent(raster.progress)}, ${raster.tiles.toLocaleString('en')} tiles`);
    await wait(ASK_EVERY_MS);
    const reply = await server.send('GET', `/v1/terrain/${begun.id}`);
    if (reply.status === 404) throw new Failure('The import failed: the raster was removed.');
    if (reply.status !== 200) throw reply.failure();
    raster = reply.body as TerrainRaster;
  }
}

/** The raster for a person. */
function inWords(raster: TerrainRaster): string {
  const { id, kind, date, columns, rows, cellM, crs, bbox, lowestM, highestM, knownShare, tiles } = raster;
  const seconds = (Date.parse(raster.finishedAt ?? raster.createdAt) - Date.parse(raster.createdAt)) / 1_000;
  const [west, south, east, north] = bbox.map((degrees) => degrees.toFixed(6));
  const unknown = (100 * (1 - (knownShare ?? 1))).toFixed(1);
  return [
    `Imported ${columns} × ${rows} cells of ${cellM.toFixed(2)} m (${crs}), ${kind}, dated ${date}, in ${seconds.toFixed(1)} s: raster ${id}.`,
    `Extent: ${west},${south} to ${east},${north}. Heights ${inMetres(lowestM)} to ${inMetres(highestM)}; ${unknown} % without any. ${tiles} tiles.`,
    '',
  ].join('\n');
}

/** Lists the rasters of heights, a line each. */
export async function listTerrain({ serverUrl, key }: Settings): Promise<void> {
  const server = new Server(serverUrl, key);
  for await (const raster of server.items<TerrainRaster>('/v1/terrain?limit=1000')) {
    const { id, kind, date, status, crs, cellM, bbox, problem } = raster;
    const columns = [
      id,
      kind,
      date,
      status,
      crs,
      `${cellM.toFixed(2)} m`,
      bbox.map((degrees) => degrees.toFixed(6)).join(','),
      problem ?? '',
    ];
    process.stdout.write(`${columns.join('  ').trimEnd()}\n`);
  }
}

/** Deletes a raster of heights by its id. */
export async function deleteTerrain(id: string, settings: Settings): Promise<void> {
  const reply = await administratorsServer(settings).send('DELETE', `/v1/terrain/${encodeURIComponent(id)}`);
  if (reply.status !== 204) throw reply.failure();
  process.stdout.write(`The raster ${id} is deleted.\n`);
}

const inMetres = (height: number | null): string => (height === null ? 'unknown' : `${height.toFixed(2)} m`);
