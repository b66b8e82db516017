import { describe, expect, test } from '@jest/globals';
import fastify from 'fastify';
import { RateLimited } from '#catalog';
import { RunningImports } from './running-imports.js';

/** Three imports of `authority` that are asked for at once: what became of each. */
async function three(authorities: readonly string[], isLimited: boolean): Promise<string[]> {
  const imports = new RunningImports(isLimited);
  const server = fastify();
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  server.get('/:authority', async (request, reply) => {
    const { authority } = request.params as { authority: string };
    return imports.within(authority, reply, async () => {
      await finished;
      return 'done';
    });
  });
  server.setErrorHandler((error, _request, reply) => {
    finish();
    const header = reply.getHeader('ratelimit-policy');
    void reply.code(429).send(error instanceof RateLimited ? `refused ${String(header)}` : 'bug');
  });
  setTimeout(finish, 100);
  const answers = await Promise.all(authorities.map((authority) => server.inject(`/${authority}`)));
  // They are over: there is room again.
  const after = await server.inject(`/${authorities[0] ?? ''}`);
  return [...answers, after].map(({ body }) => body);
}

describe('imports of one authority at the same time (RATE-1, REL-15)', () => {
  test('are two, whoever sends them', async () => {
    const refused = 'refused "imports";q=2;qu="concurrent-requests"';
    expect(await three(['a', 'a', 'a'], true)).toEqual(['done', 'done', refused, 'done']);
    expect(await three(['a', 'a', 'b'], true)).toEqual(['done', 'done', 'done', 'done']);
  });

  test('are as many as like where limits are off', async () => {
    expect(await three(['a', 'a', 'a'], false)).toEqual(['done', 'done', 'done', 'done']);
  });
});
