import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { BadKeyring } from '#access';
import { LIFECYCLES, SCOPES, SERVICE_KINDS, type ServiceKind } from '#catalog';
import { DataDirectoryInUse } from '#embedded';
import { PROFILES } from '#intake';
import { BadSettings, readSettings, type Settings, SETTINGS } from '#settings';
import { UnfitDatabase } from '#storage';
import { BadAdminKey } from './first-key.js';
import type { ImportOptions } from './import.js';
import type { KeyOptions } from './keys.js';
import type { ProbeUrlOptions } from './probe-url.js';
import { Failure } from './server.js';

const { version } = JSON.parse(readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

type Use = Parameters<typeof readSettings>[1]['command'];
const settingsFor = (command: Use, more: Record<string, string | undefined> = {}): Settings =>
  readSettings({ ...process.env, ...more }, { command });

function whole(text: string): number {
  const value = Number(text);
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError('expected a whole number');
  return value;
}

const list = (text: string, before: readonly string[] = []): readonly string[] => [...before, ...text.split(',')];

const settingsHelp = (): string => {
  const width = Math.max(...SETTINGS.map(({ name }) => name.length));
  const lines = SETTINGS.map(({ name, fallback, meaning }) => `  ${name.padEnd(width)}  ${meaning} (${fallback})`);
  return `\nSettings, from the environment:\n${lines.join('\n')}\n`;
};

const program = new Command('sightline')
  .description("The open registry of a region's cameras.")
  .version(version)
  .showHelpAfterError('(--help shows what there is)')
  .configureHelp({ helpWidth: 110 })
  .exitOverride();

program
  .command('up')
  .description('run everything in one process: API, prober, database and, by default, a simulated street of cameras')
  .addHelpText('after', settingsHelp)
  .action(async () => (await import('./up.js')).up(settingsFor('up'), version));

program
  .command('api')
  .description('run the API alone, on the server of DATABASE_URL')
  .addHelpText('after', settingsHelp)
  .action(async () => (await import('./api.js')).api(settingsFor('api'), version));

program
  .command('prober')
  .description('run a prober alone, on the server of DATABASE_URL; any number may run at once')
  .addHelpText('after', settingsHelp)
  .action(async () => (await import('./prober.js')).prober(settingsFor('prober'), version));

program
  .command('migrate')
  .description('bring the database up to date, once a release, and make the first administrator’s key')
  .addHelpText('after', settingsHelp)
  .action(async () => (await import('./migrate.js')).migrateOnce(settingsFor('migrate')));

program
  .command('simulator')
  .description('run the simulated street of cameras alone')
  .option('--port <port>', 'where it listens (default: 3100 or the next free one)', whole)
  .option('--host <address>', 'listen on this address, all cameras on one (default: loopback, an address each)')
  .option('--cameras <count>', 'more cameras of the plainest kind, for load', whole, 0)
  .option('--json', 'print authorities and cameras as JSON, ready to be registered', false)
  .action(async (options: { port?: number; host?: string; cameras: number; json: boolean }) =>
    (await import('./simulator.js')).simulator(options),
  );

program
  .command('probe')
  .argument('<url>', 'http or https address of a stream or a picture')
  .description('diagnose a camera without registering it: every step, the outcome, and the picture')
  .addOption(new Option('--kind <kind>', 'what is at the address (default: told by it)').choices(SERVICE_KINDS))
  .option('-u, --user <name:password>', 'sign in, by Digest where the camera offers it')
  .option('--resolution <WxH>', 'put resolution=WxH into the URL, as Axis devices take it')
  .option('-o, --output <file>', 'where the picture goes (default: frame.jpg)')
  .option('--insecure-basic', 'let Basic go over plain http')
  .option('--legacy-tls', 'allow TLS 1.0 and old ciphers')
  .option('--json', 'print JSON')
  .addHelpText('after', '\nExit code: 0 a picture, 2 none, 1 the command itself failed.')
  .action(async (url: string, options: Omit<ProbeUrlOptions, 'version'> & { kind?: ServiceKind }) =>
    (await import('./probe-url.js')).probeUrl(url, { ...options, version }),
  );

program
  .command('import')
  .argument('<file>', 'file of cameras')
  .description('send a file of cameras to the running server')
  .requiredOption('--authority <slug>', 'authority whose cameras these are')
  .addOption(
    new Option('--profile <profile>', 'form of the file (default: told by its first records)').choices(PROFILES),
  )
  .option('--dry-run', 'try everything and keep nothing')
  .addOption(new Option('--mode <mode>', 'whether cameras that are there change').choices(['upsert', 'create']))
  .addOption(
    new Option('--lifecycle <lifecycle>', 'admit rows without any URL').choices(
      LIFECYCLES.filter((one) => one === 'suspended'),
    ),
  )
  .option('--key-from <field>', 'field that holds the agency’s id')
  .option('--heading-from <field>', 'field whose words tell where the camera looks')
  .option('--json', 'print the whole report as JSON')
  .option('--key <key>', 'API key (default: SIGHTLINE_KEY)')
  .addHelpText('after', '\nExit code: 0 every row was taken, 2 some rows failed, 1 the command itself failed.')
  .action(async (file: string, { key, ...options }: ImportOptions & { key?: string }) =>
    (await import('./import.js')).importFile(file, options, settingsFor('client', given('SIGHTLINE_KEY', key))),
  );

const keys = program.command('keys').description('make, list and revoke API keys of the running server');
keys
  .command('create')
  .description('make a key; it is printed once, alone, on standard output')
  .requiredOption('--name <words>', 'what the key is for')
  .requiredOption('--scope <scopes>', `what it may do, with commas between: ${SCOPES.join(', ')}`, list)
  .requiredOption('--authority <slugs>', 'for which authorities, with commas between, or all', list)
  .option('--days <days>', 'days until it ends, at most 400 (default: 90)', whole)
  .option('--key <key>', 'API key to make it with (default: SIGHTLINE_KEY)')
  .action(async ({ key, ...options }: KeyOptions & { key?: string }) =>
    (await import('./keys.js')).createKey(options, settingsFor('client', given('SIGHTLINE_KEY', key))),
  );
keys
  .command('list')
  .description('list keys, a line each')
  .option('--key <key>', 'API key (default: SIGHTLINE_KEY)')
  .action(async ({ key }: { key?: string }) =>
    (await import('./keys.js')).listKeys(settingsFor('client', given('SIGHTLINE_KEY', key))),
  );
keys
  .command('revoke')
  .argument('<id>', 'id of the key')
  .description('revoke a key, and every key made with it')
  .option('--key <key>', 'API key (default: SIGHTLINE_KEY)')
  .action(async (id: string, { key }: { key?: string }) =>
    (await import('./keys.js')).revokeKey(id, settingsFor('client', given('SIGHTLINE_KEY', key))),
  );

const given = (name: string, value: string | undefined): Record<string, string> =>
  value === undefined ? {} : { [name]: value };

/** Errors that a person can mend are said in a sentence; anything else is a bug and shows its stack. */
const KNOWN = [Failure, BadSettings, BadKeyring, BadAdminKey, DataDirectoryInUse, UnfitDatabase];

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 1;
  else {
    const isKnown = KNOWN.some((one) => error instanceof one) || isListening(error);
    process.stderr.write(`${isKnown ? (error as Error).message : ((error as Error).stack ?? String(error))}\n`);
    process.exitCode = error instanceof Failure ? error.exitCode : 1;
  }
}

function isListening(error: unknown): boolean {
  const { code, port } = error as { readonly code?: string; readonly port?: number };
  if (code !== 'EADDRINUSE' && code !== 'EACCES') return false;
  const why = code === 'EADDRINUSE' ? 'is taken by another program' : 'may not be opened by this user';
  (error as Error).message = `Port ${port ?? ''} ${why}; PORT names another.`;
  return true;
}
