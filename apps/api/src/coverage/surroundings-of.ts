import type { GeoCamera, LonLat } from '#geo';
import type { Buildings } from '#storage';
import type { Ground } from '../surroundings/ground.js';
import type { Extent } from '../surroundings/ground-window.js';
import type { CoverageQuestion } from './cover.js';

/** Posts of an elevation model that one question takes along, and buildings. */
const MOST_POSTS = 4e6;
const MOST_BUILDINGS = 50_000;

type Asked = Pick<CoverageQuestion, 'area' | 'lines' | 'cameras'>;

/**
 * What is known of ground and buildings between cameras and an area or a line. Across the antimeridian nothing is taken into account, nor
 * where it is more than one question can hold: the answer names its model.
 */
export async function surroundingsOf(
  asked: Asked,
  ground: Ground,
  buildings: Buildings,
): Promise<Pick<CoverageQuestion, 'terrain' | 'dsm' | 'buildings'>> {
  if (asked.cameras.length === 0) return {};
  const extent = extentOf(placesOf(asked));
  if (extent[2] - extent[0] > 180) return {};
  const heights = await ground.window(extent, MOST_POSTS);
  const built = await buildings.within(extent, MOST_BUILDINGS);
  return { ...heights, ...(built === null ? {} : { buildings: { prisms: built.buildings, date: built.date } }) };
}

function placesOf({ area = [], lines = [], cameras }: Asked): readonly LonLat[] {
  const stands = cameras.map(({ geo }: { readonly geo: GeoCamera }) => geo.location.coordinates);
  return [...area.flat(2), ...lines.flat(), ...stands];
}

function extentOf(places: readonly LonLat[]): Extent {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [lon, lat] of places) {
    west = Math.min(west, lon);
    south = Math.min(south, lat);
    east = Math.max(east, lon);
    north = Math.max(north, lat);
  }
  return [west, south, east, north];
}
