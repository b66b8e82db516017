import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { databaseEndpoints, type Settings } from '#settings';
import { requireMigrated } from '#storage';
import { type Engines, judgeLogin, openEngines } from './engines.js';
import { endInOrder, untilTold } from './running.js';

type ProberArguments = Parameters<(typeof import('../../prober/src/start.js'))['start']>;
type OwnEndpoints = NonNullable<ProberArguments[0]['ownEndpoints']>;

/** What the prober works by and is lent. @param ours listeners of this very process, which no camera's URL may name */
export function proberArguments(engines: Engines, ours: OwnEndpoints = []): ProberArguments {
  const { settings, keyring, version } = engines;
  const { probeSockets, loopbackCameras, host, opsPort, opsPortIsGiven } = settings;
  return [
    {
      probeSockets,
      loopbackCameras,
      ownEndpoints: [...ours, ...databaseEndpoints(settings)],
      ...(opsPort === undefined ? {} : { ops: { host, port: opsPort, orNextFree: !opsPortIsGiven } }),
    },
    {
      ...engines,
      openSecret: ({ kid, ciphertext, ...place }) => keyring.open(place, kid, ciphertext),
      owner: `${hostname()}:${process.pid}:${randomBytes(3).toString('hex')}`,
      userAgent: `Sightline/${version}`,
    },
  ];
}

/** The prober alone, on a server's database. */
export async function prober(settings: Settings, version: string): Promise<void> {
  const engines = await openEngines(settings, 'prober', version);
  const { log, db } = engines;
  let close = (): Promise<void> => engines.close();
  try {
    await requireMigrated(db);
    if (settings.production) await judgeLogin(engines);
    const { start } = await import('../../prober/src/start.js');
    const running = await start(...proberArguments(engines));
    close = async () => {
      await running.close();
      await engines.close();
    };
    log.info({ opsPort: running.opsPort }, 'the prober works');
    await untilTold(log);
  } finally {
    await endInOrder(() => close(), log);
  }
}
