import type { FastifyRequest } from 'fastify';
import { MalformedBody, UnsupportedMediaType } from '#catalog';

/** Refuses a body of another type than the address takes. @throws UnsupportedMediaType, MalformedBody where there is none */
export function requireJson(request: FastifyRequest, accepted: readonly string[] = ['application/json']): void {
  const given = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (!accepted.includes(given)) {
    const detail = given === '' ? 'the header Content-Type is missing' : `this address does not take ${given}`;
    throw new UnsupportedMediaType(`${detail}; it takes ${accepted.join(', ')}`, accepted);
  }
  if (request.body === undefined) throw new MalformedBody('the body is empty');
}
