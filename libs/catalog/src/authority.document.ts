import { ACCESS_LEVELS, AUTHORITY_KINDS, CONTACT_ROLES, KEEP_IMAGES, SLUG, type AccessLevel } from './codes.js';
import { AreaDocument } from './geometry.document.js';
import { Shown } from './member-schema.js';
import { judgeCidr, judgePort } from './network.js';
import { Form, Names, Nested, NestedList, OneOf, Optional, rule, Switch, Text, Whole, judgeList } from './rules.js';
import { type Fault, shown } from './problems.js';

const SLUG_FORM = 'lower case letters, digits and inner hyphens, at most 64';

/** A code of the authority in somebody's scheme, such as `tdx`/`NFB`. */
export class AuthorityCodeDocument {
  /** Scheme the code belongs to. @example "tdx" */
  @Text(1, 40) scheme!: string;
  /** The code. @example "NFB" */
  @Text(1, 200) value!: string;
}

/** Whom to ask. Telephone and mail are shown to signed-in callers only. */
export class ContactDocument {
  /** What the contact is for. */
  @OneOf(CONTACT_ROLES) role!: (typeof CONTACT_ROLES)[number];
  /** Name of the person or desk. @example "Flood duty desk" */
  @Optional() @Text(1, 200) name?: string;
  /** Telephone number. @example "+886 6 000 0000" */
  @Optional() @Text(1, 60) phone?: string;
  /** Mail address. @example "duty@example.org" */
  @Optional() @Form(/^[^\s@]{1,64}@[^\s@]{1,190}$/, 'a mail address') email?: string;
  /** When somebody answers. @example "24 h" */
  @Optional() @Text(1, 200) hours?: string;
}

/** Which addresses this authority's cameras may have. Only a platform administrator sets it. */
export class NetworkDocument {
  /** Networks as CIDR, or the word `public` for every public address. Empty: no camera is dialled. @example ["10.1.0.0/16"] */
  @rule('cidrs', { type: 'array', items: { type: 'string' }, maxItems: 64, uniqueItems: true }, (value) =>
    judgeList(value, 64, judgeCidr),
  )
  cidrs!: string[];

  /** Ports that may be dialled; absent: 80, 443, 554, 8000, 8080, 8081, 8443, 8554. @example [80, 8080] */
  @Optional()
  @rule(
    'ports',
    { type: 'array', items: { type: 'integer', minimum: 1, maximum: 65_535 }, maxItems: 1024, uniqueItems: true },
    (value) => judgeList(value, 1024, judgePort),
  )
  ports?: number[];
}

/** How often cameras are asked. */
export class ProbingDocument {
  /** Seconds between two probes of a camera. Default 60. */
  @Optional() @Whole({ min: 5, max: 86_400 }) intervalS?: number;
  /** Nothing fetches a camera oftener than this, seconds. Default 10. */
  @Optional() @Whole({ min: 5, max: 86_400 }) minIntervalS?: number;
}

