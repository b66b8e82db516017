import { type Bbox, DEFAULT_RADIUS_M, type EventType, type LonLat } from '#catalog';
import { groundDistance } from '#geo';

/** Which events somebody wants; absent members leave nothing out. */
export interface EventWish {
  readonly types?: readonly EventType[] | undefined;
  /** Slugs. */
  readonly authorities?: readonly string[] | undefined;
  /** Ids. */
  readonly cameras?: readonly string[] | undefined;
  readonly bbox?: Bbox | undefined;
  readonly near?: LonLat | undefined;
  readonly radiusM?: number | undefined;
}

/** Where a camera stands, and whose it is. */
interface Standing {
  readonly authority: string;
  readonly lon: number;
  readonly lat: number;
}

/** Judges in memory what somebody wants to be told of; what he may be told of is judged elsewhere. */
export class EventFilter {
  readonly cameras: ReadonlySet<string> | null;
  private readonly types: ReadonlySet<EventType> | null;
  private readonly authorities: ReadonlySet<string> | null;

  constructor(readonly wish: EventWish) {
    const { types, authorities, cameras } = wish;
    this.types = types === undefined ? null : new Set(types);
    this.authorities = authorities === undefined ? null : new Set(authorities);
    this.cameras = cameras === undefined ? null : new Set(cameras);
  }

  wantsType(type: EventType): boolean {
    return this.types === null || this.types.has(type);
  }

  /** Whether frames are asked for: only of chosen cameras or places, for all there would be thousands a second. */
  get wantsFrames(): boolean {
    const { bbox, near } = this.wish;
    return this.wantsType('frame.updated') && (this.cameras !== null || bbox !== undefined || near !== undefined);
  }

  wantsCamera(id: string): boolean {
    return this.cameras === null || this.cameras.has(id);
  }

  /** Whether a camera that stands there, or stood there before, is one of those wanted. */
  wantsStanding(standings: readonly Standing[]): boolean {
    return standings.some(
      ({ authority, lon, lat }) =>
        (this.authorities === null || this.authorities.has(authority)) && this.holds([lon, lat]),
    );
  }

  private holds(place: LonLat): boolean {
    const { bbox, near, radiusM = DEFAULT_RADIUS_M } = this.wish;
    return (
      (bbox === undefined || isInside(place, bbox)) && (near === undefined || groundDistance(place, near) <= radiusM)
    );
  }
}

/** West above east crosses the antimeridian. */
function isInside([lon, lat]: LonLat, [west, south, east, north]: Bbox): boolean {
  const isBetween = west <= east ? lon >= west && lon <= east : lon >= west || lon <= east;
  return isBetween && lat >= south && lat <= north;
}
