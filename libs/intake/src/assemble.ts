import { cameraFaults, CameraRegistration, canonicalJson, check, type Fault } from '#catalog';
import type { RawRecord } from './records.js';
import type { Draft, IntakeContext, IntakeRow } from './row.js';
import { shownUrl } from './service-url.js';
import { doubtViews } from './view-doubts.js';

/** Fills in the draft of one record. */
export type MapRecord = (record: Readonly<Record<string, unknown>>, draft: Draft) => void;

/** Rows on one point that no mast explains: the point stands for a town or district. */
const STACK_ROWS = 10;

/** Uncertainty of such a point, metres, one sigma (domain.md section 5). */
const CENTROID_M = 5_000;

/** Maps every record, judges the rows together and each by itself. */
export function assemble(records: readonly RawRecord[], context: IntakeContext, map: MapRecord): IntakeRow[] {
  for (const { record, draft } of records) {
    if (record === null) continue;
    map(record, draft);
    complete(draft, context);
  }
  const drafts = records.map(({ draft }) => draft);
  markStacks(drafts);
  const checked = drafts.map((draft) => ({ draft, document: checkedDocument(draft) }));
  markSharedUrls(checked);
  doubtViews(checked);
  return withoutRepeats(checked);
}

/** What every camera of an import has, and what it must have, as the import calls it. */
function complete(draft: Draft, { authority, options = {} }: IntakeContext): void {
  const { stated } = draft;
  stated.authority ??= authority.slug;
  stated.services ??= [];
  const require = (member: string, isThere: boolean, code: 'missing_id' | 'missing_name', detail: string): void => {
    const at = draft.sourceOf(member);
    const isSaid = draft.problems.some(({ pointer, severity }) => pointer === at && severity === 'error');
    if (!isThere && !isSaid) draft.error(at, code, detail);
  };
  if (stated.authority !== authority.slug) {
    const detail = `this row belongs to another authority; rows of ${authority.slug} were expected`;
    draft.error(draft.sourceOf('/authority'), 'conflict', detail);
  }
  require('/localId', !isBlank(stated.localId), 'missing_id', "the row has no id of the agency's");
  require('/name', !isBlank(stated.name), 'missing_name', 'the row has no name');
  const hasPlaceFault = draft.problems.some(({ code }) => POSITION_FAULTS.has(code));
  if (isBlank(stated.location) && !hasPlaceFault) {
    draft.error(draft.sourceOf('/location'), 'no_position', 'the row has no position');
  }
  // Where it is no list, the check says so.
  const hasServices = !Array.isArray(stated.services) || stated.services.length > 0;
  if (hasServices || isWithoutService(stated.lifecycle)) return;
  if (options.lifecycle === 'suspended') stated.lifecycle = 'suspended';
  else draft.error(draft.sourceOf('/services'), 'missing_url', 'the row has no URL from which pictures come');
}

const isBlank = (value: unknown): boolean => value === undefined || value === null || value === '';

const POSITION_FAULTS: ReadonlySet<string> = new Set([
  'position_out_of_range',
  'zero_position',
  'lon_equals_lat',
  'lon_lat_swapped',
  'bad_number',
  'no_position',
]);

const isWithoutService = (lifecycle: string | undefined): boolean =>
  lifecycle === 'planned' || lifecycle === 'suspended' || lifecycle === 'retired';

/** The point as text; a document of ours is not checked yet, and may hold anything there. */
function pointOf({ stated }: Draft): string {
  const coordinates: unknown = stated.location?.coordinates;
  return Array.isArray(coordinates) ? coordinates.slice(0, 2).map(String).join() : '';
}

/** Ten or more cameras on one point are a geocoder's work, not a mast's. */
function markStacks(drafts: readonly Draft[]): void {
  const ids = new Map<string, Set<string>>();
  for (const draft of drafts) {
    const point = pointOf(draft);
    if (point === '') continue;
    const there = ids.get(point) ?? new Set();
    ids.set(point, there.add(String(draft.stated.localId ?? `#${draft.row}`)));
  }
  for (const draft of drafts) {
    const count = ids.get(pointOf(draft))?.size ?? 0;
    if (count < STACK_ROWS) continue;
    const detail = `${count} rows stand on this point`;
    draft.warn(draft.sourceOf('/location'), 'position_stack', detail, { value: pointOf(draft) });
    if (draft.isOwnForm) continue;
    draft.stated.positionSource = 'centroid';
    draft.stated.positionAccuracyM = Math.max(CENTROID_M, draft.stated.positionAccuracyM ?? 0);
  }
}

/** The document, or null with the faults on the draft. */
function checkedDocument(draft: Draft): CameraRegistration | null {
  if (draft.failed) return null;
  const checked = check(CameraRegistration, draft.stated);
  const faults = 'problems' in checked ? checked.problems : cameraFaults(checked.document);
  for (const fault of faults) {
    const at = draft.sourceOf(fault.pointer ?? '');
    // One field of the agency's may fill several members.
    if (!draft.problems.some(({ pointer, code }) => pointer === at && code === fault.code)) {
      draft.error(at, fault.code, discreet(fault));
    }
  }
  return 'document' in checked && faults.length === 0 ? checked.document : null;
}

/** A fault's words without what stood in a secret member. */
const discreet = ({ pointer = '', detail }: Fault): string =>
  /\/credentials(?:\/|$)/.test(pointer) ? detail.replace(/,? got .*$/s, '') : detail;

interface Checked {
  readonly draft: Draft;
  readonly document: CameraRegistration | null;
}

/** One URL under two ids is one camera twice, or a copying mistake. */
function markSharedUrls(rows: readonly Checked[]): void {
  const first = new Map<string, { readonly id: string; readonly row: number }>();
  for (const { draft, document } of rows) {
    if (document === null) continue;
    document.services.forEach(({ url }, i) => {
      const known = first.get(url);
      if (known === undefined) first.set(url, { id: document.localId, row: draft.row });
      else if (known.id !== document.localId) {
        const detail = `row ${known.row}, ${known.id}, has the same URL`;
        draft.warn(draft.sourceOf(`/services/${i}/url`), 'duplicate_url', detail, { value: shownUrl(url) });
      }
    });
  }
}

/** A row whose id stands before is skipped where it says the same and fails where it says something else. */
function withoutRepeats(rows: readonly Checked[]): IntakeRow[] {
  const first = new Map<string, { readonly row: number; readonly document: CameraRegistration }>();
  return rows.map(({ draft, document }) => {
    const { row, line, column, problems } = draft;
    const { localId } = document ?? draft.stated;
    const base = { row, line, column, localId: typeof localId === 'string' ? localId : null, problems };
    if (document === null) return { ...base, stated: null };
    const known = first.get(document.localId);
    if (known === undefined) {
      first.set(document.localId, { row, document });
      return { ...base, stated: document };
    }
    const at = draft.sourceOf('/localId');
    const value = document.localId.slice(0, 60);
    if (canonicalJson(known.document) === canonicalJson(document)) {
      draft.warn(at, 'duplicate_row', `row ${known.row} says the same`, { value });
      return { ...base, stated: document, duplicateOf: known.row };
    }
    draft.error(at, 'duplicate_id', `row ${known.row} has this id and says something else`, { value });
    return { ...base, stated: null };
  });
}
