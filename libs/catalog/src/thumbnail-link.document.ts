import type { Selector } from './camera-search.js';
import { THUMBNAIL_WIDTHS_PX, type ThumbnailWidthPx } from './codes.js';
import { shown } from './problems.js';
import { Optional, rule, Text, Whole } from './rules.js';

/** Longest life of a link to a picture, seconds (security.md WEB-5), and that of one for which nothing else is said. */
export const MAX_LINK_LIFE_S = 3_600;
export const LINK_LIFE_S = 300;

const WIDTH_SCHEMA = { type: 'integer', enum: THUMBNAIL_WIDTHS_PX, default: 320 } as const;
const WIDTHS = THUMBNAIL_WIDTHS_PX.join(', ');

/** A link that is asked for. */
export class ThumbnailLinkRequest {
  /** Width of the picture, pixels. Default 320. @example 320 */
  @Optional()
  @rule('thumbnailWidth', WIDTH_SCHEMA, (value) =>
    THUMBNAIL_WIDTHS_PX.some((one) => one === value)
      ? null
      : ['enum', `expected one of ${WIDTHS}, got ${shown(value)}`],
  )
  width?: ThumbnailWidthPx;

  /** Id of the preset that it shows; absent: the main view. @example "1" */
  @Optional() @Text(1, 64) preset?: string;

  /** How long it serves, seconds. Default 300. @example 900 */
  @Optional() @Whole({ min: 1, max: MAX_LINK_LIFE_S }) expiresInS?: number;
}

/** An address under which a page shows a picture to those who have no key. */
export class ThumbnailLink {
  /** @example "https://cameras.example.org/v1/cameras/019…/thumbnail?width=320&exp=1796036400&by=key:…&kid=k1&sig=…" */
  url!: string;
  /** RFC 3339. @example "2026-11-27T08:15:00Z" */
  expiresAt!: string;
}

/** Parts of a link are judged together and as a whole: a wrong one is no link of ours, whatever is wrong with it. */
const part = (description: string, example: string): Selector<string> => ({
  description,
  schema: { type: 'string', maxLength: 200 },
  example,
  parse: (given) =>
    given.length <= 200 ? { value: given } : { finding: ['length', 'expected at most 200 characters'] },
});

/** What a link carries beside the width; made by `POST /v1/cameras/{id}/thumbnail/link`, and never by hand. */
export const LINK_SELECTORS = {
  exp: part('Of a link: when it ends, Unix time in seconds.', '1796036400'),
  by: part('Of a link: who made it, and whose rights are judged when it is used.', 'key:4Fq0cR7tZk'),
  kid: part('Of a link: name of the key that signed it.', 'k1'),
  sig: part('Of a link: its signature.', 'q1ZkV3…'),
} as const;
