import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Networks to which no camera belongs (security.md SSRF-5): own host, link-local, multicast, reserved, cloud metadata. */
const NEVER: readonly (readonly [network: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['192.0.0.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['168.63.129.16', 32],
  ['100.100.100.200', 32],
  ['::', 128],
  ['::1', 128],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
  ['2002::', 16],
  ['2001::', 32],
  ['100::', 64],
  ['2001:db8::', 32],
  ['5f00::', 16],
  ['fd00:ec2::254', 128],
  ['fd20:ce::254', 128],
];
const NEVER_NETWORKS = NEVER.map(([network, prefix]) => [ipaddr.parse(network), prefix] as const);

/** Prefixes whose last 32 bits are an IPv4 address. */
const EMBEDDING = (
  [
    ['::', 96],
    ['::ffff:0:0', 96],
    ['::ffff:0:0:0', 96],
    ['64:ff9b::', 96],
    ['64:ff9b:1::', 48],
  ] as const
).map(([network, prefix]) => [ipaddr.parse(network), prefix] as const);

/** Ports of mail, files, databases and remote control: no camera has them (security.md SSRF-6). */
const NEVER_PORTS: ReadonlySet<string> = new Set(
  '22 23 25 53 111 135 139 445 2375 2376 2379 3306 3389 5432 6379 6443 9200 10250 11211 27017'.split(' '),
);

/**
 * Why a URL can never be dialled, whatever the authority's network is; null where that is left to the prober. Only
 * addresses are judged: what a name stands for is known when it is dialled.
 */
export function alwaysDenied(url: string): string | null {
  // WHATWG reads 127.1 and 0x7f000001 as addresses in http alone; the resolver does in every scheme.
  const { hostname, port } = new URL(url.replace(/^rtsps?:/i, 'http:'));
  if (NEVER_PORTS.has(port)) return `port ${port} is no camera's`;
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) === 0) return null;
  const denied = formsOf(ipaddr.parse(host)).find((form) => NEVER_NETWORKS.some((network) => isIn(form, network)));
  return denied === undefined ? null : `the address ${denied.toString()} is never dialled`;
}

type Address = ReturnType<typeof ipaddr.parse>;

const isIn = (address: Address, [network, prefix]: readonly [Address, number]): boolean =>
  address.kind() === network.kind() && address.match(network, prefix);

/** The address, and the IPv4 address that it carries. */
function formsOf(address: Address): readonly Address[] {
  const carries = EMBEDDING.some((network) => isIn(address, network));
  return carries ? [address, ipaddr.fromByteArray(address.toByteArray().slice(-4))] : [address];
}
