// `npm run check`: everything that a machine can refuse.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { slowRegexes } from './regexes.mjs';
import { coverageProblems } from './security-coverage.mjs';
import { ensureBuilt, ensureInstalled, requireNode, root } from './set-up.mjs';
import { packageProblems } from './supply-chain/packages.mjs';

/** Programs of others, the longest first, by the name of the check. */
const STEPS = [
  ['lint', 'eslint', '.'],
  ['types', 'tsc', '--noEmit', '-p', '.'],
  ['format', 'prettier', '--check', '--log-level', 'warn', '.'],
  ['arrows and cycles', 'depcruise', '--config', '.dependency-cruiser.cjs', 'libs', 'apps', 'migrations'],
  ['OpenAPI lint', 'spectral', 'lint', '--fail-severity=hint', '--quiet', 'openapi.json'],
];

requireNode();
ensureInstalled();
const { goldenFiles, writeClientTypes } = await import('./golden.mjs');
// Specs are linted and typed by them.
await writeClientTypes();

const failures = [];
const steps = [...STEPS];
// Two at a time: each has one core, and takes what ours below leave.
const others = Promise.all([takeSteps(), takeSteps()]);
await ensureBuilt();

async function takeSteps() {
  for (let next = steps.shift(); next !== undefined; next = steps.shift()) await step(...next);
}

/** Its output comes whole once it has ended, since others run beside it. */
async function step(name, command, ...args) {
  const began = Date.now();
  const child = spawn(path.join(root, 'node_modules', '.bin', command), args, { cwd: root });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => output.push(bytes));
  const status = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  process.stderr.write(Buffer.concat(output));
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  if (status !== 0) failures.push(name);
}

function judge(name, problems) {
  for (const problem of problems) console.error(`  ${problem}`);
  console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${name}`);
  if (problems.length > 0) failures.push(name);
}

judge('golden files', await staleGolden());
judge('rooms are in docs/ARCHITECTURE.md', unknownRooms());
judge('compose file', forbiddenInCompose());
judge('packages of others', packageProblems());
judge('security coverage', coverageProblems());
judge('regular expressions (RE-1)', await slowRegexes());
await others;
if (failures.length > 0) {
  console.error(`\n${failures.length} checks failed: ${failures.join(', ')}`);
  process.exit(1);
}
process.exit(0);

async function staleGolden() {
  const files = Object.entries(await goldenFiles());
  const isStale = ([file, text]) =>
    !existsSync(path.join(root, file)) || readFileSync(path.join(root, file), 'utf8') !== text;
  return files
    .filter(isStale)
    .map(([file]) => `${file} is out of date: run node scripts/golden.mjs and look at the difference`);
}

function unknownRooms() {
  const page = readFileSync(path.join(root, 'docs/ARCHITECTURE.md'), 'utf8');
  const rooms = ['apps', 'libs'].flatMap((house) =>
    readdirSync(path.join(root, house)).map((room) => `${house}/${room}`),
  );
  return rooms.filter((room) => !page.includes(`\`${room}\``)).map((room) => `${room} is not described`);
}

/** Words of newer compose files that compose 1.29 does not know, or takes for something else (design page "running"). */
function forbiddenInCompose() {
  const text = readFileSync(path.join(root, 'docker-compose.yml'), 'utf8').replace(/^\s*#.*$/gm, '');
  const never = [
    /^(?:version|name|include):/m,
    /container_name:/,
    /^\s+(?:develop|attach|annotations|gpus|provider|post_start|start_interval|host_ip|subpath|create_host_path):/m,
    /dockerfile_inline|additional_contexts/,
    /\$\{[A-Z_]+:\+/,
    /\$\{[A-Z_]+:-\$\{/,
    /!reset/,
  ];
  return never.filter((word) => word.test(text)).map((word) => `docker-compose.yml has ${word}`);
}
