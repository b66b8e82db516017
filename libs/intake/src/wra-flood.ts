import {
  type CameraRegistration,
  type DeclaredStatus,
  isPlainObject,
  type Mobility,
  type ObservedTargetDocument,
  type ProvenanceDocument,
} from '#catalog';
import { assemble } from './assemble.js';
import { Fields } from './fields.js';
import { addHeading, addPlace, addServices } from './mapping.js';
import { jsonRecords } from './records.js';
import type { Draft, IntakeContext, IntakeResult } from './row.js';

/** Folded keys, the agency's own first; releases differ in case and `_`. */
const KEYS = {
  id: ['cameraid'],
  name: ['cameraname'],
  station: ['videosurveillancestationname'],
  lon: ['longitude4326', 'longitude'],
  lat: ['latitude4326', 'latitude'],
  url: ['imageurl'],
  basin: ['basinname'],
  tributary: ['tributary'],
  riverCode: ['rivercode'],
  county: ['countiesandcitieswherethemonitoringpointsarelocated', 'county'],
  district: ['administrativedistrictwherethemonitoringpointislocated', 'district'],
  status: ['status'],
} as const;

const STATUSES: Readonly<Record<string, DeclaredStatus>> = {
  '0': 'disabled_or_works',
  '1': 'ok',
  '2': 'device_fault',
  '3': 'maintenance',
};

/** Profile `wra-flood`: flood cameras of the Water Resources Agency, Taiwan, as its open data portal publishes them. */
export function wraFlood(bytes: Uint8Array, context: IntakeContext): IntakeResult {
  const read = jsonRecords(bytes, listIn);
  return 'refused' in read
    ? read
    : {
        rows: assemble(read.records, context, (record, draft) => {
          map(record, draft, context);
        }),
      };
}

/** The list itself, or the only list in an object: releases differ. */
function listIn(root: unknown): readonly unknown[] | string {
  if (Array.isArray(root)) return root as unknown[];
  const lists = isPlainObject(root) ? Object.values(root).filter((value) => Array.isArray(value)) : [];
  return lists.length === 1 && lists[0] !== undefined ? (lists[0] as unknown[]) : 'expected a list of cameras';
}

function map(record: Readonly<Record<string, unknown>>, draft: Draft, context: IntakeContext): void {
  const fields = new Fields(record, draft);
  const text = (member: string, names: readonly string[]): string | undefined => fields.text(member, names);
  const name = text('/name', KEYS.name);
  const station = text('/properties', KEYS.station);
  const localId = text('/localId', KEYS.id);
  const basin = text('/basin', KEYS.basin);
  const tributary = text('/tributary', KEYS.tributary);
  const riverCode = text('/riverCode', KEYS.riverCode);
  const city = text('/address/city', KEYS.county);
  const district = text('/address/district', KEYS.district);
  const code = text('/declared', KEYS.status);
  draft.stated = present({
    localId,
    name,
    usage: ['flood', 'river'],
    address: present({ country: 'TW', city, district }),
    basin,
    tributary,
    riverCode,
    declared: code === undefined ? undefined : { status: STATUSES[code] ?? 'unknown', code },
    source: present({ system: 'wra-flood', recordId: localId }),
    ...byName(name ?? '', station),
    properties: station === undefined ? undefined : { [KEYS.station[0]]: station },
  });
  addPlace(draft, fields.number(KEYS.lon, 'error'), fields.number(KEYS.lat, 'error'), context);
  draft.from('/source/recordId', draft.sourceOf('/localId'));
  draft.from('/services', `/${KEYS.url[0]}`);
  addServices(draft, fields.all(KEYS.url), () => 'snapshot', context);
  addHeading(draft, fields, context, KEYS.name);
}

type ByName = Pick<CameraRegistration, 'mobility' | 'observedTargets' | 'provenance'>;

/** What the agency writes into names: 固 fixed, 旋 or 轉 turning; 上游, 下游 a side of the structure; 水尺 a gauge board. */
function byName(name: string, station: string | undefined): ByName {
  const mobility: Mobility | undefined = /[旋轉]/.test(name) ? 'ptz' : name.includes('固') ? 'fixed' : undefined;
  const side: ObservedTargetDocument['side'] = name.includes('上游')
    ? 'upstream'
    : name.includes('下游')
      ? 'downstream'
      : undefined;
  const targets: ObservedTargetDocument[] = [
    ...(side === undefined ? [] : [present<ObservedTargetDocument>({ kind: 'river_reach', name: station, side })]),
    ...(name.includes('水尺') ? [present<ObservedTargetDocument>({ kind: 'gauge_board', name: station })] : []),
  ];
  const provenance: ProvenanceDocument[] = [
    ...(mobility === undefined ? [] : [{ pointer: '/mobility', source: 'name_text', text: name }]),
    ...(targets.length === 0 ? [] : [{ pointer: '/observedTargets', source: 'name_text', text: name }]),
  ];
  return {
    ...(mobility === undefined ? {} : { mobility }),
    ...(targets.length === 0 ? {} : { observedTargets: targets }),
    ...(provenance.length === 0 ? {} : { provenance }),
  };
}

/** The object without members that are unknown. */
const present = <T extends object>(members: T): T =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T;
