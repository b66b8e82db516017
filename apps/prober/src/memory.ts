import type { KnownService } from '#catalog';

/** What the prober wants to know again of a camera; JSON, kept beside its health. */
export interface Memory {
  /** Form of this object; one of another form is forgotten. */
  readonly v: 1;
  /** Scan hash of the picture in the store, the masks it was stored under, and what decides what it shows; null without one. */
  readonly stored: { readonly scanHash: string; readonly masks: string; readonly of?: string } | null;
  /** What the last picture's service said of it, to ask whether there is a newer one. */
  readonly validators: Validators | null;
  /** Public keys of the services, by slot. */
  readonly pins: Readonly<Record<string, Pin>>;
}

/** For `If-None-Match` and `If-Modified-Since`. They hold for one configuration. */
export interface Validators {
  readonly slot: number;
  readonly configVersion: number;
  readonly etag?: string;
  readonly lastModified?: string;
}

interface Pin {
  /** SHA-256 of the public key, base64. */
  readonly pin: string;
  /** What it was seen for. */
  readonly of: string;
}

export const NO_MEMORY: Memory = { v: 1, stored: null, validators: null, pins: {} };

/** The memory as it was kept; that of another version, or none, is empty. */
export function memoryFrom(kept: unknown): Memory {
  const isOurs = typeof kept === 'object' && kept !== null && (kept as { readonly v?: unknown }).v === NO_MEMORY.v;
  return isOurs ? (kept as Memory) : NO_MEMORY;
}

/**
 * What a pin belongs to. A person who sets the credentials anew or chooses another TLS mode accepts the device as it is now; a new
 * name or position of the camera does not.
 */
function pinnedTo({ url = '', tls, credentials }: KnownService): string {
  return [URL.canParse(url) ? new URL(url).host : '', tls ?? '', credentials?.updatedAt ?? ''].join(' ');
}

/** The key that a service must show; undefined where none is known. */
export function pinOf({ pins }: Memory, slot: number, service: KnownService): string | undefined {
  const known = pins[slot];
  return known?.of === pinnedTo(service) ? known.pin : undefined;
}

/** With the key that a service showed. */
export const withPin = (memory: Memory, slot: number, service: KnownService, pin: string): Memory => ({
  ...memory,
  pins: { ...memory.pins, [slot]: { pin, of: pinnedTo(service) } },
});

/** What a device sent and a database may keep: printable ASCII, at most 256 characters; undefined for anything else. */
export const keepable = (text: string | undefined): string | undefined =>
  text !== undefined && /^[\x20-\x7e]{1,256}$/.test(text) ? text : undefined;
