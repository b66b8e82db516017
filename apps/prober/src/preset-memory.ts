import type { KnownPreset } from '#storage';
import type { Held } from './keep-picture.js';
import type { Memory, Validators } from './memory.js';

/** What the prober wants to know again of a preset; JSON, kept beside its picture. */
export interface PresetMemory {
  /** Form of this object; one of another form is forgotten. */
  readonly v: 1;
  readonly stored: Memory['stored'];
  readonly validators: Validators | null;
  /** Probes in a row that brought no picture, under this configuration. */
  readonly failures: number;
  readonly configVersion: number;
}

const NO_MEMORY = { v: 1, stored: null, validators: null } as const;

/** As it was kept; after a change of what is dialled its failures are forgotten. */
export function presetMemoryOf(known: KnownPreset | undefined, configVersion: number): PresetMemory {
  const kept = known?.memory;
  const isOurs = typeof kept === 'object' && kept !== null && (kept as { readonly v?: unknown }).v === NO_MEMORY.v;
  const memory = isOurs ? (kept as PresetMemory) : { ...NO_MEMORY, failures: 0, configVersion };
  return memory.configVersion === configVersion ? memory : { ...memory, failures: 0, configVersion };
}

/** Its picture. */
export const heldOf = (known: KnownPreset | undefined, { stored }: PresetMemory): Held => ({
  frameKey: known?.frameKey ?? null,
  stored,
});
