import { describe, expect, test } from '@jest/globals';
import { corsHeaders } from './cors.js';

const MAP = 'https://map.example.org';

describe('which pages may read an answer (WEB-1)', () => {
  test.each<[string, string, Record<string, string>, string | undefined]>([
    ['a public read', 'GET', {}, '*'],
    ['a public read of a page', 'HEAD', { origin: 'https://any.example' }, '*'],
    ['a read with a key', 'GET', { origin: 'https://any.example', authorization: 'Bearer x' }, undefined],
    ['a read with a cookie', 'GET', { origin: 'https://any.example', cookie: 'sightline=x' }, undefined],
    ['a write', 'POST', { origin: 'https://any.example' }, undefined],
    ['a listed page’s read with a key', 'GET', { origin: MAP, authorization: 'Bearer x' }, MAP],
    ['a listed page’s write', 'POST', { origin: MAP }, MAP],
    ['an origin that begins like a listed one', 'POST', { origin: `${MAP}.evil.example` }, undefined],
    ['no origin at all', 'POST', { origin: 'null' }, undefined],
  ])('%s', (_, method, headers, expected) => {
    const answer = corsHeaders({ method, headers }, [MAP]);
    expect(answer['access-control-allow-origin']).toBe(expected);
    expect(answer['access-control-allow-credentials']).toBeUndefined();
  });
});
