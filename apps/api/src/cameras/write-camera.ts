import { v7 as uuidv7 } from 'uuid';
import type { EntityManager } from 'typeorm';
import { mayIn, type Principal, requireScopeIn, scope } from '#access';
import {
  AlreadyRegistered,
  type Authority,
  below,
  CAMERA_MADE,
  CameraRegistration,
  type Fault,
  Forbidden,
  isPlainObject,
  type KeptService,
  MalformedBody,
  mergePatch,
  NotFound,
  RequestInFlight,
  RetiredExists,
  SLUG,
  ValidationFailed,
} from '#catalog';
import {
  Authorities,
  CameraFinder,
  type CameraRecord,
  Cameras,
  type FoundCamera,
  type KeptCamera,
  WriteOrder,
} from '#storage';
import { checked } from '../checked.js';
import { requireMatch } from '../conditional.js';
import type { ApiParts } from '../parts.js';
import { carriesCredentials, isAdministratorOf, lifecycleFaults, requireMayOpen } from './camera-rules.js';
import { composeRecord } from './compose-record.js';
import type { ViewKeeper } from './view-keeper.js';

/** One write of one caller, inside the transaction that it belongs to. */
export interface Write {
  readonly tx: EntityManager;
  readonly by: Principal;
  readonly parts: ApiParts;
  readonly keeper: ViewKeeper;
  /** Begins every link of the answer. */
  readonly baseUrl: string;
  /** Unix time, milliseconds. */
  readonly now: number;
}

/** Members that only the server writes; a name that a later release adds is refused as unknown until then. */
const MADE: ReadonlySet<string> = new Set(CAMERA_MADE);

/** Registers a camera. @throws AlreadyRegistered, RetiredExists with the address of the one there is */
export async function registerCamera(body: unknown, write: Write): Promise<FoundCamera> {
  const { tx, by, keeper } = write;
  refuseMade(body);
  const stated = checked(CameraRegistration, body);
  requireScopeIn(by, 'cameras:write', stated.authority);
  await new WriteOrder(tx).besideOthers([stated.authority]);
  const authority = await holdAuthority(stated.authority, tx);
  const existing = await new Cameras(tx).findLocal(stated.authority, stated.localId);
  if (existing !== null) throw existsAlready(existing, stated.localId);
  const record = compose(stated, { id: uuidv7({ msecs: write.now }), authority, kept: [], before: null, write });
  await new Cameras(tx).add([record]);
  await keeper.keep([record], tx);
  return read(record.id, write);
}

function existsAlready({ id, lifecycle }: { id: string; lifecycle: string }, localId: string): Error {
  const at = `/v1/cameras/${id}`;
  return lifecycle === 'retired'
    ? new RetiredExists(`this authority had a camera ${JSON.stringify(localId)}, which is retired`, at)
    : new AlreadyRegistered(`this authority has a camera ${JSON.stringify(localId)} already`, at);
}

/**
 * Replaces what the agency states (PUT). A GET body may be sent back: what the server made is ignored, but another id,
 * uid or version is refused.
 */
export async function replaceCamera(
  id: string,
  body: unknown,
  ifMatch: string | undefined,
  write: Write,
): Promise<FoundCamera> {
  const kept = await lockForWriting(id, ifMatch, write, authorityIn(body));
  const stated = checked(CameraRegistration, withoutMade(body, { id, uid: kept.document.uid, version: kept.version }));
  return change(kept, stated, write);
}

/** Applies a merge patch (RFC 7396) and judges the whole as a PUT. */
export async function patchCamera(
  id: string,
  patch: unknown,
  ifMatch: string | undefined,
  write: Write,
): Promise<FoundCamera> {
  if (!isPlainObject(patch)) throw new MalformedBody('a merge patch of a camera is a JSON object');
  refuseMade(patch);
  const kept = await lockForWriting(id, ifMatch, write, authorityIn(patch));
  const { uid: _uid, missing: _missing, ...current } = kept.document;
  return change(kept, checked(CameraRegistration, mergePatch(current, patch)), write);
}

/** Retires a camera: no more probed nor listed, its credentials destroyed, its localId taken for good. */
export async function retireCamera(id: string, ifMatch: string | undefined, write: Write): Promise<void> {
  const kept = await lockForWriting(id, ifMatch, write);
  if (kept.lifecycle === 'retired') return;
  const { uid: _uid, missing: _missing, ...current } = kept.document;
  await change(kept, { ...(current as CameraRegistration), lifecycle: 'retired' }, write);
}

/** The authority to which a body moves its camera, where it names one; it is not judged yet. */
const authorityIn = (body: unknown): readonly string[] =>
  isPlainObject(body) && typeof body.authority === 'string' && SLUG.test(body.authority) ? [body.authority] : [];

/**
 * The camera, locked, if the caller may change it.
 * @param movesTo authorities besides its own whose writers have to know of it
 * @throws NotFound, Forbidden, PreconditionRequired, VersionMismatch, RequestInFlight
 */
async function lockForWriting(
  id: string,
  ifMatch: string | undefined,
  write: Write,
  movesTo: readonly string[] = [],
): Promise<KeptCamera> {
  const { tx } = write;
  const authority = await authorityToWriteIn(id, write);
  // Here others are waited for, and not at the row: by then this transaction would have its number (reliability.md REL-5).
  await new WriteOrder(tx).besideOthers([authority, ...movesTo], id);
  const [kept] = await new Cameras(tx).lock([id]);
  if (kept === undefined) throw new NotFound(`no camera has the id ${id}`);
  if (kept.authority !== authority) throw new RequestInFlight('the camera was just moved to another authority');
  requireMatch(ifMatch, kept.version);
  return kept;
}

