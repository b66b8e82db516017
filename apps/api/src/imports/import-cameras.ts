import type { EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { type Principal, requireScopeIn } from '#access';
import {
  type Actor,
  type Authority,
  type CameraRegistration,
  type Fault,
  type ImportProblem,
  type ImportReport,
  type ImportRow,
  MalformedBody,
  Refusal,
  RequestInFlight,
  type RowAction,
} from '#catalog';
import { type IntakeContext, type IntakeRow, mergeStated, type Profile, sameButSerial } from '#intake';
import { Audit, Authorities, type CameraRecord, Cameras, type KeptCamera, transactAs, WriteOrder } from '#storage';
import { isAdministratorOf, policyOf, requireMayOpen } from '../cameras/camera-rules.js';
import { composeRecord } from '../cameras/compose-record.js';
import type { ViewKeeper } from '../cameras/view-keeper.js';
import type { ApiParts } from '../parts.js';
import { readAside } from './read-file.js';

/** What is asked of an import. */
export interface ImportOrder {
  readonly profile: Profile;
  readonly authority: string;
  readonly dryRun: boolean;
  /** `create`: a camera that is there already fails its row. */
  readonly mode: 'upsert' | 'create';
  readonly options: NonNullable<IntakeContext['options']>;
  /** On whose behalf the cameras are written. */
  readonly actor: Actor;
}

/** Rows of one transaction: short, so that nobody waits for it (reliability.md REL-5). */
const BATCH_ROWS = 500;

/**
 * Takes a file of cameras. A bad row fails alone; a row that says what is known already changes nothing. Killed and run again it ends the
 * same, since authority and localId are the key.
 * @throws MalformedBody for a file of which no row can be read
 */
export async function importCameras(
  bytes: Buffer,
  order: ImportOrder,
  by: Principal,
  parts: ApiParts,
  keeper: ViewKeeper,
): Promise<ImportReport> {
  const authority = await new Authorities(parts.db).get(order.authority);
  requireScopeIn(by, 'cameras:write', authority.slug);
  const { slug, area, defaults } = authority;
  const result = await readAside({
    profile: order.profile,
    bytes,
    context: {
      authority: { slug, ...(area === undefined ? {} : { area }), ...(defaults === undefined ? {} : { defaults }) },
      now: Date.now(),
      options: order.options,
    },
    policy: policyOf(authority, parts.settings.loopbackCameras),
  });
  if ('refused' in result) throw new MalformedBody(`${result.refused.code}: ${result.refused.detail}`);
  const rows: ImportRow[] = [];
  for (let at = 0; at < result.rows.length; at += BATCH_ROWS) {
    const batch = result.rows.slice(at, at + BATCH_ROWS);
    rows.push(...(await importBatch(batch, order, by, parts, keeper)));
    // Long files leave room for other requests.
    await new Promise(setImmediate);
  }
  const { profile, dryRun } = order;
  const report = { id: uuidv7(), profile, dryRun, ...summaryOf(rows), rows };
  await transactAs(parts.db, order.actor, (tx) => noteImport(report, order, tx));
  return report;
}

/** The import itself, beside what it changed, which each batch noted. One that is killed on the way has those alone. */
function noteImport(
  { id, profile, dryRun, totals }: ImportReport,
  { authority, mode }: ImportOrder,
  tx: EntityManager,
): Promise<void> {
  const after = { profile, mode, dryRun, totals };
  return new Audit(tx).note({ action: 'cameras.imported', authority, subject: { kind: 'import', id }, after });
}

/** Undoes a transaction on purpose. */
class DryRun extends Error {
  constructor(readonly rows: readonly ImportRow[]) {
    super('a dry run keeps nothing');
  }
}

/** How often a batch is begun that others of the same authority did not let in, each time for up to lock_timeout. */
const TRIES = 10;

async function importBatch(
  batch: readonly IntakeRow[],
  order: ImportOrder,
  by: Principal,
  parts: ApiParts,
  keeper: ViewKeeper,
): Promise<readonly ImportRow[]> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await transactAs(parts.db, order.actor, async (tx) => {
        const rows = await new Batch(tx, order, by, parts, keeper).take(batch);
        if (order.dryRun) throw new DryRun(rows);
        return rows;
      });
    } catch (error) {
      if (error instanceof DryRun) return error.rows;
      if (!(error instanceof RequestInFlight) || tried === TRIES) throw error;
    }
  }
}

interface Decision {
  readonly action: RowAction;
  readonly cameraId: string | null;
  readonly problems: readonly ImportProblem[];
}

/** One transaction's rows: decided one by one, written together. */
class Batch {
  private readonly added: CameraRecord[] = [];
  private readonly replaced: CameraRecord[] = [];
  /** Unchanged but for what a publisher makes anew each time. */
  private readonly refreshed: CameraRecord[] = [];
  private kept = new Map<string, KeptCamera>();
  private fingerprints: ReadonlyMap<string, string> = new Map();

