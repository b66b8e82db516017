import { json, ndjson } from './documents.js';
import { geojson } from './geojson.js';
import type { IntakeContext, IntakeResult } from './row.js';
import { wraFlood } from './wra-flood.js';

/** Reads a file of cameras: every row with its problems, or why none was read. Pure; never throws on what a file holds. */
export type Intake = (bytes: Uint8Array, context: IntakeContext) => IntakeResult;

/** Forms in which files of cameras come. A new one is one file and one line in {@link INTAKES}. */
export const PROFILES = ['geojson', 'ndjson', 'json', 'wra-flood'] as const;
export type Profile = (typeof PROFILES)[number];

export const INTAKES: Readonly<Record<Profile, Intake>> = {
  geojson,
  ndjson,
  json,
  'wra-flood': wraFlood,
};

/** Reads a file by its profile. */
export const intake = (profile: Profile, bytes: Uint8Array, context: IntakeContext): IntakeResult =>
  INTAKES[profile](bytes, context);
