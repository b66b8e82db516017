export * from './database.js';
export { onServer } from './engine.js';
export * from './program.js';
