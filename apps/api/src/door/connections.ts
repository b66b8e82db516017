import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import ipaddr from 'ipaddr.js';
import type { Settings } from '#settings';
import { AtOnce } from './at-once.js';
import { householdOf } from './household.js';

/** Connections that one address has at most, and this process: far more than a house full of browsers needs. */
const MAX_OF_ADDRESS = 1_000;
const MAX_OF_ALL = 10_000;

/** Closes the connections of an address that has too many (security.md DOS-1). A trusted proxy has as many as it likes. */
export function limitConnections(server: FastifyInstance, { trustProxy }: Pick<Settings, 'trustProxy'>): void {
  const open = new AtOnce();
  const isProxy = within(trustProxy);
  server.server.maxConnections = MAX_OF_ALL;
  server.server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    if (isProxy(address)) return;
    const who = householdOf(address);
    if (open.of(who) >= MAX_OF_ADDRESS) {
      socket.destroy();
      return;
    }
    open.enter(who);
    socket.once('close', () => open.leave(who));
  });
}

/** Whether an address lies in one of the networks. */
function within(networks: readonly string[]): (address: string) => boolean {
  const ranges = networks.map((text) => {
    const [address = '', bits] = text.split('/');
    const network = ipaddr.process(address);
    return [network, Number(bits ?? (network.kind() === 'ipv4' ? 32 : 128))] as const;
  });
  return (text) => {
    if (!ipaddr.isValid(text)) return false;
    const address = ipaddr.process(text);
    return ranges.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
  };
}
