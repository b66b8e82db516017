// `npm start`: installs, compiles and runs everything in one process.
import { ensureBuilt, ensureInstalled, requireNode } from './set-up.mjs';

requireNode();
ensureInstalled();
await ensureBuilt();
process.argv.splice(2, 0, 'up');
await import('../bin/sightline.mjs');
