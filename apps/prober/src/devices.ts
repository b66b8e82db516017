import { deviceOf } from '#catalog';
import { MOST_OF_A_NETWORK } from '#storage';

/** A device under lease, and the network in which it was last. */
interface Leased {
  readonly host: string;
  readonly network: string | null;
}

/**
 * Devices that this process asks besides those of its leases: a camera's second service may lie on another one. Never two
 * sockets to a device.
 */
export class Devices {
  private readonly leased = new Set<string>();
  private readonly extra = new Set<string>();
  private readonly running = new Map<string, number>();

  /** Those that a claim leaves out. */
  get besides(): readonly string[] {
    return [...this.extra];
  }

  /** How many more cameras of a network may be asked, of those of which some are. */
  get leftIn(): ReadonlyMap<string, number> {
    return new Map([...this.running].map(([network, cameras]) => [network, MOST_OF_A_NETWORK - cameras]));
  }

  /** The lease of a device begins. */
  lease({ host, network }: Leased): void {
    this.leased.add(host);
    if (network !== null) this.running.set(network, (this.running.get(network) ?? 0) + 1);
  }

  endLease({ host, network }: Leased): void {
    this.leased.delete(host);
    if (network === null) return;
    const left = (this.running.get(network) ?? 0) - 1;
    if (left > 0) this.running.set(network, left);
    else this.running.delete(network);
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
