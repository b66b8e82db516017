// What a fresh clone needs before anything runs: packages, compiled code. Both are made only where they are missing or old.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const inRoot = (...parts) => path.join(root, ...parts);
const BUILT = inRoot('dist', '.built');

/** Ends with a sentence on a Node that is too old. */
export function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`Sightline needs Node 20.19 or newer; this is ${process.versions.node}.`);
  process.exit(1);
}

const timeOf = (file) => (existsSync(file) ? statSync(file).mtimeMs : 0);

/** Installs exactly what the lockfile says, without running any package's scripts. */
export function ensureInstalled() {
  if (timeOf(inRoot('node_modules', '.package-lock.json')) >= timeOf(inRoot('package-lock.json'))) return;
  console.error('Installing packages …');
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  run(npm[0], [...npm.slice(1), 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
  // npm leaves the file's time alone when nothing changed.
  const installed = inRoot('node_modules', '.package-lock.json');
  if (timeOf(installed) < timeOf(inRoot('package-lock.json'))) spawnSync('touch', [installed]);
}

/** Compiles when any source but those of tests is newer than what was compiled. */
export async function ensureBuilt() {
  if (newestSource() < timeOf(BUILT)) return;
  console.error('Compiling …');
  const { build } = await import('./build.mjs');
  if (!(await build())) process.exit(1);
  writeFileSync(BUILT, `${new Date().toISOString()}\n`);
}

const SOURCES = ['apps', 'libs', 'migrations', 'scripts', 'package.json', 'tsconfig.json', 'nest-cli.json'];

function newestSource() {
  let newest = 0;
  const look = (file) => {
    const stat = statSync(file);
    if (!stat.isDirectory()) newest = Math.max(newest, stat.mtimeMs);
    else for (const name of readdirSync(file)) if (name !== 'test') look(path.join(file, name));
  };
  for (const source of SOURCES) look(inRoot(source));
  return newest;
}

/** Runs a program to its end; its failure is ours. */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
