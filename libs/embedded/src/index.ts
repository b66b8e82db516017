export { openEmbedded } from './embedded.js';
export type { Embedded, EmbeddedOptions } from './embedded.js';
export { DataDirectoryInUse } from './lock.js';
