export * from './database.js';
export { onServer } from './engine.js';
export * from './program.js';
export * from './random.js';
export * from './write-tiff.js';
