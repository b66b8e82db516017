import { Camera, CAMERA_COLUMNS, OrderFactor, PointDocument, Shown } from '#catalog';

const url = { type: 'string', format: 'uri' } as const;
const nullableUrl = { type: ['string', 'null'], format: 'uri' } as const;

/** One page of cameras. */
export class CameraPage {
  items!: Camera[];
  /** Address of this page. */
  @Shown(url) self!: string;
  /** Address of the next page; null after the last. */
  @Shown(nullableUrl) next!: string | null;
  /** With `updatedSince`: the address to poll for later changes. */
  @Shown(url) resume?: string;
  /** With `sees`: by what the cameras are put in order, the strongest first. */
  order?: OrderFactor[];
}

/** A camera as a GeoJSON feature (RFC 7946): the document is in `properties`. */
export class CameraFeature {
  @Shown({ type: 'string', const: 'Feature' }) type!: 'Feature';
  /** Id of the camera. */
  @Shown({ type: 'string', format: 'uuid' }) id!: string;
  geometry!: PointDocument;
  properties!: Camera;
}

/** A link of a GeoJSON answer. */
export class CollectionLink {
  /** What is there: `self` or `next`. */
  @Shown({ type: 'string' }) rel!: string;
  /** Media type. */
  @Shown({ type: 'string' }) type!: string;
  @Shown(url) href!: string;
}

/** One page of cameras as GeoJSON. */
export class CameraCollection {
  @Shown({ type: 'string', const: 'FeatureCollection' }) type!: 'FeatureCollection';
  features!: CameraFeature[];
  /** Features in this page. */
  @Shown({ type: 'integer', minimum: 0 }) numberReturned!: number;
  links!: CollectionLink[];
  /** Address of the next page; null after the last. */
  @Shown(nullableUrl) next!: string | null;
  /** With `updatedSince`: the address to poll for later changes. */
  @Shown(url) resume?: string;
  /** With `sees`: by what the cameras are put in order, the strongest first. */
  order?: OrderFactor[];
}

/** One page of cameras as CSV (RFC 4180). */
export const CAMERA_TABLE = {
  type: 'string',
  description: `A header line, then a line a camera, in the order of the JSON answer; UTF-8, CRLF, every cell in quotes. A column holds the member of the camera at its path; nothing where that is absent, and in \`footprint\` and \`thumbnail.*\` where \`include\` does not ask for it. \`health.*\` always comes. Lists of words are written \`a; b\`, other lists and objects as JSON. \`services\` tells kinds and refresh times, never an address; \`health.flags\` names the flags at fault. Text that a spreadsheet would take for a formula has an apostrophe before it (\`'\`), numbers never. The columns are always these, with \`fields\` those of its members, in this order; more may come within v1: ${CAMERA_COLUMNS.map(({ path }) => path).join(', ')}.`,
} as const;