  constructor(
    private readonly tx: EntityManager,
    private readonly order: ImportOrder,
    private readonly by: Principal,
    private readonly parts: ApiParts,
    private readonly keeper: ViewKeeper,
  ) {}

  async take(rows: readonly IntakeRow[]): Promise<readonly ImportRow[]> {
    // First of all: of the rows locked below, none is then waited for with a transaction number in hand (reliability.md REL-5).
    await new WriteOrder(this.tx).alone(this.order.authority);
    const authority = await new Authorities(this.tx).hold(this.order.authority);
    const cameras = new Cameras(this.tx);
    const localIds = rows.flatMap(({ localId, stated }) => (localId === null || stated === null ? [] : [localId]));
    const kept = await cameras.lockLocal(this.order.authority, localIds);
    this.kept = new Map(kept.map((camera) => [camera.localId, camera]));
    this.fingerprints = await cameras.fingerprints(kept.map(({ id }) => id));
    const decided = rows.map((row) => ({ row, ...this.decide(row, authority) }));
    if (this.added.length > 0) await cameras.add(this.added);
    if (this.replaced.length > 0) await cameras.replace(this.replaced);
    if (this.refreshed.length > 0) await cameras.refresh(this.refreshed);
    await this.keeper.keep([...this.added, ...this.replaced], this.tx);
    return decided.map(({ row, action, cameraId, problems }) => ({
      row: row.row,
      localId: row.localId,
      action,
      cameraId,
      problems: [...row.problems, ...problems],
    }));
  }

  private decide({ stated, localId, duplicateOf }: IntakeRow, authority: Authority): Decision {
    if (stated === null || localId === null) return { action: 'failed', cameraId: null, problems: [] };
    const kept = this.kept.get(localId);
    if (duplicateOf !== undefined) return { action: 'skipped', cameraId: kept?.id ?? null, problems: [] };
    try {
      return kept === undefined ? this.create(stated, authority) : this.update(stated, kept, authority);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { action: 'failed', cameraId: kept?.id ?? null, problems: problemsOf(error) };
    }
  }

  private create(stated: CameraRegistration, authority: Authority): Decision {
    const record = this.compose(stated, uuidv7(), authority, null);
    this.added.push(record);
    return { action: 'created', cameraId: record.id, problems: [] };
  }

  private update(stated: CameraRegistration, kept: KeptCamera, authority: Authority): Decision {
    if (kept.lifecycle === 'retired') {
      // A feed never revives what a person retired.
      return { action: 'skipped', cameraId: kept.id, problems: [warning('retired_exists', 'this camera was retired')] };
    }
    if (this.order.mode === 'create') {
      const problem = {
        ...warning('already_registered', 'this camera is registered already'),
        severity: 'error' as const,
      };
      return { action: 'failed', cameraId: kept.id, problems: [problem] };
    }
    const { document, warnings } = mergeStated(kept.document, stated);
    const record = this.compose(document, kept.id, authority, kept);
    requireMayOpen(kept.document, record.document, (slug) => isAdministratorOf(this.by, slug));
    const isSame = record.secrets.length === 0 && sameButSerial(kept.document, record.document);
    if (isSame && !kept.contentHash.equals(record.contentHash)) this.refreshed.push(record);
    if (!isSame) this.replaced.push(record);
    return { action: isSame ? 'unchanged' : 'updated', cameraId: kept.id, problems: warnings };
  }

  private compose(stated: CameraRegistration, id: string, authority: Authority, kept: KeptCamera | null): CameraRecord {
    return composeRecord(stated, {
      id,
      authority,
      kept: kept?.services ?? [],
      before: kept?.document ?? null,
      fingerprintOf: (slot) => this.fingerprints.get(`${id}/${slot}`),
      keyring: this.parts.keyring,
      at: new Date().toISOString(),
      loopbackCameras: this.parts.settings.loopbackCameras,
    });
  }
}

const warning = (code: Fault['code'], detail: string): ImportProblem => ({
  pointer: '',
  code,
  severity: 'warning',
  detail,
});

function problemsOf({ faults, message, code }: Refusal): readonly ImportProblem[] {
  if (faults.length === 0) {
    return [{ pointer: '', code: code === 'forbidden' ? code : 'conflict', severity: 'error', detail: message }];
  }
  return faults.map((fault) => ({ pointer: '', ...fault, severity: 'error' }));
}

function summaryOf(rows: readonly ImportRow[]): Pick<ImportReport, 'totals' | 'byCode'> {
  const totals = { rows: rows.length, created: 0, updated: 0, unchanged: 0, skipped: 0, failed: 0, warnings: 0 };
  const byCode: Record<string, number> = {};
  for (const { action, problems } of rows) {
    totals[action] += 1;
    for (const { code, severity } of problems) {
      byCode[code] = (byCode[code] ?? 0) + 1;
      if (severity === 'warning') totals.warnings += 1;
    }
  }
  return { totals, byCode };
}
