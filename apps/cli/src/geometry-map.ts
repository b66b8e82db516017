import { writeFile } from 'node:fs/promises';
import { type Camera, CAMERA_SELECTORS, type Parsed } from '#catalog';
import { isTurning, type MultiPolygon } from '#geo';
import type { Settings } from '#settings';
import { Failure, Server } from './server.js';
import { type MappedCamera, sightMap } from './sight-map.js';

export interface MapOptions {
  readonly near: string;
  readonly radius: number;
  readonly output: string;
}

/** Draws the cameras of the running server around a place, and the ground that each shows. */
export async function drawGeometry(options: MapOptions, { serverUrl, key }: Settings): Promise<void> {
  const centre = taken('--near', CAMERA_SELECTORS.near.parse(options.near));
  const radiusM = taken('--radius', CAMERA_SELECTORS.radiusM.parse(String(options.radius)));
  const server = new Server(serverUrl, key);
  const query = new URLSearchParams({
    near: centre.join(','),
    radiusM: String(radiusM),
    include: 'footprint,health',
    limit: '1000',
  });
  const cameras: MappedCamera[] = [];
  for await (const camera of server.items<Camera>(`/v1/cameras?${query.toString()}`))
    cameras.push(mapped(camera, isTurning(camera) ? await reachOf(server, camera) : null));
  if (cameras.length === 0)
    throw new Failure(`No camera that you may know stands within ${radiusM} m of ${options.near}.`);
  const { svg, namesLeftOut } = sightMap(cameras, { centre, radiusM, drawnAt: new Date() });
  await writeFile(options.output, svg).catch((error: NodeJS.ErrnoException) => {
    throw new Failure(`${options.output} cannot be written (${error.code ?? error.message})`);
  });
  const shown = cameras.filter(({ footprint }) => footprint !== null).length;
  const rest = namesLeftOut === 0 ? '' : ` For ${namesLeftOut} names there was no room; they are in the tooltips.`;
  process.stdout.write(`Drew ${cameras.length} cameras, the ground of ${shown} of them: ${options.output}.${rest}\n`);
}

function taken<T>(option: string, parsed: Parsed<T>): T {
  if ('value' in parsed) return parsed.value;
  throw new Failure(`${option}: ${parsed.finding[1]}`);
}

/** Ground that a turning camera can be turned to show. */
async function reachOf(server: Server, { id }: Camera): Promise<MultiPolygon | null> {
  const path = `/v1/cameras/${id}/footprint?basis=reach`;
  const reply = await server.send('GET', path, undefined, { accept: 'application/geo+json' });
  if (reply.status !== 200) throw reply.failure();
  return (reply.body as { readonly geometry: MultiPolygon | null }).geometry;
}

const mapped = (
  { name, authority, location, view, health, footprint }: Camera,
  reach: MultiPolygon | null,
): MappedCamera => ({
  name,
  authority,
  position: location.coordinates,
  azimuthDeg: view?.azimuthDeg ?? null,
  status: health?.status ?? 'unknown',
  footprint: (footprint ?? null) as MultiPolygon | null,
  reach,
});
