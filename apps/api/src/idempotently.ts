import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { EntityManager } from 'typeorm';
import { canonicalJson, InvalidParameter } from '#catalog';
import { IdempotentAnswers, type StoredAnswer, transactAs } from '#storage';
import { actorOf } from './acting.js';
import { contentTypeOf } from './negotiate.js';
import type { ApiParts } from './parts.js';

/** What a write answers; `replay` where a repeated request must not see all of it again. */
export interface WriteAnswer extends StoredAnswer {
  readonly replay?: string;
}

/**
 * Does a write in one transaction and answers it. With an `Idempotency-Key` its answer is kept in that same transaction, so that
 * the request may be sent again after any failure: it happens once, and is answered alike (api.md, "Writes").
 */
export async function idempotently(
  request: FastifyRequest,
  reply: FastifyReply,
  { db }: ApiParts,
  work: (tx: EntityManager) => Promise<WriteAnswer>,
): Promise<FastifyReply> {
  const key = keyOf(request);
  const { answer, isReplay } = await transactAs(db, actorOf(request), async (tx) => {
    if (key === null) return { answer: await work(tx), isReplay: false };
    const answers = new IdempotentAnswers(tx);
    const kept = await answers.begin(request.principal.id, key, fingerprintOf(request));
    if (kept !== null) return { answer: kept, isReplay: true };
    const { replay, ...made } = await work(tx);
    await answers.finish(request.principal.id, key, { ...made, body: replay ?? made.body });
    return { answer: made, isReplay: false };
  });
  void reply.code(answer.status).headers({ ...answer.headers, 'cache-control': 'no-store' });
  if (isReplay) void reply.header('idempotent-replayed', 'true');
  return reply.header('content-type', contentTypeOf('json')).send(answer.body);
}

/** @throws InvalidParameter for a key that is no 1 to 255 visible ASCII characters */
function keyOf({ headers }: FastifyRequest): string | null {
  const key = headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key;
  const detail = 'expected 1 to 255 visible ASCII characters';
  throw new InvalidParameter([{ header: 'Idempotency-Key', code: 'format', detail }]);
}

function fingerprintOf({ method, url, body }: FastifyRequest): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([method, url, canonicalJson(body)]))
    .digest();
}
