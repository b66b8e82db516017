// `npm run bench`: every benchmark, one after the other; each prints JSON with the machine it ran on.
import { ensureBuilt, ensureInstalled, requireNode, root, run } from './set-up.mjs';

requireNode();
ensureInstalled();
await ensureBuilt();
for (const bench of ['geo', 'near', 'sees', 'coverage', 'frames', 'thumbnail', 'splitter', 'probe'])
  run(process.execPath, [`${root}bench/${bench}.mjs`, ...process.argv.slice(2)]);
