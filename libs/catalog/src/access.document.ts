import { ACCESS_LEVELS, type AccessLevel, PERSONAL_DATA, PURPOSES, THUMBNAIL_LEVELS } from './codes.js';
import { type Finding, judgeNumber, NestedList, OneOf, Optional, rule, SomeOf, Text, Whole } from './rules.js';
import { shown } from './problems.js';

/** Part of the picture that is painted over before any byte is kept. */
export class PrivacyMaskDocument {
  /** Corners [x, y] as fractions of width and height from the top left. @example [[0, 0], [0.2, 0], [0.2, 0.3]] */
  @rule(
    'maskPoints',
    {
      type: 'array',
      minItems: 3,
      maxItems: 100,
      items: { type: 'array', items: { type: 'number', minimum: 0, maximum: 1 }, minItems: 2, maxItems: 2 },
    },
    judgeMask,
  )
  points!: [number, number][];
}

function judgeMask(value: unknown): Finding {
  if (!Array.isArray(value) || value.length < 3 || value.length > 100) {
    return ['geometry', 'expected 3 to 100 corners [x, y]'];
  }
  for (const corner of value as readonly unknown[]) {
    if (!Array.isArray(corner) || corner.length !== 2) return ['geometry', `expected [x, y], got ${shown(corner)}`];
    const fraction = { min: 0, max: 1 };
    const finding = judgeNumber(corner[0], fraction) ?? judgeNumber(corner[1], fraction);
    if (finding !== null) return finding;
  }
  return null;
}

/** Who may know the camera and see its pictures, and why. */
export class AccessDocument {
  /** `public` everybody, `agency` any signed-in agency, `restricted` its own authority and those it grants. */
  @Optional() @OneOf(ACCESS_LEVELS) level?: AccessLevel;
  /** What the pictures may be used for. */
  @Optional() @SomeOf(PURPOSES) purposes?: (typeof PURPOSES)[number][];
  /** Conditions of use, in words. */
  @Optional() @Text(1, 2_000) conditions?: string;
  /** Where access is asked for. */
  @Optional()
  @rule('requestUrl', { type: 'string', format: 'uri', maxLength: 2_048 }, judgeWebUrl)
  requestUrl?: string;
  /** Licence; absent: the authority's. @example "OGDL-Taiwan-1.0" */
  @Optional() @Text(1, 500) licence?: string;
  /** Line to show with the picture; absent: the authority's. */
  @Optional() @Text(1, 500) attribution?: string;
  /** What of the picture others see. Default `full`, for restricted cameras `withheld`. */
  @Optional() @OneOf(THUMBNAIL_LEVELS) thumbnails?: (typeof THUMBNAIL_LEVELS)[number];
  /** Widest picture that others see, pixels. Default 640. @example 640 */
  @Optional() @Whole({ min: 160, max: 20_000 }) publicMaxWidthPx?: number;
  /** Others see a picture this much later, seconds. Default 0. @example 0 */
  @Optional() @Whole({ min: 0, max: 604_800 }) publicDelayS?: number;
  /** How long pictures are kept, seconds; absent: no history. Over 259200 needs a legal basis. @example 86400 */
  @Optional() @Whole({ min: 0, max: 34_560_000 }) retentionS?: number;
  /** Whether people can be recognised. */
  @Optional() @OneOf(PERSONAL_DATA) personalData?: (typeof PERSONAL_DATA)[number];
  /** Legal basis of recording. */
  @Optional() @Text(1, 500) legalBasis?: string;
  /** Who answers for the personal data. */
  @Optional() @Text(1, 500) controller?: string;
  /** Where the public is told. */
  @Optional()
  @rule('noticeUrl', { type: 'string', format: 'uri', maxLength: 2_048 }, judgeWebUrl)
  noticeUrl?: string;
  /** Reference of the data protection impact assessment. */
  @Optional() @Text(1, 500) dpiaRef?: string;
  /** Parts that are painted over. */
  @Optional() @NestedList(() => PrivacyMaskDocument, 20) privacyMasks?: PrivacyMaskDocument[];
}

function judgeWebUrl(value: unknown): Finding {
  const isWeb =
    typeof value === 'string' && value.length <= 2_048 && /^https?:\/\//i.test(value) && URL.canParse(value);
  return isWeb ? null : ['format', `expected an http or https URL, got ${shown(value)}`];
}
