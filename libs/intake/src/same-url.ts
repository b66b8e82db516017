import { CAMERA_MADE, type CameraDocument, canonicalJson, type KnownService, type ServiceDocument } from '#catalog';
import { withoutParameters } from './service-url.js';

/**
 * Parameters that an agency's publisher makes anew each time: the Water Resources Agency writes each camera's number
 * encrypted afresh (`CCTV_SN=0x…`, 70 bytes), some pages add a `randhash`.
 */
function isSerial(name: string, value: string): boolean {
  return name === 'randhash' || (name === 'cctv_sn' && /^0x[0-9a-f]{16,}$/i.test(value));
}

/**
 * Whether two URLs **of one camera** are equal but for what changes by itself at each publication. Never between cameras:
 * all of the Water Resources Agency's differ in their serial alone.
 */
export const isSameUrl = (a: string, b: string): boolean =>
  a === b || withoutParameters(a, isSerial) === withoutParameters(b, isSerial);

type Comparable = Omit<CameraDocument, never> & { readonly services: readonly (ServiceDocument | KnownService)[] };

/**
 * Whether two documents of one camera are equal but for serials in their URLs and the times at which the source spoke:
 * an import takes the new ones over and still counts `unchanged`. Credentials are compared by their fingerprints
 * (security.md CRED-8) and not here; members that the server makes do not count.
 */
export const sameButSerial = (a: Comparable, b: Comparable): boolean => lasting(a) === lasting(b);

function lasting(document: Comparable): string {
  const { services, source, declared, ...rest } = document;
  const made: ReadonlySet<string> = new Set(CAMERA_MADE);
  return canonicalJson({
    ...Object.fromEntries(Object.entries(rest).filter(([member]) => !made.has(member))),
    services: services.map(({ credentials: _secret, url = '', ...service }) => ({
      ...service,
      url: withoutParameters(url, isSerial),
    })),
    source: source === undefined ? undefined : { system: source.system, recordId: source.recordId },
    declared: declared === undefined ? undefined : { status: declared.status, code: declared.code },
  });
}
