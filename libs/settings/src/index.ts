export * from './database-endpoints.js';
export * from './settings.js';
export { SETTINGS, type LogLevel, type SettingDescription } from './table.js';
