import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';

/** Flags of a route (`RTF_GATEWAY`) and of a neighbour (`ATF_COM`: its hardware address is known), as Linux writes them. */
const VIA_GATEWAY = 0x2;
const IS_KNOWN = 0x2;

/**
 * Whether this machine plainly has no line: none of its interfaces but loopback is up, or, on Linux, its default gateway was looked
 * for and does not answer. Nothing is dialled: the probes themselves have the kernel look for the gateway.
 */
export async function isCutOff(): Promise<boolean> {
  const outward = Object.values(networkInterfaces())
    .flatMap((addresses = []) => addresses)
    .filter(({ internal }) => !internal);
  if (outward.length === 0) return true;
  const [routes, neighbours] = await Promise.all([tableOf('/proc/net/route'), tableOf('/proc/net/arp')]);
  const gateways = gatewaysIn(routes);
  return gateways.length > 0 && gateways.every((gateway) => isMissing(gateway, neighbours));
}

/** Rows of a table of the kernel's without its heading; none where there is no such table. */
async function tableOf(file: string): Promise<readonly (readonly string[])[]> {
  const text = await readFile(file, 'latin1').catch(() => '');
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/));
}

/** Default gateways, IPv4 dotted: the kernel writes their bytes as one number, lowest first. */
export function gatewaysIn(routes: readonly (readonly string[])[]): readonly string[] {
  return routes
    .filter(([, destination, , flags = '0']) => destination === '00000000' && (parseInt(flags, 16) & VIA_GATEWAY) !== 0)
    .map(([, , gateway = '']) => [6, 4, 2, 0].map((at) => parseInt(gateway.slice(at, at + 2), 16)).join('.'));
}

/** Whether the kernel asked for an address and nobody has answered. */
export function isMissing(address: string, neighbours: readonly (readonly string[])[]): boolean {
  const asked = neighbours.filter(([neighbour]) => neighbour === address);
  return asked.length > 0 && asked.every(([, , flags = '0']) => (parseInt(flags, 16) & IS_KNOWN) === 0);
}
