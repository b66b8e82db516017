import {
  below,
  CAMERA_MADE,
  type CameraDocument,
  type CameraRegistration,
  canonicalJson,
  isPlainObject,
  type KnownService,
  mergePatch,
  type ProvenanceDocument,
  type ServiceDocument,
  shown,
} from '#catalog';
import type { RowProblem } from './row.js';
import { isSameUrl } from './same-url.js';
import { mergeView } from './merge-view.js';
import { isBetter, sourceOfAttribute } from './sources.js';

/** A camera as it is kept. */
export type KeptDocument = CameraDocument & { readonly services: readonly (KnownService | ServiceDocument)[] };

export interface Merged {
  /** The whole camera after the row, without members that the server makes. Not checked again: see {@link mergeStated}. */
  readonly document: CameraRegistration;
  /** What the row said and a better source knows otherwise: `kept_better`, with pointers into the document. */
  readonly warnings: readonly RowProblem[];
}

/**
 * What an existing camera becomes by a row of an import. Members that the row does not carry stay; objects merge, lists
 * are replaced (RFC 7396), but provenance and services go by pointer and URL; a row without services leaves them and the
 * lifecycle as they are. An attribute from a better source is never overwritten by a worse one (domain.md section 5).
 * Run `cameraFaults` on the result: the row and the camera may be right and contradict each other (a preset that is gone).
 */
