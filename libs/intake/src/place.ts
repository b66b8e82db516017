import { type AuthorityDocument, type FaultCode, type LonLat } from '#catalog';
import type { RowProblem } from './row.js';

/** What was found about a place; without a pointer, which the reader of the field knows. */
export type PlaceFinding = Omit<RowProblem, 'pointer'>;

export interface Place {
  /** Longitude and latitude; null where no camera can be put there. */
  readonly position: LonLat | null;
  /** Uncertainty that the writing itself shows, metres, one sigma. */
  readonly accuracyM?: number;
  readonly findings: readonly PlaceFinding[];
}

type Area = AuthorityDocument['area'];

/** Degrees within which a position is the zero point, or its ordinates are one number twice. */
const SAME_DEG = 0.001;

/** Two decimals of a degree are a kilometre. */
const COARSE_DECIMALS = 2;
const COARSE_M = 1_000;

/** Judges a longitude and a latitude as an agency wrote them; `decimals` is the finer of the two. */
export function judgePlace([lon, lat]: LonLat, decimals: number, area: Area): Place {
  const value = `${lon},${lat}`;
  const exchanged = isOnEarth([lat, lon]) && area !== undefined && isInside([lat, lon], area);
  const swapped = found(
    'error',
    'lon_lat_swapped',
    'longitude and latitude seem to be exchanged',
    value,
    `${lat},${lon}`,
  );
  if (!isOnEarth([lon, lat])) {
    const detail = 'expected lon,lat with lon -180..180 and lat -90..90';
    return nowhere(found('error', 'position_out_of_range', detail, value), ...(exchanged ? [swapped] : []));
  }
  if (Math.abs(lon) < SAME_DEG && Math.abs(lat) < SAME_DEG) {
    return nowhere(found('error', 'zero_position', 'the zero point stands for an unknown position', value));
  }
  const isOutside = area !== undefined && !isInside([lon, lat], area);
  if (Math.abs(lon - lat) < SAME_DEG && isOutside) {
    return nowhere(found('error', 'lon_equals_lat', 'longitude and latitude are the same number', value));
  }
  if (isOutside && exchanged) return nowhere(swapped);
  const findings: PlaceFinding[] = [];
  if (Math.abs(lon - lat) < SAME_DEG) {
    // Such places exist, in Turkey and off Ghana.
    findings.push(found('warning', 'lon_equals_lat', 'longitude and latitude are the same number', value));
  }
  if (isOutside) findings.push(found('warning', 'outside_area', "the position is outside the authority's area", value));
  return { position: [lon, lat], ...(decimals <= COARSE_DECIMALS ? { accuracyM: COARSE_M } : {}), findings };
}

const nowhere = (...findings: PlaceFinding[]): Place => ({ position: null, findings });

function found(
  severity: PlaceFinding['severity'],
  code: FaultCode,
  detail: string,
  value: string,
  suggestion?: string,
): PlaceFinding {
  return { code, severity, value, ...(suggestion === undefined ? {} : { suggestion }), detail };
}

const isOnEarth = ([lon, lat]: LonLat): boolean => Math.abs(lon) <= 180 && Math.abs(lat) <= 90;

/** Whether a position is in an area; edges count either way. The area crosses no antimeridian (RFC 7946 section 3.1.9). */
export function isInside(position: LonLat, area: NonNullable<Area>): boolean {
  const polygons = (area.type === 'MultiPolygon' ? area.coordinates : [area.coordinates]) as unknown as LonLat[][][];
  return polygons.some(([outer, ...holes]) => {
    if (outer === undefined || !isInRing(position, outer)) return false;
    return !holes.some((hole) => isInRing(position, hole));
  });
}

/** Counts the edges that a ray to the east crosses. */
function isInRing([lon, lat]: LonLat, ring: readonly LonLat[]): boolean {
  let inside = false;
  for (let i = 1; i < ring.length; i += 1) {
    const [[lon1, lat1], [lon2, lat2]] = [ring[i - 1], ring[i]] as [LonLat, LonLat];
    if (lat1 > lat !== lat2 > lat && lon < lon1 + ((lat - lat1) / (lat2 - lat1)) * (lon2 - lon1)) inside = !inside;
  }
  return inside;
}