/** What a camera gets that does not say. */
export class DefaultsDocument {
  /** Access level of a camera that states none. Default `public`. */
  @Optional() @OneOf(ACCESS_LEVELS) access?: AccessLevel;
  /** IANA time zone for times without one. @example "Asia/Taipei" */
  @Optional()
  @rule('timeZone', { type: 'string' }, (value) =>
    typeof value === 'string' && isTimeZone(value)
      ? null
      : ['format', `expected an IANA time zone such as Asia/Taipei, got ${shown(value)}`],
  )
  timeZone?: string;
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone.length > 0;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Under which terms cameras and pictures may be used. */
export class TermsDocument {
  /** Licence of the data. @example "OGDL-Taiwan-1.0" */
  @Optional() @Text(1, 500) licence?: string;
  /** Line to show with the data. */
  @Optional() @Text(1, 500) attribution?: string;
  /** Which pictures may be kept. Default `latest`. */
  @Optional() @OneOf(KEEP_IMAGES) keepImages?: (typeof KEEP_IMAGES)[number];
  /** Pictures go to others only under a contract. Default false. */
  @Optional() @Switch() imagesNeedContract?: boolean;
}

/** What an authority states about itself: the agency, public or private, that answers for cameras. */
export class AuthorityDocument {
  /** Short name in addresses; never reused. @example "tainan-wrb" */
  @Form(SLUG, SLUG_FORM) slug!: string;
  /** Name of the agency. @example "Tainan Water Resources Bureau" */
  @Text(1, 200) name!: string;
  /** Name by language. @example {"zh-Hant": "臺南市政府水利局"} */
  @Optional() @Names() names?: Record<string, string>;
  /** Public body or private owner. Default `public`. */
  @Optional() @OneOf(AUTHORITY_KINDS) kind?: (typeof AUTHORITY_KINDS)[number];
  /** Slug of the authority above. @example "tainan-city" */
  @Optional() @Form(SLUG, SLUG_FORM) parent?: string;
  /** Codes in other systems. */
  @Optional() @NestedList(() => AuthorityCodeDocument, 16) codes?: AuthorityCodeDocument[];
  /** Whom to ask. */
  @Optional() @NestedList(() => ContactDocument, 16) contacts?: ContactDocument[];
  @Optional() @Nested(() => NetworkDocument) network?: NetworkDocument;
  @Optional() @Nested(() => ProbingDocument) probing?: ProbingDocument;
  @Optional() @Nested(() => DefaultsDocument) defaults?: DefaultsDocument;
  /** No camera of this authority is more open than this. Default `public`. */
  @Optional() @OneOf(ACCESS_LEVELS) accessFloor?: AccessLevel;
  /** Where the authority's cameras stand; imports warn outside it. */
  @Optional() @Nested(() => AreaDocument) area?: AreaDocument;
  @Optional() @Nested(() => TermsDocument) terms?: TermsDocument;
  /** Basic authentication may go over plain http. Only a platform administrator sets it. Default false. */
  @Optional() @Switch() allowBasicPlaintext?: boolean;
}

/** An authority as the registry answers it. */
export class Authority extends AuthorityDocument {
  /** Grows by one with each change. */
  @Shown({ type: 'integer', minimum: 1 }) version!: number;
  /** When the authority was registered, RFC 3339 UTC. */
  @Shown({ type: 'string', format: 'date-time' }) createdAt!: string;
  /** When it last changed, RFC 3339 UTC. */
  @Shown({ type: 'string', format: 'date-time' }) updatedAt!: string;
  /** Whether an operations or duty officer contact is known. */
  @Shown({ type: 'boolean' }) contactable!: boolean;
}

/** Seconds between two probes where the authority states none, and the least it may be. */
export const DEFAULT_PROBING = { intervalS: 60, minIntervalS: 10 } as const;

/** Members that only a platform administrator sets. */
export const PLATFORM_MEMBERS = ['network', 'allowBasicPlaintext'] as const;

/** How often an authority's cameras are asked, with what it leaves unsaid filled in. */
export function probingOf({ probing = {} }: Pick<AuthorityDocument, 'probing'>): Required<ProbingDocument> {
  const intervalS = probing.intervalS ?? DEFAULT_PROBING.intervalS;
  return { intervalS, minIntervalS: probing.minIntervalS ?? Math.min(DEFAULT_PROBING.minIntervalS, intervalS) };
}

/** Faults between members of an authority. */
export function authorityFaults(document: AuthorityDocument): readonly Fault[] {
  const faults: Fault[] = [];
  const { intervalS, minIntervalS } = probingOf(document);
  if (minIntervalS > intervalS) {
    const detail = `minIntervalS ${minIntervalS} is above intervalS ${intervalS}`;
    faults.push({ pointer: '/probing/minIntervalS', code: 'conflict', detail });
  }
  if (document.parent === document.slug) {
    faults.push({ pointer: '/parent', code: 'reference', detail: 'an authority is not its own parent' });
  }
  return faults;
}

/** Whether somebody is named who can be rung: an operations desk or a duty officer. */
export function isContactable({ contacts = [] }: Pick<AuthorityDocument, 'contacts'>): boolean {
  return contacts.some(({ role }) => role === 'operations' || role === 'duty_officer');
}
