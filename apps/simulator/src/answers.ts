import type { Manner } from './behaviour.js';
import { bytes } from './bytes.js';

/** A whole answer of this status, then the end. */
export const answer = (status: string, type: string, body: string | Buffer, ...headers: readonly string[]): Manner =>
  raw(
    [
      `HTTP/1.1 ${status}`,
      ...(type === '' ? [] : [`Content-Type: ${type}`]),
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...headers,
      'Connection: close',
      '',
      '',
    ].join('\r\n'),
    body,
  );

/** These bytes, then the end. */
export const raw = (...parts: readonly (string | Buffer)[]): Manner => ({
  at: 'answer',
  answer: ({ socket }) => void socket.end(bytes(...parts)),
});

/** A redirect to this address. */
export const redirect = (location: string): Manner =>
  answer('302 Found', 'text/html', page('302 Found'), ...(location === '' ? [] : [`Location: ${location}`]));

/** A small page, such as every device serves where it has no picture. */
export const page = (title: string): string =>
  `<!doctype html><html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`;
