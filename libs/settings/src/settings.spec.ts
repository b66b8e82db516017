import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { BadSettings, type Command, readSettings, type Settings } from './settings.js';
import { SETTINGS } from './table.js';

type Env = Record<string, string>;

const up = (env: Env = {}): Settings => readSettings(env, { command: 'up' });

function problemsOf(env: Env, command: Command = 'up'): readonly string[] {
  try {
    readSettings(env, { command });
  } catch (error) {
    if (error instanceof BadSettings) return error.problems;
    throw error;
  }
  return [];
}

const DATABASE = 'postgres://sightline:hunter2@db.example.org:5432/sightline';
const SECRET = `k1:${Buffer.alloc(32, 1).toString('base64')}`;
const KEY = `slk_0123456789_${'A'.repeat(49)}`;
const PRODUCTION = { NODE_ENV: 'production', DATABASE_URL: DATABASE, SIGHTLINE_SECRET_KEY: SECRET };

describe('defaults', () => {
  test('are those of the contract', () => {
    expect(up()).toEqual({
      port: 3000,
      host: '127.0.0.1',
      production: false,
      dataDir: path.resolve('.sightline'),
      frames: { directory: path.resolve('.sightline/frames') },
      demo: true,
      auditCheckpoints: path.resolve('.sightline/audit-checkpoints.jsonl'),
      trustProxy: [],
      corsOrigins: [],
      rateLimits: true,
      tokenIssuers: [],
      loopbackCameras: true,
      probeSockets: 256,
      opsPortIsGiven: false,
      logLevel: 'info',
      serverUrl: 'http://127.0.0.1:3000',
    });
  });

  test('are frozen, inner parts too', () => {
    const settings = up();
    for (const part of [settings, settings.frames, settings.trustProxy, settings.tokenIssuers])
      expect(Object.isFrozen(part)).toBe(true);
  });

  test('an empty value counts as unset', () => {
    const empty = Object.fromEntries(SETTINGS.map(({ name }) => [name, '']));
    expect(up(empty)).toEqual(up());
  });

  test.each<[Command, Env, Partial<Settings>]>([
    ['up', { DATABASE_URL: DATABASE }, { demo: false, loopbackCameras: false }],
    ['up', { SIGHTLINE_DEMO: 'off' }, { demo: false, loopbackCameras: false }],
    ['up', { SIGHTLINE_DEMO: 'off', SIGHTLINE_LOOPBACK_CAMERAS: 'on' }, { demo: false, loopbackCameras: true }],
    ['up', { SIGHTLINE_LOOPBACK_CAMERAS: 'off' }, { demo: true, loopbackCameras: false }],
    ['api', { DATABASE_URL: DATABASE }, { demo: false, loopbackCameras: false }],
    ['prober', { DATABASE_URL: DATABASE }, { opsPort: 9464, opsPortIsGiven: false }],
    ['prober', { DATABASE_URL: DATABASE, SIGHTLINE_OPS_PORT: '0' }, { opsPort: 0, opsPortIsGiven: true }],
    ['migrate', {}, { demo: false, loopbackCameras: false }],
    ['client', {}, { demo: false }],
    ['up', { SIGHTLINE_DATA_DIR: '/srv/s' }, { dataDir: '/srv/s', frames: { directory: '/srv/s/frames' } }],
  ])('%s with %j', (command, env, expected) => {
    expect(readSettings(env, { command })).toMatchObject(expected);
  });

  test('only the prober has an ops port unasked', () => {
    expect(up()).not.toHaveProperty('opsPort');
  });
});