/** Whoever writes in an authority changes its cameras, whether he reads them or not, as he registers and imports them. */
async function authorityToWriteIn(id: string, { tx, by, baseUrl }: Write): Promise<string> {
  const standing = await new Cameras(tx).standing(id);
  if (standing !== null && mayIn(by, 'cameras:write', standing.authority)) return standing.authority;
  // What the caller may not know is not found, whatever else is wrong (AUTHZ-5).
  const { authority } = await new CameraFinder(tx).get(id, scope(by), baseUrl);
  requireScopeIn(by, 'cameras:write', authority);
  return authority;
}

async function change(kept: KeptCamera, stated: CameraRegistration, write: Write): Promise<FoundCamera> {
  const { by, tx, keeper } = write;
  const faults = lifecycleFaults(kept.lifecycle, stated.lifecycle ?? 'active');
  if (faults.length > 0) throw new ValidationFailed(faults);
  if (kept.lifecycle === 'retired' && stated.lifecycle !== 'retired' && !isAdministratorOf(by, kept.authority)) {
    throw new Forbidden(`only an administrator of ${kept.authority} revives a retired camera`, kept.authority);
  }
  const moves = stated.authority !== kept.authority;
  if (moves) requireScopeIn(by, 'cameras:write', stated.authority);
  const authority = await holdAuthority(stated.authority, tx);
  const clashes =
    moves || stated.localId !== kept.localId ? await new Cameras(tx).findLocal(stated.authority, stated.localId) : null;
  if (clashes !== null) throw existsAlready(clashes, stated.localId);
  const fingerprints = await new Cameras(tx).fingerprints([kept.id]);
  const record = compose(stated, {
    id: kept.id,
    authority,
    // Credentials do not move to another agency.
    kept: moves ? [] : kept.services,
    before: moves ? null : kept.document,
    fingerprintOf: (slot) => (moves ? undefined : fingerprints.get(`${kept.id}/${slot}`)),
    write,
  });
  requireMayOpen(kept.document, record.document, (slug) => isAdministratorOf(by, slug));
  if (!isUnchanged(kept, record)) {
    await new Cameras(tx).replace([record]);
    await keeper.keep([record], tx);
  }
  return read(kept.id, write);
}

/** Equal in all that the agency states, and no credentials sent: no new version, nothing dialled anew. */
const isUnchanged = (kept: KeptCamera, record: CameraRecord): boolean =>
  record.secrets.length === 0 && kept.contentHash.equals(record.contentHash);

interface ToCompose {
  readonly id: string;
  readonly authority: Authority;
  readonly kept: readonly KeptService[];
  readonly before: KeptCamera['document'] | null;
  readonly fingerprintOf?: (slot: number) => string | undefined;
  readonly write: Write;
}

function compose(stated: CameraRegistration, { write, ...composition }: ToCompose): CameraRecord {
  const { by, parts, now } = write;
  if (carriesCredentials(stated)) requireScopeIn(by, 'credentials:write', stated.authority);
  return composeRecord(stated, {
    ...composition,
    keyring: parts.keyring,
    at: new Date(now).toISOString(),
    loopbackCameras: parts.settings.loopbackCameras,
  });
}

/** The authority that a document names, kept as it is until the transaction ends. @throws ValidationFailed */
async function holdAuthority(slug: string, tx: EntityManager): Promise<Authority> {
  try {
    return await new Authorities(tx).hold(slug);
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
    throw new ValidationFailed([
      { pointer: '/authority', code: 'reference', detail: `no authority has the slug ${slug}` },
    ]);
  }
}

/** The camera as its writer may read it: who writes there and may not know it learns that it was written, and nothing of it. */
async function read(id: string, { tx, by, baseUrl }: Write): Promise<FoundCamera> {
  const found = await new CameraFinder(tx).find(id, scope(by), baseUrl);
  if (found !== null) return found;
  const standing = await new Cameras(tx).standing(id);
  if (standing === null) throw new Error('bug: a camera that was written is not there');
  return { id, ...standing, json: JSON.stringify({ id, version: standing.version }) };
}

const readOnly = (member: string, detail: string): Fault => ({
  pointer: below('', member),
  code: 'read_only',
  detail,
});

function refuseMade(body: unknown): void {
  const made = isPlainObject(body) ? Object.keys(body).filter((member) => MADE.has(member)) : [];
  if (made.length > 0)
    throw new ValidationFailed(made.map((member) => readOnly(member, 'the server makes this member')));
}

type Identity = Readonly<Record<'id' | 'uid' | 'version', unknown>>;

function withoutMade(body: unknown, identity: Identity): unknown {
  if (!isPlainObject(body)) return body;
  const faults = (['id', 'uid', 'version'] as const)
    .filter((member) => body[member] !== undefined && body[member] !== null && body[member] !== identity[member])
    .map((member) => readOnly(member, `this document has ${JSON.stringify(identity[member])}`));
  if (faults.length > 0) throw new ValidationFailed(faults);
  return Object.fromEntries(Object.entries(body).filter(([member]) => !MADE.has(member)));
}
