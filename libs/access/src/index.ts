export * from './acting.js';
export * from './api-key.js';
export * from './keyring.js';
export * from './mint-rights.js';
export * from './principal.js';
export * from './webhook-signature.js';
