import { idIn, pathIdOf } from '../path-id.js';

/** The path parameter, for OpenAPI. */
export const CAMERA_ID = pathIdOf('camera');

/** The camera's id in an address. @throws NotFound */
export const idOf = (text: string): string => idIn(text, 'camera');
