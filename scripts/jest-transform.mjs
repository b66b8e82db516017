// TypeScript for Jest by swc. In the context that Jest runs a module in, each mention of a global name such as Math goes through a hook of Node, which
// in a loop over pixels or cells costs many times more than all the rest: a module takes those that cannot differ from test to test once.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createTransformer } from '@swc/jest';

const NAMES = [
  'Array',
  'BigInt',
  'Buffer',
  'DataView',
  'Float32Array',
  'Float64Array',
  'Infinity',
  'Int16Array',
  'Int32Array',
  'JSON',
  'Map',
  'Math',
  'NaN',
  'Number',
  'Object',
  'Set',
  'String',
  'Uint16Array',
  'Uint32Array',
  'Uint8Array',
];

const swc = createTransformer();
const own = readFileSync(new URL(import.meta.url));

/** On the first line, so that every line keeps its number. No module of ours gives one of the names another meaning; one that did would not load. */
function withNames(code) {
  const used = NAMES.filter((name) => new RegExp(`\\b${name}\\b`).test(code));
  return used.length === 0 ? code : `const { ${used.join(', ')} } = globalThis; ${code}`;
}

const transformed = ({ code, map }) => ({ code: withNames(code), map });

export default {
  canInstrument: swc.canInstrument,
  process: (...given) => transformed(swc.process(...given)),
  processAsync: async (...given) => transformed(await swc.processAsync(...given)),
  getCacheKey: (...given) =>
    createHash('sha1')
      .update(swc.getCacheKey(...given))
      .update(own)
      .digest('hex'),
};
