// Files that the program writes about itself and that are committed: `node scripts/golden.mjs` writes them anew, `npm run check` and the
// tests compare. The client's types are made of openapi.json and not committed.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuilt, ensureInstalled, root } from './set-up.mjs';

const inRoot = (...parts) => path.join(root, ...parts);

/** Text of every golden file, by its path. */
export async function goldenFiles() {
  const { describeProgram } = await import(pathToFileURL(inRoot('dist/apps/api/src/golden.js')).href);
  const { faultsPage } = await import(pathToFileURL(inRoot('dist/apps/simulator/src/fault-table.js')).href);
  const described = await describeProgram(JSON.parse(readFileSync(inRoot('package.json'), 'utf8')).version);
  return { ...described, 'docs/faults.md': faultsPage() };
}

/** Types of the client that e2e tests speak through, from the committed description. */
export async function writeClientTypes() {
  const { default: openapiTypescript, astToString } = await import('openapi-typescript');
  const ast = await openapiTypescript(pathToFileURL(inRoot('openapi.json')));
  const file = inRoot('apps/api/test/api-types.ts');
  const text = `// Made of openapi.json by scripts/golden.mjs.\n${astToString(ast)}`;
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text);
}

if (process.argv[1] === inRoot('scripts/golden.mjs')) {
  ensureInstalled();
  await ensureBuilt();
  for (const [file, text] of Object.entries(await goldenFiles())) {
    mkdirSync(path.dirname(inRoot(file)), { recursive: true });
    writeFileSync(inRoot(file), text);
    console.log(`wrote ${file}`);
  }
  await writeClientTypes();
  process.exit(0);
}
