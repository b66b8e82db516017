import { openLog } from './engines.js';
import { endInOrder, untilTold } from './running.js';

export interface SimulatorOptions {
  readonly port?: number;
  readonly host?: string;
  readonly cameras: number;
  readonly json: boolean;
  /** Tell what the cameras can be told to suffer from, and end. */
  readonly listFaults: boolean;
}

/** The simulated street alone. */
export async function simulator({ port, host, cameras, json, listFaults }: SimulatorOptions): Promise<void> {
  const { faultList, start } = await import('../../simulator/src/start.js');
  if (listFaults) return void process.stdout.write(faultList());
  const log = openLog({ logLevel: 'info' });
  const street = await start({
    ...(port === undefined ? {} : { port, exactPort: true }),
    ...(host === undefined ? {} : { host }),
    cameras,
    log: (message) => log.info(message),
  });
  if (json) process.stdout.write(`${JSON.stringify({ authorities: street.authorities, cameras: street.cameras })}\n`);
  else
    process.stdout.write(`${street.cameras.length} simulated cameras; the list is at ${street.url}\nCtrl+C ends it.\n`);
  try {
    await untilTold(log);
  } finally {
    await endInOrder(() => street.close(), log);
  }
}
