import type { FastifyRequest } from 'fastify';

/** A host as a browser or client writes it; anything else in the header is not ours to repeat. */
const HOST = /^(?:([A-Za-z0-9.-]{1,253})|\[([0-9A-Fa-f:.]{2,45})\])(?::\d{1,5})?$/;

interface Addresses {
  readonly publicUrl?: string | undefined;
  readonly host: string;
  readonly port: number;
}

type Reached = Pick<FastifyRequest, 'host' | 'protocol' | 'headers' | 'ips'> & {
  readonly socket: { readonly localAddress?: string | undefined; readonly localPort?: number | undefined };
};

/**
 * What absolute links begin with: `SIGHTLINE_PUBLIC_URL`, else the name by which a trusted proxy says that it was called, else the name
 * in the header Host where that is one of this machine. Any other name there is whatever the sender likes, and a link with it would
 * lead our readers to him (security.md WEB-4); then the address stands for which the connection came in.
 */
export function baseUrlOf(request: Reached, settings: Addresses): string {
  if (settings.publicUrl !== undefined) return settings.publicUrl.replace(/\/$/, '');
  const name = HOST.exec(request.host ?? '');
  const isGood = name !== null && (isByProxy(request) || isOurs(name[1] ?? name[2] ?? '', request, settings));
  return `${request.protocol}://${isGood ? request.host : addressOf(request, settings)}`;
}

/** Fastify reads `X-Forwarded-*` of trusted proxies alone (`SIGHTLINE_TRUST_PROXY`). */
const isByProxy = ({ host, headers, ips }: Reached): boolean => host !== headers.host || (ips?.length ?? 0) > 1;

const isOurs = (name: string, { socket }: Reached, { host }: Addresses): boolean =>
  /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/i.test(name) || name === host || name === bare(socket.localAddress);

function addressOf({ socket }: Reached, { host, port }: Addresses): string {
  const address = bare(socket.localAddress) ?? host;
  return `${address.includes(':') ? `[${address}]` : address}:${socket.localPort ?? port}`;
}

/** An IPv4 address that a socket for both families shows as IPv6, as itself. */
const bare = (address: string | undefined): string | undefined => address?.replace(/^::ffff:(?=\d+\.)/i, '');
