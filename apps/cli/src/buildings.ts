import { stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { BuildingSet } from '#catalog';
import type { Settings } from '#settings';
import { inPercent, ProgressLine } from './progress-line.js';
import { Failure, Server } from './server.js';

export interface BuildingsOptions {
  readonly date: string;
  readonly heightFrom?: string;
  readonly baseFrom?: string;
  readonly json?: boolean;
}

/** Exit code when the file was taken but features of it were left out. */
const SOME_LEFT_OUT = 2;
/** How often the server is asked how far it is, milliseconds. */
const ASK_EVERY_MS = 300;

/** Sends a file of buildings to the running server, waits until it is read, and says what became of it. */
export async function importBuildings(file: string, options: BuildingsOptions, settings: Settings): Promise<void> {
  const server = administratorsServer(settings);
  const query = new URLSearchParams({ date: options.date });
  for (const name of ['heightFrom', 'baseFrom'] as const) {
    if (options[name] !== undefined) query.set(name, options[name]);
  }
  const line = new ProgressLine();
  const set = await sent(server, `/v1/buildings?${query.toString()}`, file, line)
    .then((begun) => untilRead(server, begun, (set) => line.show(progressOf(set))))
    .finally(() => line.end());
  if (options.json === true) process.stdout.write(`${JSON.stringify(set, null, 2)}\n`);
  if (set.status === 'failed')
    throw new Failure(`The import failed: ${set.problem ?? ''}.\n${leftOutOf(set)}`.trimEnd());
  if (options.json !== true) process.stdout.write(inWords(set));
  if (set.leftOut > 0) process.exitCode = SOME_LEFT_OUT;
}

function administratorsServer({ serverUrl, key }: Settings): Server {
  if (key === undefined) throw new Failure('this needs a platform administrator’s key: set SIGHTLINE_KEY, or --key');
  return new Server(serverUrl, key);
}

async function sent(server: Server, address: string, file: string, line: ProgressLine): Promise<BuildingSet> {
  const size = (await stat(file).catch(() => null))?.size ?? 0;
  const name = path.basename(file);
  const reply = await server.sendFile(address, file, (bytes) =>
    line.show(`sending ${name}: ${inPercent(bytes / size)}`),
  );
  if (reply.status !== 202) throw reply.failure();
  return reply.body as BuildingSet;
}

const progressOf = ({ progress, buildings }: BuildingSet): string =>
  `reading: ${inPercent(progress)}, ${buildings.toLocaleString('en')} buildings`;

/** The set once its import has ended. @param onProgress is told how far it is */
export async function untilRead(
  server: Server,
  begun: BuildingSet,
  onProgress: (set: BuildingSet) => void = () => undefined,
): Promise<BuildingSet> {
  for (let set = begun; ;) {
    if (set.status !== 'importing') return set;
    onProgress(set);
    await wait(ASK_EVERY_MS);
    const reply = await server.send('GET', `/v1/buildings/${begun.id}`);
    if (reply.status !== 200) throw reply.failure();
    set = reply.body as BuildingSet;
  }
}

/** The set for a person. */
function inWords(set: BuildingSet): string {
  const { id, date, features, buildings, bbox, lowestM, highestM, createdAt, finishedAt } = set;
  const seconds = (Date.parse(finishedAt ?? createdAt) - Date.parse(createdAt)) / 1_000;
  const [west, south, east, north] = bbox ?? [];
  return [
    `Imported ${buildings} buildings from ${features} features, dated ${date}, in ${seconds.toFixed(1)} s: set ${id}.`,
    `Extent: ${west},${south} to ${east},${north}. Tops ${lowestM} to ${highestM} m above the ground.`,
    leftOutOf(set),
  ].join('\n');
}

function leftOutOf({ leftOut, byCode, problems }: BuildingSet): string {
  if (leftOut === 0) return '';
  const codes = Object.entries(byCode).sort(([, a], [, b]) => b - a);
  const lines = [`${leftOut} left out: ${codes.map(([code, count]) => `${code} ${count}`).join(', ')}.`];
  for (const { feature, code, detail } of problems) lines.push(`  feature ${feature}: ${code}: ${detail}`);
  if (leftOut > problems.length) lines.push(`  … and ${leftOut - problems.length} more.`);
  return `${lines.join('\n')}\n`;
}

/** Lists the sets of buildings, a line each. */
export async function listBuildings({ serverUrl, key }: Settings): Promise<void> {
  const server = new Server(serverUrl, key);
  for await (const { id, date, status, buildings, bbox, problem } of server.items<BuildingSet>(
    '/v1/buildings?limit=1000',
  )) {
    const columns = [id, date, status, buildings, bbox?.join(',') ?? '-', problem ?? ''];
    process.stdout.write(`${columns.join('  ').trimEnd()}\n`);
  }
}

/** Deletes a set of buildings by its id. */
export async function deleteBuildings(id: string, settings: Settings): Promise<void> {
  const reply = await administratorsServer(settings).send('DELETE', `/v1/buildings/${encodeURIComponent(id)}`);
  if (reply.status !== 204) throw reply.failure();
  process.stdout.write(`The set of buildings ${id} is deleted.\n`);
}
