import type { FastifyRequest } from 'fastify';

/** A host as a browser or client writes it; anything else in the header is not ours to repeat. */
const HOST = /^(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;

interface Addresses {
  readonly publicUrl?: string | undefined;
  readonly host: string;
  readonly port: number;
}

/**
 * What absolute links begin with: `SIGHTLINE_PUBLIC_URL`, else the address that the caller used (from a trusted proxy's
 * headers only where `SIGHTLINE_TRUST_PROXY` names it; Fastify judges that).
 */
export function baseUrlOf(request: Pick<FastifyRequest, 'host' | 'protocol'>, settings: Addresses): string {
  if (settings.publicUrl !== undefined) return settings.publicUrl.replace(/\/+$/, '');
  const host = HOST.test(request.host ?? '') ? request.host : `${settings.host}:${settings.port}`;
  return `${request.protocol}://${host}`;
}
