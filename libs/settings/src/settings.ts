import path from 'node:path';
import { nearest } from './nearest.js';
import { type Given, type LogLevel, ROWS, type SettingName } from './table.js';
import type { TokenIssuer } from './token-issuers.js';
import { Wrong } from './values.js';

/** What runs: `client` is every command that only speaks HTTP to a running server, or dials from the person's own shell. */
export type Command = 'up' | 'api' | 'prober' | 'migrate' | 'simulator' | 'client';

/** The environment, parsed and frozen. Absent members are settings without a value. */
export interface Settings {
  /** 0 = any free one. */
  readonly port: number;
  readonly host: string;
  /** PostgreSQL; absent = the embedded database. Holds a password. */
  readonly databaseUrl?: string;
  /** Present = `databaseUrl` is a pooler, and this one goes around it. Holds a password. */
  readonly databaseDirectUrl?: string;
  /** `NODE_ENV=production`. */
  readonly production: boolean;
  /** Absolute. */
  readonly dataDir: string;
  /** Where frames are kept, absolute; without a budget 20 % of the volume. */
  readonly frames: { readonly directory: string; readonly budgetBytes?: number };
  /** Whether the simulated street runs and is registered; only ever for `up`. */
  readonly demo: boolean;
  /** Absent: 3100 or the next free one. */
  readonly simulatorPort?: number;
  /** Of the right form; whether its checksum is right is told by `parseKey` of `access`, and the caller refuses if not. */
  readonly adminKey?: string;
  /** Of the right form, for `Keyring.parse` of `access`; absent: made in the data directory. */
  readonly secretKey?: string;
  /** File of the audit's checkpoints, absolute. */
  readonly auditCheckpoints: string;
  /** Without a slash at its end. */
  readonly publicUrl?: string;
  /** Addresses and CIDRs; never one that holds every address. */
  readonly trustProxy: readonly string[];
  /** Origins whose pages may use credentials. */
  readonly corsOrigins: readonly string[];
  readonly rateLimits: boolean;
  /** Whose access tokens are taken, and by whom people sign in. Holds secrets of clients. */
  readonly tokenIssuers: readonly TokenIssuer[];
  readonly loopbackCameras: boolean;
  readonly probeSockets: number;
  /** Absent: no listener of its own. */
  readonly opsPort?: number;
  /** Whether `opsPort` was asked for; else the next free one does as well. */
  readonly opsPortIsGiven: boolean;
  readonly basemapUrl?: string;
  readonly logLevel: LogLevel;
  /** The running server that commands speak to, without a slash at its end. */
  readonly serverUrl: string;
  /** The API key with which they do; form as `adminKey`. */
  readonly key?: string;
}

/** The environment is unusable: every problem, a line each. */
export class BadSettings extends Error {
  override readonly name = 'BadSettings';
  constructor(readonly problems: readonly string[]) {
    const count = problems.length === 1 ? 'A setting is wrong' : `${problems.length} settings are wrong`;
    super([`${count}:`, ...problems.map((problem) => `  ${problem}`)].join('\n'));
  }
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Reads the environment once (style.md, principle 15). An empty value counts as unset, because compose files pass
 * `${NAME:-}`; variables of other programs are left alone.
 * @throws BadSettings with all problems in one message
 */
export function readSettings(env: Env, { command }: { readonly command: Command }): Settings {
  const { given, problems } = readEach(env);
  const isSet = (name: SettingName): boolean => (env[name] ?? '') !== '';
  const all = [...problems, ...unknownNames(env), ...clashes(given, isSet, command)];
  if (all.length > 0) throw new BadSettings(all);
  return settled(given, command);
}

function readEach(env: Env): { readonly given: Given; readonly problems: readonly string[] } {
  const given: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, { read, secret }] of Object.entries(ROWS)) {
    const text = env[name] ?? '';
    if (text === '') continue;
    const value = read(text);
    if (value instanceof Wrong) problems.push(`${name}: ${problemOf(value, secret ? null : text)}`);
    else given[name] = value;
  }
  return { given, problems };
}

function problemOf({ expected, sentence }: Wrong, text: string | null): string {
  return sentence ?? `expected ${expected}${text === null ? '' : `, got ${quoted(text)}`}`;
}

/** JSON, so that blanks and line ends show, cut at 60 characters. */
function quoted(text: string): string {
  const json = JSON.stringify(text);
  return json.length > 60 ? `${json.slice(0, 57)}...` : json;
}

function unknownNames(env: Env): string[] {
  const known = Object.keys(ROWS);
  return Object.keys(env)
    .filter((name) => /^SIGHTLINE_/i.test(name) && !known.includes(name))
    .sort()
    .map((name) => {
      const meant = nearest(name.toUpperCase(), known);
      return `${name}: no such setting${meant === null ? '' : `; did you mean ${meant}?`}`;
    });
}

