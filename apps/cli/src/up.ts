import path from 'node:path';
import type { Settings } from '#settings';
import { migrate } from '#storage';
import { registerStreet } from './demo.js';
import { type Engines, judgeLogin, openDatabase, openEngines, openLog } from './engines.js';
import { ensureAdministrator } from './first-key.js';
import { proberArguments } from './prober.js';
import { endInOrder, graceMsOf, untilTold } from './running.js';

/** Everything in one process: API, prober, and with the demo the simulated street. */
export async function up(settings: Settings, version: string): Promise<void> {
  if (settings.databaseUrl !== undefined) await migrateServer(settings);
  const engines = await openEngines(settings, 'all', version);
  const closers: (() => Promise<unknown>)[] = [() => engines.close()];
  const { log } = engines;
  try {
    if (engines.isEmbedded) await migrate(engines.db);
    else if (settings.production) await judgeLogin(engines, { mayOwn: true });
    const adminKey = await ensureAdministrator({ ...engines, adminKey: settings.adminKey });
    const [{ start: startApi }, { start: startProber }] = await Promise.all([
      import('../../api/src/start.js'),
      import('../../prober/src/start.js'),
    ]);
    const api = await startApi(engines);
    let graceMs = 0;
    closers.push(() => api.close({ graceMs }));
    const prober = await startProber(...proberArguments(engines, [{ address: '0.0.0.0', port: api.port }]));
    closers.push(() => prober.close());
    const street = settings.demo ? await startStreet(engines, api.url, closers) : null;
    greet({ settings, version, url: api.url, adminKey, street, isEmbedded: engines.isEmbedded });
    graceMs = graceMsOf(await untilTold(log), settings.production);
  } finally {
    await endInOrder(async () => {
      for (const close of closers.reverse()) await close();
    }, log);
  }
}

/**
 * By a connection of its own, before there is any other: a migration of many cameras takes longer than any statement that serves may, and the
 * roles that serving works under are made by one.
 */
async function migrateServer(settings: Settings): Promise<void> {
  const closers: (() => Promise<unknown>)[] = [];
  try {
    const { db } = await openDatabase(settings, 'migrate', openLog(settings), closers);
    await migrate(db);
  } finally {
    for (const close of closers) await close();
  }
}

interface Street {
  readonly url: string;
  readonly cameras: number;
}

async function startStreet(engines: Engines, apiUrl: string, closers: (() => Promise<unknown>)[]): Promise<Street> {
  const { start } = await import('../../simulator/src/start.js');
  const { simulatorPort } = engines.settings;
  const simulator = await start({
    ...(simulatorPort === undefined ? {} : { port: simulatorPort, exactPort: true }),
    log: (message) => engines.log.info(message),
  });
  closers.push(() => simulator.close());
  await registerStreet(simulator, apiUrl, engines);
  return { url: simulator.url, cameras: simulator.cameras.length };
}

interface Greeting {
  readonly settings: Settings;
  readonly version: string;
  readonly url: string;
  readonly adminKey: string | null;
  readonly street: Street | null;
  readonly isEmbedded: boolean;
}

function greet({ settings, version, url, adminKey, street, isEmbedded }: Greeting): void {
  const where = path.relative(process.cwd(), settings.dataDir) || '.';
  const lines = [
    `Sightline ${version}`,
    `  cameras    ${url}/`,
    `  API        ${url}/docs`,
    `  database   ${isEmbedded ? `embedded PostGIS in ${where}` : 'the server of DATABASE_URL'}`,
    ...(street === null ? [] : [`  street     ${street.cameras} simulated cameras, ${street.url}`]),
    ...(adminKey === null ? [] : ['', `The first administrator's key, shown this once. Keep it:`, `  ${adminKey}`]),
    '',
    'Ctrl+C ends it.',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