export function mergeStated(kept: KeptDocument, stated: CameraRegistration): Merged {
  const made: ReadonlySet<string> = new Set(CAMERA_MADE);
  const before = plain(
    Object.fromEntries(Object.entries(kept).filter(([member]) => !made.has(member))),
  ) as KeptDocument;
  const row = plain(stated) as CameraRegistration;
  const document = mergePatch(before, row) as CameraRegistration;
  const warnings: RowProblem[] = [];
  const keptBetter = (pointer: string, value: unknown, source: string): void => {
    const detail = `the camera knows this by ${source}, which is better than the row's source`;
    warnings.push({ pointer, code: 'kept_better', severity: 'warning', value: shown(value), detail });
  };
  // The agency's own members are one value; nulls in them mean something.
  if (row.properties !== undefined) document.properties = row.properties;
  mergeServices(before, row, document);
  mergePosition(before, row, document, keptBetter);
  const taken = mergeView(before, row, document, keptBetter);
  const refused = keepAttributes(before, row, document, keptBetter);
  mergeProvenance(before, row, document, [...taken.provenance], new Set([...taken.refused, ...refused]));
  return { document, warnings };
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

type KeptBetter = (pointer: string, value: unknown, source: string) => void;

/** A service of the row takes over what the kept one with its URL, else of its kind and origin, knows besides. */
function mergeServices(kept: KeptDocument, row: CameraRegistration, document: CameraRegistration): void {
  if (row.services.length === 0) {
    document.services = kept.services as ServiceDocument[];
    if (kept.services.length > 0 && kept.lifecycle !== undefined) document.lifecycle = kept.lifecycle;
    return;
  }
  const free = new Set(kept.services);
  const guessed = new Set(
    (row.provenance ?? []).flatMap(({ pointer, source }) => (source === 'assumed' ? [pointer] : [])),
  );
  document.services = row.services.map((service, i) => {
    const same =
      [...free].find(({ url = '' }) => isSameUrl(url, service.url)) ??
      [...free].find(({ kind, url = '' }) => kind === service.kind && isSameOrigin(url, service.url));
    if (same === undefined) return service;
    free.delete(same);
    // A probe or a person has found out what the row only guesses.
    const isKindKnown = guessed.has(`${below('/services', i)}/kind`) && isSameUrl(same.url ?? '', service.url);
    return { ...same, ...service, ...(isKindKnown ? { kind: same.kind } : {}) };
  });
}

const isSameOrigin = (a: string, b: string): boolean =>
  URL.canParse(a) &&
  URL.canParse(b) &&
  new URL(a).host === new URL(b).host &&
  new URL(a).protocol === new URL(b).protocol;

function mergePosition(
  kept: KeptDocument,
  row: CameraRegistration,
  document: CameraRegistration,
  keptBetter: KeptBetter,
): void {
  const source = row.positionSource ?? 'declared';
  const known = kept.positionSource ?? 'declared';
  const isMoved = canonicalJson(row.location) !== canonicalJson(kept.location);
  if (isBetter(known, source)) {
    if (isMoved) keptBetter('/location', row.location.coordinates, known);
    document.location = kept.location;
    setOrDelete(document, 'positionSource', kept.positionSource);
    setOrDelete(document, 'positionAccuracyM', kept.positionAccuracyM);
    return;
  }
  if (source !== known) document.positionSource = source;
  // The accuracy belonged to the other position.
  if (isMoved || source !== known) setOrDelete(document, 'positionAccuracyM', row.positionAccuracyM);
}

function setOrDelete<Name extends keyof CameraRegistration>(
  document: CameraRegistration,
  name: Name,
  value: CameraRegistration[Name],
): void {
  if (value === undefined) delete document[name];
  else document[name] = value;
}

/** Pointers whose groups are merged above. */
const isInGroup = (pointer: string): boolean =>
  /^\/(?:view|location|positionSource|positionAccuracyM|services|provenance)(?:\/|$)/.test(pointer);

/** The value that the registry fills in itself, and that nobody need have stated. */
const FILLED_IN: Readonly<Record<string, unknown>> = { '/mobility': 'fixed' };

/** Puts back single attributes of which the camera knows a better source; returns their pointers. */
function keepAttributes(
  kept: KeptDocument,
  row: CameraRegistration,
  document: CameraRegistration,
  keptBetter: KeptBetter,
): string[] {
  const pointers = [...(kept.provenance ?? []), ...(row.provenance ?? [])].map(({ pointer }) => pointer);
  return [...new Set(pointers)].filter((pointer) => {
    const [own, said] = [valueAt(kept, pointer), valueAt(row, pointer)];
    const isFilledIn = own === FILLED_IN[pointer] && !kept.provenance?.some((entry) => entry.pointer === pointer);
    if (isInGroup(pointer) || own === undefined || said === undefined || isFilledIn) return false;
    const known = sourceOfAttribute(kept, pointer);
    if (!isBetter(known, sourceOfAttribute(row, pointer))) return false;
    if (canonicalJson(own) !== canonicalJson(said)) keptBetter(pointer, said, known);
    setAt(document, pointer, own);
    return true;
  });
}

/** Entries at most in a document. */
const MAX_PROVENANCE = 32;

/** Provenance by pointer: the row's where its value was taken, the camera's where its value is still there. */
function mergeProvenance(
  kept: KeptDocument,
  row: CameraRegistration,
  document: CameraRegistration,
  added: readonly ProvenanceDocument[],
  refused: ReadonlySet<string>,
): void {
  const said = [...(row.provenance ?? []), ...added].filter(({ pointer }) => !refused.has(pointer));
  const news = new Map(said.map((entry) => [entry.pointer, entry]));
  const entries: ProvenanceDocument[] = [];
  for (const entry of kept.provenance ?? []) {
    const { pointer } = entry;
    const newer = news.get(pointer);
    news.delete(pointer);
    const isStill = canonicalJson(valueAt(document, pointer)) === canonicalJson(valueAt(kept, pointer));
    if (newer !== undefined) entries.push(newer);
    else if (isStill) entries.push(entry);
  }
  entries.push(...news.values());
  // None is written as it was: no list, or an empty one.
  const none = kept.provenance?.length === 0 ? [] : undefined;
  setOrDelete(document, 'provenance', entries.length === 0 ? none : entries.slice(0, MAX_PROVENANCE));
}

const stepsOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));

/** What stands at an RFC 6901 pointer. */
function valueAt(document: unknown, pointer: string): unknown {
  return stepsOf(pointer).reduce<unknown>((value, step) => {
    if (Array.isArray(value)) return (value as unknown[])[Number(step)];
    return isPlainObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  }, document);
}

/** Puts a value where one stands already. */
function setAt(document: unknown, pointer: string, value: unknown): void {
  const steps = stepsOf(pointer);
  const last = steps.pop() ?? '';
  const parent = valueAt(document, steps.map((step) => below('', step)).join(''));
  if (Array.isArray(parent)) (parent as unknown[])[Number(last)] = value;
  else if (isPlainObject(parent)) parent[last] = value;
}
