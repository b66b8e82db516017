import type { CameraDocument } from '#catalog';

/** The lists `positionSource` and `view.source` as one order, best first. */
const ORDER = [
  'calibrated',
  'survey',
  'gnss',
  'device',
  'map_click',
  'declared',
  'geocoded',
  'name_text',
  'centroid',
  'assumed',
  'unknown',
];

/** A word of another list counts as the agency's declaration. */
const rankOf = (source: string): number => {
  const rank = ORDER.indexOf(source);
  return rank < 0 ? ORDER.indexOf('declared') : rank;
};

/** Whether an attribute from source `a` may not be overwritten by one from `b`. */
export const isBetter = (a: string, b: string): boolean => rankOf(a) < rankOf(b);

export const betterOf = (a: string, b: string): string => (isBetter(b, a) ? b : a);

/** Where a single attribute came from by the document's provenance; what says nothing was declared. */
export const sourceOfAttribute = ({ provenance = [] }: Pick<CameraDocument, 'provenance'>, pointer: string): string =>
  provenance.find((entry) => entry.pointer === pointer)?.source ?? 'declared';
