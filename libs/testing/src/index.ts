export * from './database.js';
export * from './program.js';
