import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { BadKeyring } from '#access';
import { LIFECYCLES, SCOPES, SERVICE_KINDS, type ServiceKind, TERRAIN_KINDS, TLS_MODES } from '#catalog';
import { DataDirectoryInUse } from '#embedded';
import { PROFILES } from '#intake';
import { BadSettings, readSettings, type Settings, SETTINGS } from '#settings';
import type { UnfitDatabase } from '#storage';
import type { CheckpointOptions } from './audit-checkpoint.js';
import type { VerifyOptions } from './audit-verify.js';
import type { BuildingsOptions } from './buildings.js';
import type { BadAdminKey } from './first-key.js';
import type { RebuildOptions } from './geometry.js';
import type { MapOptions } from './geometry-map.js';
import type { ImportOptions } from './import.js';
import type { KeyOptions } from './keys.js';
import type { ProbeUrlOptions } from './probe-url.js';
import { Failure } from './server.js';
import type { SimulatorOptions } from './simulator.js';
import type { TerrainOptions } from './terrain.js';

const { version } = JSON.parse(readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

/** Where the flood of the simulated street is, and how far around it the street lies, metres. */
const DEMO_PLACE = '120.295,23.079';
const DEMO_RADIUS_M = 1_500;

type Use = Parameters<typeof readSettings>[1]['command'];
const settingsFor = (command: Use, more: Record<string, string | undefined> = {}): Settings =>
  readSettings({ ...process.env, ...more }, { command });

function whole(text: string): number {
  const value = Number(text);
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError('expected a whole number');
  return value;
}

const list = (text: string, before: readonly string[] = []): readonly string[] => [...before, ...text.split(',')];

const several = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

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
  .option('--list-faults', 'list what its cameras can be told to suffer from, and end', false)
  .action(async (options: SimulatorOptions) => (await import('./simulator.js')).simulator(options));

program
  .command('probe')
  .argument('<url>', 'http or https address of a stream or a picture')
  .description('diagnose a camera without registering it: every step, the outcome, what to do next, and the picture')
  .addOption(new Option('--kind <kind>', 'what is at the address (default: told by it)').choices(SERVICE_KINDS))
  .option(
    '-u, --user <name[:password]>',
    'sign in, by Digest where the camera offers it; asks for the password if it is absent',
  )
  .option('--resolution <WxH>', 'put resolution=WxH into the URL, as Axis devices take it')
  .option('-o, --output <file>', 'where the picture goes (default: frame.jpg)')
  .option('--insecure-basic', 'let Basic go over plain http')
  .addOption(
    new Option('--tls <mode>', 'judge the certificate (default: strict for names, pinned for addresses)').choices(
      TLS_MODES,
    ),
  )
  .option('--legacy-tls', 'the same as --tls legacy: old versions and ciphers too')
  .option('--pin <key>', 'SHA-256 of the key that the camera showed before, base64: another one is a fault')
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

const buildings = program
  .command('buildings')
  .description('import, list and delete the buildings that stand in lines of sight');
buildings
  .command('import')
  .argument('<file>', 'GeoJSON: polygons in longitude and latitude with their heights')
  .description('send a file of buildings to the running server')
  .requiredOption('--date <date>', 'date of the data, such as 2025-06-30; where sets overlap, the newest counts')
  .option('--height-from <property>', 'property that holds the height of the top above the ground, metres')
  .option('--base-from <property>', 'property that holds the height of the underside above the ground, metres')
  .option('--json', 'print the set as JSON')
  .option('--key <key>', 'API key of a platform administrator (default: SIGHTLINE_KEY)')
  .addHelpText('after', '\nExit code: 0 every feature was taken, 2 some were left out, 1 the import failed.')
  .action(async (file: string, { key, ...options }: BuildingsOptions & { key?: string }) =>
    (await import('./buildings.js')).importBuildings(file, options, settingsFor('client', given('SIGHTLINE_KEY', key))),
  );
buildings
  .command('list')
  .description('list sets of buildings, a line each')
  .action(async () => (await import('./buildings.js')).listBuildings(settingsFor('client')));
buildings
  .command('delete')
  .argument('<id>', 'id of the set')
  .description('delete a set of buildings')
  .option('--key <key>', 'API key of a platform administrator (default: SIGHTLINE_KEY)')
  .action(async (id: string, { key }: { key?: string }) =>
    (await import('./buildings.js')).deleteBuildings(id, settingsFor('client', given('SIGHTLINE_KEY', key))),
  );

const terrain = program
  .command('terrain')
  .description('import, list and delete heights of the ground, which block lines of sight');
terrain
  .command('import')
  .argument('<file>', 'GeoTIFF of one band')
  .description('send a raster of heights to the running server')
  .requiredOption('--date <date>', 'date of the data, such as 2023-01-01; where rasters overlap, the newest counts')
  .addOption(new Option('--kind <kind>', 'bare earth, or a surface model (default: terrain)').choices(TERRAIN_KINDS))
  .option('--crs <code>', 'CRS of its coordinates, such as EPSG:3826, where the file does not state it')
  .option('--json', 'print the raster as JSON')
  .option('--key <key>', 'API key of a platform administrator (default: SIGHTLINE_KEY)')
  .action(async (file: string, { key, ...options }: TerrainOptions & { key?: string }) =>
    (await import('./terrain.js')).importTerrain(file, options, settingsFor('client', given('SIGHTLINE_KEY', key))),
  );
terrain
  .command('list')
  .description('list rasters of heights, a line each')
  .action(async () => (await import('./terrain.js')).listTerrain(settingsFor('client')));
terrain
  .command('delete')
  .argument('<id>', 'id of the raster')
  .description('delete a raster of heights')
  .option('--key <key>', 'API key of a platform administrator (default: SIGHTLINE_KEY)')
  .action(async (id: string, { key }: { key?: string }) =>
    (await import('./terrain.js')).deleteTerrain(id, settingsFor('client', given('SIGHTLINE_KEY', key))),
  );

const geometry = program.command('geometry').description('work out again what cameras see; draw it as a map');
geometry
  .command('rebuild')
  .description('work out stored footprints again that wait for it, and follow a run under way')
  .option('--all', 'every one, not only those that wait')
  .option('--key <key>', 'API key of a platform administrator (default: SIGHTLINE_KEY)')
  .action(async ({ key, ...options }: RebuildOptions & { key?: string }) =>
    (await import('./geometry.js')).rebuildGeometry(options, settingsFor('client', given('SIGHTLINE_KEY', key))),
  );
geometry
  .command('map')
  .description('draw the cameras around a place and the ground that each shows, as SVG')
  .option('--near <lon,lat>', 'middle of the map', DEMO_PLACE)
  .option('--radius <metres>', 'cameras so near are drawn', whole, DEMO_RADIUS_M)
  .option('-o, --output <file>', 'where the map goes', 'footprints.svg')
  .option('--key <key>', 'API key, for more than the public cameras (default: SIGHTLINE_KEY)')
  .action(async ({ key, ...options }: MapOptions & { key?: string }) =>
    (await import('./geometry-map.js')).drawGeometry(options, settingsFor('client', given('SIGHTLINE_KEY', key))),
  );

const keys = program
  .command('keys')
  .description('make, list and revoke API keys of the running server; rotate the key that seals secrets');
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
keys
  .command('status')
  .description(
    'show what stands under which key of SIGHTLINE_SECRET_KEY, and which one may go; opens the database itself',
  )
  .action(async () => (await import('./rotate-keys.js')).showKeyUses(settingsFor('migrate')));
keys
  .command('rotate')
  .description('put every sealed secret under the first key of SIGHTLINE_SECRET_KEY; opens the database itself')
  .addHelpText(
    'after',
    '\nExit code: 0 all stands under it, 2 some secrets stay under another, 1 the command itself failed.',
  )
  .action(async () => (await import('./rotate-keys.js')).rotateKeys(settingsFor('migrate')));

const audit = program.command('audit').description('verify who did what, and write down how far it has come');
audit
  .command('verify')
  .description(
    'follow every chain of the audit in the database itself, and name what was edited, deleted, reordered or cut off',
  )
  .option(
    '--checkpoints <file>',
    'signed checkpoints; several times for several files (default: SIGHTLINE_AUDIT_CHECKPOINTS)',
    several,
  )
  .option('--public-key <key>', 'a key that checkpoints may be signed with, beside those of the secret key', several)
  .option('--authority <slug>', 'the chain of one authority alone')
  .option('--since <date>', 'entries of before are not looked at, such as those of partitions that were put away')
  .addHelpText('after', '\nExit code: 0 the audit stands, 1 it does not, or could not be read.')
  .action(async (options: VerifyOptions) =>
    (await import('./audit-verify.js')).auditVerify(options, settingsFor('migrate')),
  );
audit
  .command('checkpoint')
  .description('write a signed checkpoint of every chain now')
  .option('-o, --output <file>', 'where it goes (default: SIGHTLINE_AUDIT_CHECKPOINTS)')
  .action(async (options: CheckpointOptions) =>
    (await import('./audit-checkpoint.js')).auditCheckpoint(options, settingsFor('migrate')),
  );

const given = (name: string, value: string | undefined): Record<string, string> =>
  value === undefined ? {} : { [name]: value };

/** Errors that a person can mend are said in a sentence; anything else is a bug and shows its stack. */
const KNOWN = [Failure, BadSettings, BadKeyring, DataDirectoryInUse];
/** Told by their names: to load the rooms that throw them takes longer than many a command. */
const KNOWN_NAMES: readonly string[] = [
  'BadAdminKey' satisfies BadAdminKey['name'],
  'UnfitDatabase' satisfies UnfitDatabase['name'],
];

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 1;
  else {
    const isNamed = error instanceof Error && KNOWN_NAMES.includes(error.name);
    const isKnown = isNamed || KNOWN.some((one) => error instanceof one) || isListening(error);
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
