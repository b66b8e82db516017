import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { DataSource } from 'typeorm';
import type { Keyring } from '#access';
import type { FrameStore, Pictures } from '#frames';
import type { Settings } from '#settings';

/** What the process lends to this door; whoever starts it opens and closes them. */
export interface ApiParts {
  readonly db: DataSource;
  readonly store: FrameStore;
  readonly pictures: Pictures;
  readonly keyring: Keyring;
  readonly log: Logger;
  readonly metrics: Registry;
  readonly settings: Settings;
  /** Of the program, as package.json states it. */
  readonly version: string;
}

/** Token by which controllers ask for the parts. */
export const PARTS = Symbol('ApiParts');
