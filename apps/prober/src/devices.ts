import { deviceOf } from '#catalog';

/**
 * Devices that this process asks besides those of its leases: a camera's second service may lie on another one. Never two
 * sockets to a device.
 */
export class Devices {
  private readonly leased = new Set<string>();
  private readonly extra = new Set<string>();

  /** Those that a claim leaves out. */
  get besides(): readonly string[] {
    return [...this.extra];
  }

  /** The lease of a device begins. */
  lease(host: string): void {
    this.leased.add(host);
  }

  endLease(host: string): void {
    this.leased.delete(host);
  }

  /**
   * Takes the device of a URL for one probe.
   * @param host the device that the camera's lease keeps to it
   * @returns how to free it; null where it is taken
   */
  take(url: string, host: string): (() => void) | null {
    const device = deviceOf(url);
    if (device === host) return () => undefined;
    if (this.leased.has(device) || this.extra.has(device)) return null;
    this.extra.add(device);
    return () => this.extra.delete(device);
  }
}
