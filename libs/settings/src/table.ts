import { tokenIssuers } from './token-issuers.js';
import * as values from './values.js';

/** A setting as `--help` and the documentation show it. */
export interface SettingDescription {
  readonly name: string;
  /** The default in words. */
  readonly fallback: string;
  readonly meaning: string;
  /** Its value is never shown. */
  readonly secret: boolean;
}

interface Row<Value> extends Omit<SettingDescription, 'name'> {
  readonly read: values.Read<Value>;
}

/** `secret` is last and mostly left out. */
const row = <Value>(read: values.Read<Value>, fallback: string, meaning: string, secret = false): Row<Value> => ({
  read,
  fallback,
  meaning,
  secret,
});

const POSTGRES = ['postgres:', 'postgresql:'];
const POSTGRES_FORM = 'an address such as postgres://user:password@host:5432/database';
/** The form of an API key; its checksum is proved by `parseKey` of `access`, which this room does not know. */
const KEY = /^slk_[0-9A-Za-z]{10}_[0-9A-Za-z]{49}$/;
const KEY_FORM = 'an API key, slk_ and so on, whole and as it was printed';
const SECRET = '[A-Za-z0-9_-]{1,32}:[A-Za-z0-9+/]{43}=';
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
/** Below this a budget is a slip, such as percent for bytes. */
const LEAST_BUDGET = 1_048_576;
const UNUSED = row(values.anyText, '–', 'for tests, compose and tools; known, not used');

/** The settings table of the contract, in its order. */
export const ROWS = {
  PORT: row(values.port, '3000', 'port on which the API and console listen; 0 = any free one'),
  HOST: row(values.host, '127.0.0.1', 'address on which the API and console listen'),
  DATABASE_URL: row(
    values.url(POSTGRES, POSTGRES_FORM),
    'none: the embedded PostGIS',
    'PostgreSQL 15+ with PostGIS 3.3+',
    true,
  ),
  DATABASE_READ_URL: row(
    values.notYet('reads from a replica are not in this version yet; leave it unset'),
    'none',
    'a replica for reads (not in this version yet)',
    true,
  ),
  DATABASE_DIRECT_URL: row(
    values.url(POSTGRES, POSTGRES_FORM),
    'none',
    'the way around a pooler, for migrations; set = DATABASE_URL is a pooler: no named statements nor startup parameters',
    true,
  ),
  NODE_ENV: row(
    values.anyText,
    'none',
    'production refuses the demo, loopback cameras, a secret key that is not given, and a mighty database login',
  ),
  SIGHTLINE_DATA_DIR: row(values.anyText, '.sightline', 'directory of the embedded database, frames and keys'),
  SIGHTLINE_FRAMES: row(
    values.frameStore,
    'file: in the data directory',
    'where frames are kept: file: and a directory (s3: is not in this version yet)',
  ),
  SIGHTLINE_FRAMES_BUDGET: row(
    values.whole(LEAST_BUDGET, Number.MAX_SAFE_INTEGER, 'a number of bytes'),
    '20 % of the volume',
    'bytes of frames kept in a directory',
  ),
  SIGHTLINE_DEMO: row(
    values.onOff,
    'on with the embedded database, off (and refused) with another',
    'a simulated street of cameras, already registered',
  ),
  SIGHTLINE_SIMULATOR_PORT: row(values.port, '3100 or the next free one', 'where the simulated street listens'),
  SIGHTLINE_ADMIN_KEY: row(
    values.form(KEY, KEY_FORM),
    'made and printed once, by up or migrate',
    "the first platform administrator's key",
    true,
  ),
  SIGHTLINE_SECRET_KEY: row(
    values.form(
      new RegExp(`^\\s*${SECRET}\\s*(,\\s*${SECRET}\\s*)*$`),
      'kid:base64 of 32 bytes, several separated by commas',
    ),
    'made in the data directory',
    'seals camera credentials; a list kid:base64, the first one writes; the same for every process',
    true,
  ),
  SIGHTLINE_AUDIT_CHECKPOINTS: row(
    values.anyText,
    'audit-checkpoints.jsonl in the data directory',
    'file to which a signed checkpoint of the audit goes every day; best on another machine’s disk',
  ),
  SIGHTLINE_PUBLIC_URL: row(values.webRoot, 'none', 'where clients reach us, for links behind a proxy'),
  SIGHTLINE_TRUST_PROXY: row(values.networks, 'none', 'networks of the proxies whose X-Forwarded-* counts'),
  SIGHTLINE_CORS_ORIGINS: row(
    values.origins,
    'none',
    'web pages of other origins that may use a key and read what is not public, such as https://map.example.org',
  ),
  SIGHTLINE_RATE_LIMITS: row(
    values.onOff,
    'on',
    'budgets of each caller; off for tests and measurements alone, and said in the log',
  ),
  SIGHTLINE_OIDC: row(
    tokenIssuers,
    'none',
    'issuers of access tokens, by which people sign in too: a JSON list of {issuer, jwksUri, audience, legacy, clientId, clientSecret}, see docs/ACCESS.md',
    true,
  ),
  SIGHTLINE_LOOPBACK_CAMERAS: row(
    values.onOff,
    'on with the demo, else off',
    'lets cameras live on 127.0.0.0/8 and ::1',
  ),
  SIGHTLINE_PROBE_SOCKETS: row(values.whole(1, 10_000), '256', 'cameras probed at once by one process'),
  SIGHTLINE_OPS_PORT: row(
    values.port,
    '9464 or the next free one for sightline prober, else none',
    'own listener for /livez, /readyz, /metrics',
  ),
  SIGHTLINE_BASEMAP_URL: row(
    values.url(['http:', 'https:'], 'an http or https address of a map style'),
    'none',
    'a map style for the console',
  ),
  SIGHTLINE_LOG_LEVEL: row(values.oneOf(LOG_LEVELS), 'info', `how much is logged: ${LOG_LEVELS.join(', ')}`),
  SIGHTLINE_URL: row(values.webRoot, 'http://127.0.0.1:3000', 'the running server that commands speak to'),
  SIGHTLINE_KEY: row(values.form(KEY, KEY_FORM), 'none', 'the API key with which commands speak to it', true),
  SIGHTLINE_POSTGIS_IMAGE: UNUSED,
  SIGHTLINE_NODE_IMAGE: UNUSED,
  SIGHTLINE_TOOLS_DIR: UNUSED,
  SIGHTLINE_PG_PORT: UNUSED,
} as const satisfies Readonly<Record<string, Row<unknown>>>;

export type SettingName = keyof typeof ROWS;

/** The settings that are given, read. */
export type Given = { -readonly [Name in SettingName]?: (typeof ROWS)[Name] extends Row<infer Value> ? Value : never };

export type LogLevel = (typeof LOG_LEVELS)[number];

/** Every setting with its default and meaning, in the order of the contract. */
export const SETTINGS: readonly SettingDescription[] = Object.entries(ROWS).map(
  ([name, { fallback, meaning, secret }]) => ({ name, fallback, meaning, secret }),
);
