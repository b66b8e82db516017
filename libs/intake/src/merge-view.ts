import { type CameraDocument, type ProvenanceDocument, VIEW_SOURCES, type ViewDocument } from '#catalog';
import { betterOf, isBetter } from './sources.js';

/** Members of a view that `view.source` speaks for. */
const POSE = [
  'azimuthDeg',
  'tiltDeg',
  'rollDeg',
  'hfovDeg',
  'vfovDeg',
  'focalMm',
  'sensorWidthMm',
  'nearM',
  'farM',
  'lens',
] as const satisfies readonly (keyof ViewDocument)[];
type PoseMember = (typeof POSE)[number];

/** Uncertainties that belong to one member and go with it. */
const ACCURACY: Partial<Record<PoseMember, 'azimuthAccuracyDeg' | 'tiltAccuracyDeg'>> = {
  azimuthDeg: 'azimuthAccuracyDeg',
  tiltDeg: 'tiltAccuracyDeg',
};

export interface MergedView {
  /** Entries that tell members of the row apart from a group with another source. */
  readonly provenance: readonly ProvenanceDocument[];
  /** Pointers of what the row said and the camera knows better. */
  readonly refused: readonly string[];
}

const pointerOf = (member: string): string => `/view/${member}`;

const entryOf = ({ provenance = [] }: Pick<CameraDocument, 'provenance'>, member: string): string | undefined =>
  provenance.find(({ pointer }) => pointer === pointerOf(member))?.source;

/** Sets `document.view` member by member: what the camera knows from a better source stays. */
export function mergeView(
  kept: Pick<CameraDocument, 'view' | 'provenance'>,
  row: Pick<CameraDocument, 'view' | 'provenance'>,
  document: { view?: ViewDocument },
  keptBetter: (pointer: string, value: unknown, source: string) => void,
): MergedView {
  if (row.view === undefined) return { provenance: [], refused: [] };
  const before: ViewDocument = kept.view ?? {};
  const said = row.view;
  const group = before.source ?? 'declared';
  const taken: PoseMember[] = [];
  const refused: PoseMember[] = [];
  for (const member of POSE) {
    if (said[member] === undefined) continue;
    // The better of the two: a person who surveys the view need not think of an older note about one member.
    const known = before[member] === undefined ? 'unknown' : betterOf(group, entryOf(kept, member) ?? group);
    const isKept = isBetter(known, entryOf(row, member) ?? said.source ?? 'declared');
    if (isKept && before[member] !== said[member]) keptBetter(pointerOf(member), said[member], known);
    (isKept ? refused : taken).push(member);
  }
  const view: Record<string, unknown> = { ...before, ...said };
  restore(view, before, said, taken, refused);
  const stays = POSE.some((member) => before[member] !== undefined && !taken.includes(member));
  const saidGroup = said.source ?? 'declared';
  const isMixed = stays && taken.length > 0 && saidGroup !== group;
  setOrDelete(view, 'source', stays || taken.length === 0 ? before.source : (said.source ?? sameOrNone(before)));
  document.view = view;
  return {
    provenance: isMixed ? taken.flatMap((member) => entryFor(row, said, member)) : [],
    refused: refused.map(pointerOf),
  };
}

/** Whose uncertainty, time and period go with whose pose. */
function restore(
  view: Record<string, unknown>,
  before: ViewDocument,
  said: ViewDocument,
  taken: readonly PoseMember[],
  refused: readonly PoseMember[],
): void {
  for (const member of refused) setOrDelete(view, member, before[member]);
  for (const [member, accuracy] of Object.entries(ACCURACY) as [PoseMember, keyof ViewDocument][]) {
    if (refused.includes(member)) setOrDelete(view, accuracy, before[accuracy]);
    else if (taken.includes(member) && before[member] !== said[member]) setOrDelete(view, accuracy, said[accuracy]);
  }
  if (taken.length > 0) return;
  for (const member of ['at', 'validFrom', 'validTo'] as const) setOrDelete(view, member, before[member]);
}

/** A source of the default kind may stand in words or not; it stays as it was. */
const sameOrNone = ({ source }: ViewDocument): string | undefined => (source === 'declared' ? source : undefined);

/** Notes the row's source for one member, unless the row does so itself. */
function entryFor(
  row: Pick<CameraDocument, 'provenance'>,
  said: ViewDocument,
  member: PoseMember,
): readonly ProvenanceDocument[] {
  if (entryOf(row, member) !== undefined) return [];
  return [{ pointer: pointerOf(member), source: said.source ?? VIEW_SOURCES[4] }];
}

function setOrDelete(view: Record<string, unknown>, member: string, value: unknown): void {
  if (value === undefined) delete view[member];
  else view[member] = value;
}