describe('a value of each setting', () => {
  test.each<[string, string, Partial<Settings>]>([
    ['PORT', '0', { port: 0 }],
    ['PORT', '65535', { port: 65_535 }],
    ['HOST', '0.0.0.0', { host: '0.0.0.0' }],
    ['HOST', '::1', { host: '::1' }],
    ['HOST', 'localhost', { host: 'localhost' }],
    ['DATABASE_URL', DATABASE, { databaseUrl: DATABASE }],
    ['DATABASE_URL', 'postgresql://u@localhost:5432/db?host=/run', { demo: false }],
    ['NODE_ENV', 'development', { production: false }],
    ['SIGHTLINE_FRAMES', 'file:', { frames: { directory: path.resolve('.sightline/frames') } }],
    ['SIGHTLINE_FRAMES', 'file:/srv/frames', { frames: { directory: '/srv/frames' } }],
    ['SIGHTLINE_FRAMES', 'file:///srv/frames', { frames: { directory: '/srv/frames' } }],
    ['SIGHTLINE_FRAMES', 'file:pictures', { frames: { directory: path.resolve('pictures') } }],
    ['SIGHTLINE_SIMULATOR_PORT', '3100', { simulatorPort: 3100 }],
    ['SIGHTLINE_ADMIN_KEY', KEY, { adminKey: KEY }],
    ['SIGHTLINE_SECRET_KEY', SECRET, { secretKey: SECRET }],
    ['SIGHTLINE_SECRET_KEY', `${SECRET}, k2:${SECRET.slice(3)}`, { secretKey: `${SECRET}, k2:${SECRET.slice(3)}` }],
    ['SIGHTLINE_PUBLIC_URL', 'https://c.example.org/', { publicUrl: 'https://c.example.org' }],
    ['SIGHTLINE_PUBLIC_URL', 'https://c.example.org/a/', { publicUrl: 'https://c.example.org/a' }],
    [
      'SIGHTLINE_TRUST_PROXY',
      '10.0.0.0/8, fd00::/8,192.0.2.1',
      { trustProxy: ['10.0.0.0/8', 'fd00::/8', '192.0.2.1'] },
    ],
    [
      'SIGHTLINE_CORS_ORIGINS',
      'https://a.example,http://localhost:5173',
      { corsOrigins: ['https://a.example', 'http://localhost:5173'] },
    ],
    ['SIGHTLINE_RATE_LIMITS', 'off', { rateLimits: false }],
    ['SIGHTLINE_PROBE_SOCKETS', '1', { probeSockets: 1 }],
    ['SIGHTLINE_OPS_PORT', '9464', { opsPort: 9464, opsPortIsGiven: true }],
    [
      'SIGHTLINE_BASEMAP_URL',
      'https://t.example.org/style.json?k=1',
      { basemapUrl: 'https://t.example.org/style.json?k=1' },
    ],
    ['SIGHTLINE_LOG_LEVEL', 'silent', { logLevel: 'silent' }],
    ['SIGHTLINE_URL', 'http://10.0.0.1:3000/', { serverUrl: 'http://10.0.0.1:3000' }],
    ['SIGHTLINE_KEY', KEY, { key: KEY }],
    ['SIGHTLINE_TOOLS_DIR', '/tmp/x', {}],
  ])('%s=%s', (name, text, expected) => {
    expect(up({ [name]: text })).toMatchObject(expected);
  });

  test('a budget goes with the directory', () => {
    expect(up({ SIGHTLINE_FRAMES: 'file:/f', SIGHTLINE_FRAMES_BUDGET: '1048576' }).frames).toEqual({
      directory: '/f',
      budgetBytes: 1_048_576,
    });
  });

  test.each([
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '3e3'],
    ['PORT', ' 3000'],
    ['PORT', 'http'],
    ['HOST', 'http://localhost'],
    ['HOST', '127.1'],
    ['SIGHTLINE_FRAMES', '/srv/frames'],
    ['SIGHTLINE_FRAMES', 'file://host/frames'],
    ['SIGHTLINE_FRAMES_BUDGET', '20'],
    ['SIGHTLINE_FRAMES_BUDGET', '20 %'],
    ['SIGHTLINE_DEMO', 'true'],
    ['SIGHTLINE_DEMO', 'ON'],
    ['SIGHTLINE_LOOPBACK_CAMERAS', '1'],
    ['SIGHTLINE_SIMULATOR_PORT', '3100-3110'],
    ['SIGHTLINE_PUBLIC_URL', 'cameras.example.org'],
    ['SIGHTLINE_PUBLIC_URL', 'https://c.example.org/?a=b'],
    ['SIGHTLINE_TRUST_PROXY', 'true'],
    ['SIGHTLINE_TRUST_PROXY', '1'],
    ['SIGHTLINE_TRUST_PROXY', '0.0.0.0/0'],
    ['SIGHTLINE_TRUST_PROXY', '::/0'],
    ['SIGHTLINE_TRUST_PROXY', '10.0.0.0/33'],
    ['SIGHTLINE_TRUST_PROXY', '10.0.0.1,'],
    ['SIGHTLINE_CORS_ORIGINS', '*'],
    ['SIGHTLINE_CORS_ORIGINS', 'https://a.example/'],
    ['SIGHTLINE_CORS_ORIGINS', 'https://a.example/map'],
    ['SIGHTLINE_CORS_ORIGINS', 'a.example'],
    ['SIGHTLINE_CORS_ORIGINS', 'null'],
    ['SIGHTLINE_RATE_LIMITS', 'no'],
    ['SIGHTLINE_PROBE_SOCKETS', '0'],
    ['SIGHTLINE_OPS_PORT', 'on'],
    ['SIGHTLINE_BASEMAP_URL', 'style.json'],
    ['SIGHTLINE_LOG_LEVEL', 'verbose'],
    ['SIGHTLINE_URL', 'ftp://example.org'],
  ])('refuses %s=%s and quotes it', (name, text) => {
    const problems = problemsOf({ [name]: text });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${name}: expected .+, got `));
    expect(problems[0]).toContain(JSON.stringify(text));
  });

  test.each([
    ['DATABASE_URL', 'mysql://u:hunter2@h/db'],
    ['SIGHTLINE_ADMIN_KEY', KEY.slice(0, -1)],
    ['SIGHTLINE_KEY', `${KEY} `],
    ['SIGHTLINE_SECRET_KEY', `k1:${Buffer.alloc(31, 1).toString('base64')}`],
    ['SIGHTLINE_SECRET_KEY', SECRET.slice(3)],
    ['SIGHTLINE_SECRET_KEY', `${SECRET},`],
  ])('refuses a wrong %s without showing it', (name, text) => {
    const problems = problemsOf({ [name]: text });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${name}: expected `));
    expect(problems[0]).not.toContain(text);
    expect(problems[0]).not.toContain('hunter2');
  });

  test.each([
    ['DATABASE_READ_URL', DATABASE],
    ['SIGHTLINE_FRAMES', 's3://bucket/prefix'],
  ])('%s is not in this version, and says so', (name, text) => {
    const problems = problemsOf({ [name]: text });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${name}: .*not in this version`));
    expect(problems[0]).not.toContain('hunter2');
  });

  test('a long or broken value is cut and stays on its line', () => {
    const [problem = ''] = problemsOf({ PORT: `3000\n${'x'.repeat(500)}` });
    expect(problem.length).toBeLessThan(120);
    expect(problem).not.toContain('\n');
  });
});

describe('problems', () => {
  test('come all in one message, a line each', () => {
    const env = { PORT: 'http', SIGHTLINE_DEMO: 'yes', SIGHTLINE_LOG_LEVEL: 'loud' };
    expect(() => up(env)).toThrow(
      [
        '3 settings are wrong:',
        '  PORT: expected a port from 0 to 65535, got "http"',
        '  SIGHTLINE_DEMO: expected on or off, got "yes"',
        '  SIGHTLINE_LOG_LEVEL: expected one of fatal, error, warn, info, debug, trace, silent, got "loud"',
      ].join('\n'),
    );
  });

  test.each([
    ['SIGHTLINE_PROBE_SOCKET', 'SIGHTLINE_PROBE_SOCKETS'],
    ['SIGHTLINE_LOGLEVEL', 'SIGHTLINE_LOG_LEVEL'],
    ['SIGHTLINE_DATABASE_URL', 'DATABASE_URL'],
    ['SIGHTLINE_PORT', 'PORT'],
    ['Sightline_Demo', 'SIGHTLINE_DEMO'],
  ])('%s is unknown and means %s', (name, meant) => {
    expect(problemsOf({ [name]: 'x' })).toEqual([`${name}: no such setting; did you mean ${meant}?`]);
  });

  test('an unknown name that resembles nothing gets no hint, and its value is not shown', () => {
    expect(problemsOf({ SIGHTLINE_WEBHOOK_RETRIES: 'secret' })).toEqual(['SIGHTLINE_WEBHOOK_RETRIES: no such setting']);
  });

  test('variables of others are left alone', () => {
    expect(up({ TEST_REQUIRE: 'postgres', DOCKER_HOST: 'x', TESTCONTAINERS_RYUK_DISABLED: 'y', PGPORT: 'z' })).toEqual(
      up(),
    );
  });

  test.each<[string, Command, Env, string]>([
    ['api without a database', 'api', {}, 'DATABASE_URL'],
    ['prober without a database', 'prober', {}, 'DATABASE_URL'],
    ['a way around no pooler', 'up', { DATABASE_DIRECT_URL: DATABASE }, 'DATABASE_DIRECT_URL'],
    ['the demo in another database', 'up', { DATABASE_URL: DATABASE, SIGHTLINE_DEMO: 'on' }, 'SIGHTLINE_DEMO'],
    ['the same for api', 'api', { DATABASE_URL: DATABASE, SIGHTLINE_DEMO: 'on' }, 'SIGHTLINE_DEMO'],
    [
      'the demo in production, by default',
      'up',
      { NODE_ENV: 'production', SIGHTLINE_SECRET_KEY: SECRET },
      'SIGHTLINE_DEMO',
    ],
    [
      'loopback cameras in production',
      'api',
      { ...PRODUCTION, SIGHTLINE_LOOPBACK_CAMERAS: 'on' },
      'SIGHTLINE_LOOPBACK_CAMERAS',
    ],
    [
      'production without a secret key',
      'prober',
      { NODE_ENV: 'production', DATABASE_URL: DATABASE },
      'SIGHTLINE_SECRET_KEY',
    ],
    ['the same for migrate', 'migrate', { NODE_ENV: 'production', DATABASE_URL: DATABASE }, 'SIGHTLINE_SECRET_KEY'],
    ['one port for both listeners', 'up', { PORT: '9464', SIGHTLINE_OPS_PORT: '9464' }, 'SIGHTLINE_OPS_PORT'],
    ['one port, by default', 'up', { SIGHTLINE_OPS_PORT: '3000' }, 'SIGHTLINE_OPS_PORT'],
  ])('%s', (_why, command, env, name) => {
    const problems = problemsOf(env, command);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${name}: `));
    expect(problems[0]).not.toContain('hunter2');
  });

  test('an unreadable setting is set all the same: no second line says that it is missing', () => {
    const problems = problemsOf({ NODE_ENV: 'production', DATABASE_URL: 'x', SIGHTLINE_SECRET_KEY: 'x' }, 'api');
    expect(problems.map((line) => line.split(':')[0])).toEqual(['DATABASE_URL', 'SIGHTLINE_SECRET_KEY']);
    const demo = problemsOf({ NODE_ENV: 'production', SIGHTLINE_SECRET_KEY: SECRET, SIGHTLINE_DEMO: 'yes' });
    expect(demo).toEqual(['SIGHTLINE_DEMO: expected on or off, got "yes"']);
  });

  test.each<[Command, Env]>([
    ['up', { ...PRODUCTION }],
    ['api', { ...PRODUCTION }],
    ['up', { NODE_ENV: 'production', SIGHTLINE_SECRET_KEY: SECRET, SIGHTLINE_DEMO: 'off' }],
    ['up', { PORT: '0', SIGHTLINE_OPS_PORT: '0' }],
    ['simulator', { NODE_ENV: 'production' }],
    ['client', { NODE_ENV: 'production', SIGHTLINE_DEMO: 'on', DATABASE_URL: DATABASE }],
    ['migrate', {}],
  ])('%s accepts %j', (command, env) => {
    expect(problemsOf(env, command)).toEqual([]);
  });
});

