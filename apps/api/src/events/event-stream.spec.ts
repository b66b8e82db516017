import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { ANONYMOUS, scope } from '#access';
import { EventFilter } from './event-filter.js';
import { EventStream, eventText, resetText } from './event-stream.js';

const LISTENING = { principal: ANONYMOUS, scope: scope(ANONYMOUS), filter: new EventFilter({}) };
const START = { generation: 1, xid: '1', id: '1' };

const server = createServer();

test('a client that does not read is cut off once a mebibyte waits for it, and not before', async () => {
  const begun = new Promise<EventStream>((resolve) => {
    server.on('request', (_request, response) => resolve(new EventStream(response, LISTENING, START)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = request({ port: (server.address() as AddressInfo).port, agent: false });
  client.on('response', (response) => response.pause()).on('error', () => undefined);
  client.end();
  const stream = await begun;
  const text = `data: ${'x'.repeat(32_768)}\n\n`;
  let bytes = 0;
  // The system's own buffers fill first.
  for (; stream.isOpen && bytes < 100_000_000; bytes += text.length) {
    stream.send(text);
    await wait(0);
  }
  expect(stream.isOpen).toBe(false);
  expect(bytes).toBeGreaterThan(1_048_576);
  stream.send(text);
  client.destroy();
  server.close();
}, 20_000);

test('an event is a block with its id, type and document; a hint has no id; a reset says so', () => {
  const event = { type: 'camera.changed', at: '2026-11-27T08:00:00.000Z', camera: { id: 'c' } } as const;
  expect(eventText({ id: 'q1', ...event })).toBe(
    `id: q1\nevent: camera.changed\ndata: ${JSON.stringify({ id: 'q1', ...event })}\n\n`,
  );
  expect(eventText(event)).toMatch(/^event: camera\.changed\ndata: \{"type"/);
  expect(resetText('q2')).toBe('id: q2\nevent: reset\ndata: {"type":"reset"}\n\n');
});