/** Commands that open the database. */
const SERVING: readonly Command[] = ['up', 'api', 'prober', 'migrate'];
/** Commands that listen on `PORT`. */
const LISTENING: readonly Command[] = ['up', 'api'];
/** Commands that share the database with others, and so cannot have the embedded one. */
const SHARING: readonly Command[] = ['api', 'prober'];

/**
 * Settings that are right one by one, but not together or not for this command. A setting that is set but unreadable
 * has its own line and causes none here.
 */
function clashes(given: Given, isSet: (name: SettingName) => boolean, command: Command): string[] {
  if (!SERVING.includes(command)) return [];
  const embedded = !isSet('DATABASE_URL');
  const production = given.NODE_ENV === 'production';
  const demo = isSet('SIGHTLINE_DEMO') ? given.SIGHTLINE_DEMO === true : embedded && command === 'up';
  const ports = [given.PORT ?? DEFAULT_PORT, given.SIGHTLINE_OPS_PORT];
  const rules: readonly (readonly [boolean, string])[] = [
    [
      embedded && SHARING.includes(command),
      `DATABASE_URL: sightline ${command} needs it; only sightline up has an embedded database`,
    ],
    [
      embedded && isSet('DATABASE_DIRECT_URL'),
      'DATABASE_DIRECT_URL: the way around the pooler of DATABASE_URL, which is not set',
    ],
    [
      !embedded && demo,
      'SIGHTLINE_DEMO: the demo lives in the embedded database only; unset DATABASE_URL, or set it off',
    ],
    [
      embedded && demo && production,
      'SIGHTLINE_DEMO: production refuses the demo; give DATABASE_URL, or set it off (it is on with the embedded database)',
    ],
    [
      production && given.SIGHTLINE_LOOPBACK_CAMERAS === true,
      'SIGHTLINE_LOOPBACK_CAMERAS: production refuses cameras on loopback; set it off',
    ],
    [
      production && !isSet('SIGHTLINE_SECRET_KEY'),
      'SIGHTLINE_SECRET_KEY: production wants it given, kid:base64 of 32 bytes, the same for every process',
    ],
    [
      LISTENING.includes(command) && ports[0] !== 0 && ports[0] === ports[1],
      `SIGHTLINE_OPS_PORT: a listener of its own, but ${ports[0]} is PORT`,
    ],
  ];
  return rules.filter(([broken]) => broken).map(([, problem]) => problem);
}

const DEFAULT_PORT = 3000;
const DEFAULT_OPS_PORT = 9464;

function settled(given: Given, command: Command): Settings {
  const dataDir = path.resolve(given.SIGHTLINE_DATA_DIR ?? '.sightline');
  const demo = command === 'up' && (given.SIGHTLINE_DEMO ?? given.DATABASE_URL === undefined);
  const frames = present({
    directory: given.SIGHTLINE_FRAMES ? path.resolve(given.SIGHTLINE_FRAMES) : path.join(dataDir, 'frames'),
    budgetBytes: given.SIGHTLINE_FRAMES_BUDGET,
  });
  return present({
    port: given.PORT ?? DEFAULT_PORT,
    host: given.HOST ?? '127.0.0.1',
    databaseUrl: given.DATABASE_URL,
    databaseDirectUrl: given.DATABASE_DIRECT_URL,
    production: given.NODE_ENV === 'production',
    dataDir,
    frames,
    demo,
    simulatorPort: given.SIGHTLINE_SIMULATOR_PORT,
    adminKey: given.SIGHTLINE_ADMIN_KEY,
    secretKey: given.SIGHTLINE_SECRET_KEY,
    auditCheckpoints: path.resolve(given.SIGHTLINE_AUDIT_CHECKPOINTS ?? path.join(dataDir, 'audit-checkpoints.jsonl')),
    publicUrl: given.SIGHTLINE_PUBLIC_URL,
    trustProxy: Object.freeze(given.SIGHTLINE_TRUST_PROXY ?? []),
    corsOrigins: Object.freeze(given.SIGHTLINE_CORS_ORIGINS ?? []),
    rateLimits: given.SIGHTLINE_RATE_LIMITS ?? true,
    tokenIssuers: Object.freeze(given.SIGHTLINE_OIDC ?? []),
    loopbackCameras: given.SIGHTLINE_LOOPBACK_CAMERAS ?? demo,
    probeSockets: given.SIGHTLINE_PROBE_SOCKETS ?? 256,
    opsPort: given.SIGHTLINE_OPS_PORT ?? (command === 'prober' ? DEFAULT_OPS_PORT : undefined),
    opsPortIsGiven: given.SIGHTLINE_OPS_PORT !== undefined,
    basemapUrl: given.SIGHTLINE_BASEMAP_URL,
    logLevel: given.SIGHTLINE_LOG_LEVEL ?? 'info',
    serverUrl: given.SIGHTLINE_URL ?? 'http://127.0.0.1:3000',
    key: given.SIGHTLINE_KEY,
  });
}

/** The members that have a value, frozen. */
function present<Members extends object>(members: Members): Readonly<Members> {
  return Object.freeze(
    Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)),
  ) as Readonly<Members>;
}
