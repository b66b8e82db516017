import { type House, placeAt } from './layout.js';
import type { LonLat } from './projection.js';

/** Houses as GeoJSON in the form that `POST /v1/buildings` takes. */
export interface BuildingCollection {
  readonly type: 'FeatureCollection';
  readonly features: readonly {
    readonly type: 'Feature';
    /** Height of the top above the ground, metres. */
    readonly properties: { readonly heightM: number };
    readonly geometry: { readonly type: 'Polygon'; readonly coordinates: readonly (readonly LonLat[])[] };
  }[];
}

/** What the houses are as data, so that they stand in lines of sight as they stand in the pictures. */
export function buildingsOf(houses: readonly House[]): BuildingCollection {
  return {
    type: 'FeatureCollection',
    features: houses.map(({ corners, heightM }) => ({
      type: 'Feature',
      properties: { heightM: Number(heightM.toFixed(2)) },
      geometry: {
        type: 'Polygon',
        coordinates: [[...corners, corners[0]].map((corner) => toCentimetres(placeAt(corner)))],
      },
    })),
  };
}

const toCentimetres = ([lon, lat]: LonLat): LonLat => [Number(lon.toFixed(7)), Number(lat.toFixed(7))];
