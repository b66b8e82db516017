import type { FastifyRequest } from 'fastify';
import { actingAs } from '#access';
import type { Actor } from '#catalog';
import { type Acting, transactAs } from '#storage';
import type { ApiParts } from './parts.js';

/** Whoever sent the request, as the writer of its transaction. */
export const actorOf = ({ principal, id, ip }: FastifyRequest): Actor =>
  actingAs(principal, { requestId: id, address: ip });

/** Transactions on behalf of whoever sent the request. */
export const actingIn =
  (request: FastifyRequest, { db }: Pick<ApiParts, 'db'>): Acting =>
  (work) =>
    transactAs(db, actorOf(request), work);
