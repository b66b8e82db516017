import type { FastifyRequest } from 'fastify';
import { actingAs } from '#access';
import type { Actor } from '#catalog';

/** Whoever sent the request, as the writer of its transaction. */
export const actorOf = ({ principal, id, ip }: FastifyRequest): Actor =>
  actingAs(principal, { requestId: id, address: ip });
