import { type ProvenanceDocument, type ServiceDocument, type ServiceKind } from '#catalog';
import { type Field, type FieldNumber, type Fields, folded, readNumber } from './fields.js';
import { headingOf } from './heading.js';
import { judgePlace } from './place.js';
import type { Draft, IntakeContext } from './row.js';
import { readUrl } from './service-url.js';

/** Puts the position of an agency's row on its draft, or says why there is none. */
export function addPlace(
  draft: Draft,
  lon: FieldNumber | null,
  lat: FieldNumber | null,
  { authority }: IntakeContext,
): void {
  const pointer = lon?.pointer ?? lat?.pointer;
  if (pointer !== undefined) draft.from('/location', pointer);
  if (pointer === undefined || lon === null || lat === null) return;
  const place = judgePlace([lon.value, lat.value], Math.max(lon.decimals, lat.decimals), authority.area);
  draft.note(pointer, place.findings);
  if (place.position === null) return;
  draft.stated.location = { type: 'Point', coordinates: [...place.position] };
  if (place.accuracyM !== undefined) draft.stated.positionAccuracyM = place.accuracyM;
}

/** Services at most in a document. */
const MAX_SERVICES = 8;

/** Puts a service on the draft for each URL from which pictures can come; `hintOf` is the kind that a field promises. */
export function addServices(
  draft: Draft,
  fields: readonly Field[],
  hintOf: (field: Field) => ServiceKind | null,
  { judgeTarget }: IntakeContext,
): void {
  const services: ServiceDocument[] = [];
  for (const field of fields) {
    if (services.length === MAX_SERVICES) break;
    const { pointer, value } = field;
    draft.from('/services', pointer);
    if (typeof value !== 'string') {
      draft.warn(pointer, 'bad_url', 'expected a URL as text');
      continue;
    }
    const { service, isKindGuessed, findings } = readUrl(value, hintOf(field), judgeTarget);
    draft.note(pointer, findings);
    if (service === null || services.some(({ url }) => url === service.url)) continue;
    const at = `/services/${services.length}`;
    draft.from(at, pointer);
    if (isKindGuessed) addProvenance(draft, { pointer: `${at}/kind`, source: 'assumed' });
    services.push(service);
  }
  draft.stated.services = services;
}

function addProvenance(draft: Draft, entry: ProvenanceDocument): void {
  draft.stated.provenance = [...(draft.stated.provenance ?? []), entry];
}

/**
 * Puts an azimuth on the draft where the field that the caller names (else one of `usual`) tells one: in words, or as a
 * plain number that the caller thereby declares to be a heading. A turning camera looks elsewhere by now.
 */
export function addHeading(
  draft: Draft,
  fields: Fields,
  { options = {} }: IntakeContext,
  usual: readonly string[] = [],
): void {
  const names = options.headingFrom === undefined ? usual : [folded(options.headingFrom)];
  const field = names.length === 0 ? null : fields.first(names);
  if (field === null || (draft.stated.mobility !== undefined && draft.stated.mobility !== 'fixed')) return;
  const number = options.headingFrom === undefined ? 'bad' : readNumber(field.value);
  if (typeof number === 'object') addAzimuth(draft, field, number.value);
  else if (typeof field.value === 'string') addWords(draft, field.pointer, field.value);
}

function addAzimuth(draft: Draft, { pointer }: Field, writtenDeg: number): void {
  if (writtenDeg < -180 || writtenDeg > 360) {
    draft.warn(pointer, 'range', 'expected a heading of -180 to 360 degrees', { value: String(writtenDeg) });
    return;
  }
  draft.from('/view', pointer);
  draft.stated.view = { azimuthDeg: (writtenDeg + 360) % 360 };
}

function addWords(draft: Draft, pointer: string, words: string): void {
  const heading = headingOf(words);
  if (heading === null) return;
  const { text, azimuthAccuracyDeg: accuracy, azimuthDeg } = heading;
  draft.from('/view', pointer);
  draft.stated.view = { azimuthDeg, azimuthAccuracyDeg: accuracy, source: 'name_text' };
  addProvenance(draft, { pointer: '/view/azimuthDeg', source: 'name_text', accuracy, text });
}
