// `npm test`: installs, compiles and runs every test. Arguments go to Jest, such as `npm test -- libs/geo`.
import { ensureBuilt, ensureInstalled, requireNode, root, run } from './set-up.mjs';

requireNode();
ensureInstalled();
await ensureBuilt();
const { writeClientTypes } = await import('./golden.mjs');
await writeClientTypes();
const jest = [`${root}node_modules/jest/bin/jest.js`, ...process.argv.slice(2)];
run(process.execPath, ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', ...jest]);
