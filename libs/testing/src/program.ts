import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { mintKey } from '#access';
import { engine, openTestDatabase, type TestDatabase } from './database.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const MAIN = path.join(ROOT, 'dist', 'apps', 'cli', 'src', 'main.js');

/** A folder beside the checkout with data, vectors and tools; specs that want it skip where it is not. */
export const SHARED = path.join(ROOT, '..', 'shared');

export interface ProgramOptions {
  /** Arguments of `sightline`. Default `up`. */
  readonly args?: readonly string[];
  /** Beside a clean environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** What comes on its standard input. Default: nothing. */
  readonly input?: string;
}

/** The built program in a process of its own. */
export interface Program {
  readonly child: ChildProcess;
  /** What it wrote so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves with the exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
  /** The first match in what it writes to standard output. @throws Error when it ends before */
  said(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
}

/** Runs `sightline` as a person would, in a clean environment. */
export function runProgram({ args = ['up'], env = {}, input }: ProgramOptions = {}): Program {
  if (!existsSync(MAIN)) throw new Error('the program is not built: npm test builds it, or npm run build');
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: ROOT,
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', TMPDIR: tmpdir(), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // It may end without having read it.
  child.stdin.on('error', () => undefined).end(input);
  let out = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const ended = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  return {
    child,
    stdout: () => out,
    stderr: () => errors,
    ended,
    said: async (pattern, timeoutMs = 90_000) => {
      const until = Date.now() + timeoutMs;
      for (;;) {
        const found = pattern.exec(out);
        if (found !== null) return found;
        if (child.exitCode !== null || child.signalCode !== null || Date.now() > until) {
          throw new Error(`sightline ${args.join(' ')} did not say ${String(pattern)}\n${out}\n${errors}`);
        }
        await wait(50);
      }
    },
  };
}

/** Ends a process: in order by SIGTERM, or at once by SIGKILL. */
export async function endProgram(program: Program, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
  if (program.child.exitCode === null && program.child.signalCode === null) program.child.kill(signal);
  return program.ended;
}

/** A running server with its own database and an administrator's key. */
export interface Sightline {
  readonly url: string;
  /** Key of a platform administrator. */
  readonly key: string;
  readonly dataDir: string;
  readonly database: TestDatabase | null;
  /** The process that runs now. */
  program(): Program;
  /** Ends the process and starts another on the same data and port. */
  restart(signal?: NodeJS.Signals): Promise<void>;
  close(): Promise<void>;
}

export interface SightlineOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** The embedded database even where a server was found. */
  readonly embedded?: boolean;
}

/** Starts `sightline up` without the demo: on a database of its own where a server was found, else on the embedded one. */
export async function startSightline({ env = {}, embedded = false }: SightlineOptions = {}): Promise<Sightline> {
  const database = engine.kind === 'server' && !embedded ? await openTestDatabase({ migrated: false }) : null;
  const dataDir = mkdtempSync(path.join(tmpdir(), 'sightline-e2e-'));
  const { key } = mintKey(randomBytes);
  let port = '0';
  const settings = (): Record<string, string> => ({
    PORT: port,
    SIGHTLINE_DATA_DIR: dataDir,
    SIGHTLINE_ADMIN_KEY: key,
    SIGHTLINE_DEMO: 'off',
    SIGHTLINE_LOOPBACK_CAMERAS: 'on',
    // A spec asks more in a second than anybody in a minute; limits.e2e.spec.ts turns them on.
    SIGHTLINE_RATE_LIMITS: 'off',
    ...(database?.url === undefined ? {} : { DATABASE_URL: database.url }),
    ...env,
  });
  const start = async (): Promise<{ program: Program; url: string }> => {
    const program = runProgram({ env: settings() });
    const [, url = ''] = await program.said(/(http:\/\/[\d.]+:\d+)\//);
    return { program, url };
  };
  let running = await start();
  port = new URL(running.url).port;
  return {
    url: running.url,
    key,
    dataDir,
    database,
    program: () => running.program,
    restart: async (signal = 'SIGTERM') => {
      await endProgram(running.program, signal);
      running = await start();
    },
    close: async () => {
      await endProgram(running.program);
      await database?.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** The simulated street, run as a process. */
export interface Street {
  readonly program: Program;
  readonly authorities: readonly Readonly<Record<string, unknown>>[];
  readonly cameras: readonly Readonly<Record<string, unknown>>[];
}

/** Starts the simulator alone. @param args such as `--cameras 100` */
export async function startStreet(args: readonly string[] = []): Promise<Street> {
  const program = runProgram({ args: ['simulator', '--port', '0', '--json', ...args] });
  const [line] = await program.said(/^\{.*\}$/m);
  return { program, ...(JSON.parse(line) as Omit<Street, 'program'>) };
}
