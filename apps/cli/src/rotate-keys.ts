import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { COMMAND, type Keyring, UnreadableSecret } from '#access';
import { DataDirectoryInUse } from '#embedded';
import type { Settings } from '#settings';
import { Audit, requireMigrated, rotateAlone, SealedRows, transactAs } from '#storage';
import { openDatabase, openKeyring, openLog } from './engines.js';
import { tableOf } from './key-uses.js';
import { inPercent, ProgressLine } from './progress-line.js';
import { Failure } from './server.js';

/** Rows of one transaction: short, since a server may be running. */
const BATCH = 500;
/** Rows that somebody was just writing are looked for again so often. */
const LOOKS = 5;
const BETWEEN_LOOKS_MS = 500;
/** Exit code where something stays under an old key. */
const SOME_STAY = 2;

/** What stands under which key. */
export async function showKeyUses(settings: Settings): Promise<void> {
  await withDatabase(settings, async (db, keyring) => {
    process.stdout.write(`${tableOf(await usesOf(db), keyring)}\n`);
  });
}

/**
 * Puts every sealed secret under the key that writes, a batch a transaction; what is done stays done however it ends, and the next run goes on
 * from there. Beside a running server it changes nothing that anybody notices.
 * @throws Failure
 */
export async function rotateKeys(settings: Settings): Promise<void> {
  await withDatabase(settings, async (db, keyring) => {
    const isDone = await rotateAlone(db, () => rotate(db, keyring));
    if (!isDone) throw new Failure('another sightline keys rotate is at work on this database');
  });
}

async function rotate(db: DataSource, keyring: Keyring): Promise<void> {
  const old = keyring.kids.slice(1);
  const count = async (): Promise<number> =>
    (await usesOf(db))
      .filter(({ kid }) => old.includes(kid))
      .reduce((sum, { cameras, webhooks }) => sum + cameras + webhooks, 0);
  const secrets = await count();
  if (secrets > 0) await noteRun(db, keyring.writing, secrets);
  const tally = new Tally(secrets);
  for (let looks = 1; ; looks += 1) {
    tally.unreadable = 0;
    await moveAll<Camera>(tally, (after) => moveCameras(db, keyring, old, after));
    await moveAll<Webhook>(tally, (after) => moveWebhooks(db, keyring, old, after));
    if (looks === LOOKS || (await count()) <= tally.unreadable) break;
    await wait(BETWEEN_LOOKS_MS);
  }
  tally.end();
  const uses = await usesOf(db);
  process.stdout.write(`Put ${tally.moved} secrets under ${keyring.writing}.\n${tableOf(uses, keyring)}\n`);
  if (tally.unreadable > 0) {
    process.stderr.write(
      `${tally.unreadable} secrets do not open under the key that they name, and stay as they are.\n`,
    );
  }
  const stays = uses.some(({ kid, cameras, webhooks }) => kid !== keyring.writing && cameras + webhooks > 0);
  if (stays) process.exitCode = SOME_STAY;
}

/** Before anything moves, so that a run that is broken off stands there too. Beyond authorities: the key is everybody's. */
const noteRun = (db: DataSource, kid: string, secrets: number): Promise<void> =>
  transactAs(db, COMMAND, (tx) =>
    new Audit(tx).note({
      action: 'secret_key.rotated',
      authority: null,
      subject: { kind: 'secret_key', id: kid },
      after: { secrets },
    }),
  );

/** What was done, and how it shows. */
class Tally {
  moved = 0;
  unreadable = 0;
  private readonly line = new ProgressLine();

  constructor(private readonly total: number) {}

  add({ moved, unreadable }: Batch<unknown>): void {
    this.moved += moved;
    this.unreadable += unreadable;
    const part = this.total === 0 ? 1 : Math.min(1, this.moved / this.total);
    this.line.show(`${this.moved} of ${this.total} secrets, ${inPercent(part)}`);
  }

  end(): void {
    this.line.end();
  }
}

interface Batch<Row> {
  readonly moved: number;
  readonly unreadable: number;
  /** The last row looked at; undefined: there was none. */
  readonly last: Row | undefined;
}

async function moveAll<Row>(tally: Tally, move: (after: Row | undefined) => Promise<Batch<Row>>): Promise<void> {
  for (let after: Row | undefined; ;) {
    const batch = await move(after);
    tally.add(batch);
    if (batch.last === undefined) return;
    after = batch.last;
  }
}

type Camera = Awaited<ReturnType<SealedRows['ofCameras']>>[number];
type Webhook = Awaited<ReturnType<SealedRows['ofWebhooks']>>[number];

const moveCameras = (
  db: DataSource,
  keyring: Keyring,
  kids: readonly string[],
  after: Camera | undefined,
): Promise<Batch<Camera>> =>
  transactAs(db, COMMAND, async (tx) => {
    const sealed = new SealedRows(tx);
    const rows = await sealed.ofCameras({ kids, limit: BATCH, ...(after === undefined ? {} : { after }) });
    const moved = rows.flatMap((row) => readable(() => ({ ...row, ...keyring.rewrap(row, row) })));
    await sealed.putOfCameras(moved);
    return { moved: moved.length, unreadable: rows.length - moved.length, last: rows.at(-1) };
  });

const moveWebhooks = (
  db: DataSource,
  keyring: Keyring,
  kids: readonly string[],
  after: Webhook | undefined,
): Promise<Batch<Webhook>> =>
  transactAs(db, COMMAND, async (tx) => {
    const sealed = new SealedRows(tx);
    const rows = await sealed.ofWebhooks({ kids, limit: BATCH, ...(after === undefined ? {} : { after }) });
    const moved = rows.flatMap((row) => readable(() => ({ ...row, ...keyring.rewrapWebhook(row, row) })));
    await sealed.putOfWebhooks(moved);
    return { moved: moved.length, unreadable: rows.length - moved.length, last: rows.at(-1) };
  });

/** One or none: what was changed or moved by hand opens no more, and stays. */
function readable<T>(work: () => T): readonly T[] {
  try {
    return [work()];
  } catch (error) {
    if (error instanceof UnreadableSecret) return [];
    throw error;
  }
}

const usesOf = (db: DataSource): ReturnType<SealedRows['uses']> =>
  transactAs(db, COMMAND, (tx) => new SealedRows(tx).uses());

/** @throws Failure, or what opening says */
async function withDatabase(
  settings: Settings,
  work: (db: DataSource, keyring: Keyring) => Promise<void>,
): Promise<void> {
  const { databaseUrl, dataDir } = settings;
  if (databaseUrl === undefined && !existsSync(path.join(dataDir, 'database'))) {
    throw new Failure(`there is no database in ${dataDir}: SIGHTLINE_DATA_DIR or DATABASE_URL says where it is`);
  }
  const closers: (() => Promise<unknown>)[] = [];
  try {
    const { db } = await openDatabase(settings, 'migrate', openLog(settings), closers);
    await requireMigrated(db);
    await work(db, openKeyring(settings));
  } catch (error) {
    if (!(error instanceof DataDirectoryInUse)) throw error;
    throw new Failure(`${error.message} End it first: only one process at a time opens that database.`);
  } finally {
    for (const close of closers.reverse()) await close();
  }
}
