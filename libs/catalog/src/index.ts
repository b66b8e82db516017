import 'reflect-metadata';

export * from './codes.js';
export * from './frame.js';
