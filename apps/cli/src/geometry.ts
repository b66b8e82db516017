import { setTimeout as wait } from 'node:timers/promises';
import type { Settings } from '#settings';
import { inPercent, ProgressLine } from './progress-line.js';
import { Failure, Server } from './server.js';

export interface RebuildOptions {
  readonly all?: boolean;
}

/** What `GET /v1/geometry` tells. */
interface GeometryState {
  readonly waiting: number;
  readonly rebuild: Run | null;
}

interface Run {
  readonly which: 'waiting' | 'all';
  readonly running: boolean;
  readonly done: number;
  readonly total: number;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly problem: string | null;
}

/** Runs are known to the process that they run in. */
const UNKNOWN = 'The server that answers knows of no run: it was started anew, or it is another one of several';

/** How often the server is asked how far it is, milliseconds. */
const ASK_EVERY_MS = 300;

/** Runs that were followed, one after the other, and what waits after the last. */
interface Followed {
  readonly runs: readonly Run[];
  readonly waiting: number;
}

/**
 * Lets the running server work out again what cameras see, and waits for it. A run under way is followed; where that is one of waiting views and all
 * were asked for, they come next.
 * @throws Failure where the run broke off
 */
export async function rebuildGeometry({ all = false }: RebuildOptions, { serverUrl, key }: Settings): Promise<void> {
  if (key === undefined) throw new Failure('this needs a platform administrator’s key: set SIGHTLINE_KEY, or --key');
  const server = new Server(serverUrl, key);
  for (;;) {
    const begun = await ask(server, 'POST', `/v1/geometry/rebuild?which=${all ? 'all' : 'waiting'}`, 202);
    const line = new ProgressLine();
    const followed = await untilEnded(server, begun, line).finally(() => line.end());
    process.stdout.write(inWords(followed));
    const { runs } = followed;
    const { done, total, problem } = runs.at(-1) as Run;
    if (problem !== null) throw new Failure(`The run ended after ${done} of ${total} views: ${problem}.`);
    if (!all || runs.some((run) => run.which === 'all')) return;
  }
}

async function ask(server: Server, method: 'GET' | 'POST', path: string, expected: number): Promise<GeometryState> {
  const reply = await server.send(method, path);
  if (reply.status !== expected) throw reply.failure();
  return reply.body as GeometryState;
}

async function untilEnded(server: Server, begun: GeometryState, line: ProgressLine): Promise<Followed> {
  const runs = new Map<string, Run>();
  let hadEnded = false;
  for (let state = begun; ;) {
    const { rebuild: run, waiting } = state;
    if (run === null) throw new Failure(`${UNKNOWN}; ${waiting} views wait.`);
    runs.set(run.startedAt, run);
    // What came to wait meanwhile gets a run of its own right after this one: it is worth another look.
    if (!run.running && (waiting === 0 || hadEnded)) return { runs: [...runs.values()], waiting };
    hadEnded = !run.running;
    line.show(`working out what cameras see: ${inPercent(run.done / Math.max(1, run.total))}, ${run.done} views`);
    await wait(ASK_EVERY_MS);
    state = await ask(server, 'GET', '/v1/geometry', 200);
  }
}

function inWords({ runs, waiting }: Followed): string {
  const views = runs.reduce((sum, { done }) => sum + done, 0);
  const milliseconds = runs.reduce(
    (sum, { startedAt, endedAt }) => sum + Date.parse(endedAt ?? startedAt) - Date.parse(startedAt),
    0,
  );
  const rest = waiting === 0 ? 'none waits' : `${waiting} still wait`;
  return `Worked out ${views} views in ${(milliseconds / 1_000).toFixed(1)} s; ${rest}.\n`;
}
