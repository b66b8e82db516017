import {
  below,
  CAMERA_MADE,
  type CameraRegistration,
  isPlainObject,
  type ServiceDocument,
  withoutUserinfo,
} from '#catalog';
import { cleaned } from './fields.js';
import type { Draft, IntakeContext } from './row.js';
import { shownUrl } from './service-url.js';

/** Members of an answer that an import passes over: the server makes them anew. */
const PASSED_OVER: ReadonlySet<string> = new Set(CAMERA_MADE);

/** Whether an object is a camera document of ours: an answer, or a registration. */
export const isOwnForm = (value: Readonly<Record<string, unknown>>): boolean =>
  typeof value['localId'] === 'string' && (Array.isArray(value['services']) || typeof value['uid'] === 'string');

/** Takes over a camera document, as registrations state it or as the API answers it. Nothing in it is inferred. */
export function mapOwnForm(record: Readonly<Record<string, unknown>>, draft: Draft, context: IntakeContext): void {
  draft.isOwnForm = true;
  const kept = Object.entries(record).filter(([member]) => !PASSED_OVER.has(member));
  const stated = Object.fromEntries(kept) as Partial<CameraRegistration>;
  draft.stated = stated;
  for (const member of ['localId', 'name'] as const) {
    const text: unknown = stated[member];
    if (typeof text === 'string') stated[member] = cleaned(text, draft.sourceOf(`/${member}`), draft);
    // Digits are text in an id, whatever wrote the file.
    else if (typeof text === 'number' && member === 'localId') stated.localId = String(text);
  }
  if (!Array.isArray(stated.services)) return;
  stated.services = (stated.services as unknown[]).flatMap((service, i) => {
    if (!isPlainObject(service)) return [service as ServiceDocument];
    return ownService(service, draft.sourceOf(below('/services', i)), draft, context) ?? [];
  });
}

/** A service without the server's note that credentials are kept; null where a stranger's answer shows no address. */
function ownService(
  { credentials, ...service }: Readonly<Record<string, unknown>>,
  pointer: string,
  draft: Draft,
  { judgeTarget = () => null }: IntakeContext,
): ServiceDocument | null {
  if (service['url'] === undefined || service['url'] === null) return null;
  const sent = sentCredentials(credentials);
  const result = { ...service, ...(sent === null ? {} : { credentials: sent }) } as unknown as ServiceDocument;
  if (typeof result.url !== 'string' || !URL.canParse(result.url)) return result;
  const denial = judgeTarget(withoutUserinfo(result.url).url);
  const at = `${pointer}/url`;
  if (denial !== null) draft.error(at, 'target_not_allowed', denial, { value: shownUrl(result.url) });
  if (sent !== null) return result;
  const { url, credentials: inUrl } = withoutUserinfo(result.url);
  if (inUrl === null) return result;
  const detail = 'the user name in the URL was taken out, to be sealed';
  draft.warn(at, 'credentials_in_url', detail, { value: shownUrl(url) });
  return { ...result, url, credentials: { ...inUrl } };
}

function sentCredentials(credentials: unknown): Record<string, unknown> | null {
  if (!isPlainObject(credentials)) return null;
  const { set: _set, updatedAt: _updatedAt, ...sent } = credentials;
  return Object.keys(sent).length === 0 ? null : sent;
}
