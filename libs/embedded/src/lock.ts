import { randomUUID } from 'node:crypto';
import { constants, readFileSync, readlinkSync } from 'node:fs';
import { copyFile, readFile, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';

/** Who has a data directory; the content of its lock file. */
export interface Holder {
  readonly pid: number;
  /** When it took the lock, ISO 8601. */
  readonly since: string;
  readonly host: string;
  /** Where its pid means something: host, boot and pid namespace. */
  readonly place: string;
  /** When the process began, in the kernel's ticks: a recycled pid has another. Null where the system does not tell. */
  readonly birth: string | null;
  readonly nonce: string;
}

/** Another process has the data directory. */
export class DataDirectoryInUse extends Error {
  override readonly name = 'DataDirectoryInUse';

  constructor(
    directory: string,
    /** Null when its lock cannot be read. */
    readonly holder: Holder | null,
  ) {
    const who = holder === null ? 'another process' : `process ${holder.pid}`;
    const where = holder === null || holder.host === hostname() ? '' : ` on ${holder.host}`;
    const since = holder === null ? '' : ` since ${holder.since}`;
    super(`The embedded database in ${directory} is in use by ${who}${where}${since}.`);
  }
}

export interface Lock {
  /** Gives the directory back, if it is still ours. */
  release(): Promise<void>;
}

export interface LockOptions {
  /** Named in messages. */
  readonly directory: string;
  readonly log: (message: string) => void;
  /** Somebody took the lock from a process that had stopped for long, as in a suspended machine: end all writing now. */
  readonly onLost: () => void;
  /** How long a holder is watched of whom only the file's age can tell, milliseconds. */
  readonly watchMs?: number;
}

/** The holder touches the file so often, while others may watch. */
const BEAT_MS = 2_000;
const WATCH_MS = 10_000;

/** Two who found the same dead holder are through with each other after this. */
const SETTLE_MS = 50;

/** State of a process that the lock's pid stands for: its birth, null for one that lives but has none, undefined for none. */
type BirthOf = (pid: number) => string | null | undefined;

/** Whether the holder lives; `unknown` where its pid means nothing here, as in another container. */
export function judge(holder: Holder, place: string, birthOf: BirthOf): 'alive' | 'dead' | 'unknown' {
  if (holder.place !== place) return 'unknown';
  const birth = birthOf(holder.pid);
  if (birth === undefined) return 'dead';
  return birth !== null && holder.birth !== null && birth !== holder.birth ? 'dead' : 'alive';
}

/**
 * Takes the lock of a data directory: a file that exists while somebody has it. A holder that died is recognised by its
 * pid and birth, at once; one in another container or on another host by its silence, after `watchMs`.
 *
 * @throws DataDirectoryInUse
 */
export async function takeLock(file: string, options: LockOptions): Promise<Lock> {
  const own = self();
  for (let tookOver = false; ; tookOver = true) {
    if (await place(file, own)) {
      if (tookOver) await wait(SETTLE_MS);
      if ((await read(file))?.nonce === own.nonce) return keep(file, own, options);
      continue;
    }
    const seen = await read(file);
    const age = seen === null ? 'unknown' : judge(seen, own.place, birthOf);
    if (age === 'alive' || (age === 'unknown' && (await beats(file, seen, options)))) {
      throw new DataDirectoryInUse(options.directory, seen);
    }
    options.log(
      `taking over ${options.directory} from ${seen === null ? 'a process' : `process ${seen.pid}`} that is no more`,
    );
    await remove(file, seen);
  }
}

function self(): Holder {
  const host = hostname();
  const kernel = linux(
    () => `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${readlinkSync('/proc/self/ns/pid')}`,
  );
  const place = kernel === null ? host : `${host}/${kernel}`;
  const birth = birthOf(process.pid) ?? null;
  return { pid: process.pid, since: new Date().toISOString(), host, place, birth, nonce: randomUUID() };
}

function birthOf(pid: number): string | null | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return undefined; // else it lives, and is somebody else's
  }
  // proc(5): the name may hold anything but ends at the last parenthesis; then state (3) and, as 22nd, the start time.
  const fields = linux(() => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' '));
  if (fields === null) return null;
  return /[ZXx]/.test(fields[0]!) ? undefined : fields[22 - 3]!; // killed, only not yet buried by its parent
}

/** What only Linux tells, or null. */
function linux<T>(tell: () => T): T | null {
  try {
    return process.platform === 'linux' ? tell() : null;
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return null; // not mounted, or not for us
  }
}

/** Makes the file, if there is none. */
async function place(file: string, own: Holder): Promise<boolean> {
  try {
    await writeFile(file, `${JSON.stringify(own)}\n`, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** The holder; null when the file is gone, or unreadable after its writer had time to finish it. */
async function read(file: string): Promise<Holder | null> {
  for (let attempts = 5; attempts > 0; attempts -= 1) {
    try {
      return JSON.parse(await readFile(file, 'utf8')) as Holder;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null;
      if (!(error instanceof SyntaxError)) throw error;
      await wait(SETTLE_MS);
    }
  }
  return null;
}

/** Watches whether somebody touches the file. */
async function beats(
  file: string,
  seen: Holder | null,
  { directory, log, watchMs = WATCH_MS }: LockOptions,
): Promise<boolean> {
  const before = await touchedAtMs(file);
  if (before === null) return false;
  const who = seen === null ? 'somebody' : `process ${seen.pid} on ${seen.host}`;
  log(`${directory} was in use by ${who}; watching for ${watchMs / 1000} s whether it still is`);
  await wait(watchMs);
  const after = await touchedAtMs(file);
  return after !== null && after !== before;
}

async function touchedAtMs(file: string): Promise<number | null> {
  try {
    return (await stat(file)).mtimeMs;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Removes the file of a dead holder, and only its. Several may try: a rename tells each what it got. */
async function remove(file: string, dead: Holder | null): Promise<void> {
  if ((await read(file))?.nonce !== dead?.nonce) return;
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
    const got = await read(aside);
    if (got?.nonce !== dead?.nonce) await copyFile(aside, file, constants.COPYFILE_EXCL); // a living one's: put it back
    await unlink(aside);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'EEXIST') throw error;
  }
}

function keep(file: string, own: Holder, { log, onLost }: LockOptions): Lock {
  let beating: Promise<void> = Promise.resolve();
  const beat = async (): Promise<void> => {
    try {
      const holder = await read(file);
      if (holder?.nonce === own.nonce) return await utimes(file, new Date(), new Date());
      if (holder === null && (await place(file, own))) return log(`${file} had been deleted; made it again`);
      clearInterval(timer);
      onLost();
    } catch (error) {
      log(`the lock of the embedded database: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const timer = setInterval(() => {
    beating = beating.then(beat);
  }, BEAT_MS);
  timer.unref();
  return {
    release: async () => {
      clearInterval(timer);
      await beating;
      if ((await read(file))?.nonce === own.nonce) await unlink(file);
    },
  };
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | null)?.code;
