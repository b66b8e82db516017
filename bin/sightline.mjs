#!/usr/bin/env node
// The `sightline` command. Compiled code lies in dist/; `npm start` and `npm run build` make it.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('../dist/apps/cli/src/main.js', import.meta.url);
if (!existsSync(fileURLToPath(main))) {
  console.error('sightline is not built yet: run `npm run build`, or `npm start`, first.');
  process.exit(1);
}
await import(main.href);
