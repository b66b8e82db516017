import { PARK_CAMERAS } from './park-cameras.js';
import { ROAD_CAMERAS } from './road-cameras.js';
import type { StreetCamera } from './street-camera.js';
import { WATER_CAMERAS } from './water-cameras.js';

/** Every camera of the street but those of a load test (domain.md, section 11). */
export const STREET: readonly StreetCamera[] = [...WATER_CAMERAS, ...ROAD_CAMERAS, ...PARK_CAMERAS];
