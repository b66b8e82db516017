import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Keyring, mintKey } from '#access';
import { endProgram, openTestDatabase, type Program, runProgram, type TestDatabase } from '#testing';

/** API and prober in a process each, as in production: under logins that are members of their role alone. */
export interface TwoLogins {
  readonly url: string;
  /** Where the prober's metrics are. */
  readonly opsUrl: string;
  /** Key of a platform administrator. */
  readonly key: string;
  readonly dataDir: string;
  readonly database: TestDatabase;
  readonly api: Program;
  readonly prober: Program;
  close(): Promise<void>;
}

/** A migrated database of a server with two modest logins, and the settings of processes under them. */
export interface Logins {
  readonly database: TestDatabase;
  readonly key: string;
  readonly dataDir: string;
  settingsOf(login: 'api' | 'prober' | 'owner'): Record<string, string>;
  close(): Promise<void>;
}

export async function makeLogins(env: Readonly<Record<string, string>> = {}): Promise<Logins> {
  const database = await openTestDatabase({ migrated: false });
  const dataDir = mkdtempSync(path.join(tmpdir(), 'sightline-logins-'));
  const { key } = mintKey(randomBytes);
  const suffix = randomBytes(4).toString('hex');
  const password = randomBytes(8).toString('hex');
  const secretKey = Keyring.generate(randomBytes);
  const settingsOf = (login: 'api' | 'prober' | 'owner'): Record<string, string> => {
    const url = new URL(database.url ?? '');
    if (login !== 'owner') Object.assign(url, { username: `sightline_${login}_${suffix}`, password });
    return {
      PORT: '0',
      DATABASE_URL: url.href,
      SIGHTLINE_DATA_DIR: dataDir,
      SIGHTLINE_SECRET_KEY: secretKey,
      SIGHTLINE_ADMIN_KEY: key,
      SIGHTLINE_DEMO: 'off',
      SIGHTLINE_RATE_LIMITS: 'off',
      ...(login === 'prober' ? { SIGHTLINE_OPS_PORT: '0' } : {}),
      ...env,
    };
  };
  const migrating = runProgram({ args: ['migrate'], env: settingsOf('owner') });
  if ((await migrating.ended) !== 0) throw new Error(migrating.stderr());
  for (const role of ['api', 'prober']) {
    await database.db.query(`create role sightline_${role}_${suffix} login password '${password}'`);
    await database.db.query(`grant sightline_${role} to sightline_${role}_${suffix}`);
  }
  return {
    database,
    key,
    dataDir,
    settingsOf,
    close: async () => {
      for (const role of ['api', 'prober']) await database.db.query(`drop role sightline_${role}_${suffix}`);
      await database.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Starts both doors. */
export async function startTwoLogins(logins: Logins): Promise<TwoLogins> {
  const api = runProgram({ args: ['api'], env: logins.settingsOf('api') });
  const prober = runProgram({ args: ['prober'], env: logins.settingsOf('prober') });
  const [url, opsPort] = await Promise.all([
    logged(api, /"url":"(http:[^"]+)","msg":"the API answers"/),
    logged(prober, /"opsPort":(\d+),"msg":"the prober works"/),
  ]);
  return {
    ...logins,
    url,
    opsUrl: `http://127.0.0.1:${opsPort}`,
    api,
    prober,
    close: async () => {
      await Promise.all([endProgram(api, 'SIGINT'), endProgram(prober, 'SIGINT')]);
    },
  };
}

async function logged(program: Program, pattern: RegExp, withinMs = 60_000): Promise<string> {
  for (const end = Date.now() + withinMs; Date.now() < end; await wait(50)) {
    const found = pattern.exec(program.stderr());
    if (found?.[1] !== undefined) return found[1];
    if (program.child.exitCode !== null) break;
  }
  throw new Error(`${pattern.source} was not logged:\n${program.stderr()}`);
}
