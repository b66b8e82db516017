import type { FastifyRequest } from 'fastify';
import { check, type Selected, type Selector, readQuery, ValidationFailed } from '#catalog';

/** The document in a request body, or every fault of it. @throws ValidationFailed */
export function checked<T extends object>(type: new () => T, body: unknown): T {
  const result = check(type, body);
  if ('problems' in result) throw new ValidationFailed(result.problems);
  return result.document;
}

/** The query by a table of selectors; every address has one, so that no parameter is ever ignored. */
export const selected = <S extends Readonly<Record<string, Selector<unknown>>>>(
  table: S,
  request: FastifyRequest,
): Selected<S> => readQuery(table, request.query as Record<string, string | string[]>);