const contract = path.join(import.meta.dirname, '../../../../shared/design/contract.md');
const withContract = existsSync(contract) ? test : test.skip;

/** Settings that the contract does not have. */
const MORE = ['SIGHTLINE_AUDIT_CHECKPOINTS', 'SIGHTLINE_CORS_ORIGINS', 'SIGHTLINE_RATE_LIMITS'];

withContract('the table is that of contract.md, in its order (skipped without ../shared/design)', () => {
  const lines = readFileSync(contract, 'utf8').split('## Running it')[1]?.split('\nSwitches are')[0]?.split('\n') ?? [];
  const names = lines.flatMap((line) =>
    [...(line.split('|')[1] ?? '').matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name),
  );
  const ours = names.filter((name) => !['TEST_REQUIRE', 'DOCKER_HOST'].includes(name ?? ''));
  const shared = SETTINGS.map(({ name }) => name).filter((name) => !MORE.includes(name));
  expect(shared).toEqual(ours);
});

test('secrets are those settings that hold a password or a key', () => {
  expect(SETTINGS.filter(({ secret }) => secret).map(({ name }) => name)).toEqual([
    'DATABASE_URL',
    'DATABASE_READ_URL',
    'DATABASE_DIRECT_URL',
    'SIGHTLINE_ADMIN_KEY',
    'SIGHTLINE_SECRET_KEY',
    'SIGHTLINE_OIDC',
    'SIGHTLINE_KEY',
  ]);
});
