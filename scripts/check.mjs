// `npm run check`: everything that a machine can refuse.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { slowRegexes } from './regexes.mjs';
import { coverageProblems } from './security-coverage.mjs';
import { ensureBuilt, ensureInstalled, requireNode, root } from './set-up.mjs';
import { packageProblems } from './supply-chain/packages.mjs';

requireNode();
ensureInstalled();
await ensureBuilt();
const { goldenFiles, writeClientTypes } = await import('./golden.mjs');
await writeClientTypes();

const failures = [];
const bin = (name) => path.join(root, 'node_modules', '.bin', name);

function step(name, command, args) {
  const began = Date.now();
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  if (status !== 0) failures.push(name);
}

function judge(name, problems) {
  for (const problem of problems) console.error(`  ${problem}`);
  console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${name}`);
  if (problems.length > 0) failures.push(name);
}

step('types', bin('tsc'), ['--noEmit', '-p', '.']);
step('format', bin('prettier'), ['--check', '--log-level', 'warn', '.']);
step('lint', bin('eslint'), ['.']);
step('arrows and cycles', bin('depcruise'), ['--config', '.dependency-cruiser.cjs', 'libs', 'apps', 'migrations']);
judge('golden files', await staleGolden());
step('OpenAPI lint', bin('spectral'), ['lint', '--fail-severity=hint', '--quiet', 'openapi.json']);
judge('rooms are in docs/ARCHITECTURE.md', unknownRooms());
judge('compose file', forbiddenInCompose());
judge('packages of others', packageProblems());
judge('security coverage', coverageProblems());
judge('regular expressions (RE-1)', await slowRegexes());
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
