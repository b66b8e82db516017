import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import fastify, { type FastifyInstance } from 'fastify';
import { Refusal } from '#catalog';
import { limitAnswers } from './deadlines.js';
import type { DoorConfig } from './route-config.js';

/** A server whose handlers take 200 ms; `imports` may, others have 50. */
function slowServer(): FastifyInstance {
  const server = fastify();
  limitAnswers(server, ({ budget }) => (budget === 'imports' ? 1 : 0.05));
  server.setErrorHandler((error, _request, reply) => {
    void reply.code(503).send(error instanceof Refusal ? error.code : 'bug');
  });
  const door: DoorConfig = { permission: 'public', spatialSelectors: [], isVital: false };
  const slowly = async (): Promise<string> => {
    await wait(200);
    return 'done';
  };
  server.get('/read', { config: { door } }, slowly);
  server.get('/import', { config: { door: { ...door, budget: 'imports' } } }, slowly);
  server.get('/description', slowly);
  server.get('/stream', { config: { door } }, async (_request, reply) => {
    reply.hijack();
    await wait(200);
    reply.raw.end('streamed');
  });
  return server;
}

test.each([
  ['/read', 503, 'overloaded'],
  ['/import', 200, 'done'],
  ['/description', 200, 'done'],
  ['/stream', 200, 'streamed'],
])(
  'an answer that takes too long is a 503, but not one that may, nor a stream: %s (DOS-1)',
  async (url, status, body) => {
    const server = slowServer();
    const answer = await server.inject(url);
    expect([answer.statusCode, answer.body]).toEqual([status, body]);
    // The handler that was given up comes to its end, and disturbs nobody.
    await wait(200);
    expect((await server.inject('/description')).body).toBe('done');
    await server.close();
  },
);
