import { describe, expect, test } from '@jest/globals';
import { baseUrlOf } from './links.js';

const settings = { host: '0.0.0.0', port: 3000 };
const request = (host: string, over: object = {}) => ({
  host,
  protocol: 'http' as const,
  headers: { host },
  ips: undefined,
  socket: { localAddress: '::ffff:10.1.2.3', localPort: 3000 },
  ...over,
});

describe('what links begin with (WEB-4)', () => {
  test.each([
    ['localhost:8080', 'http://localhost:8080'],
    ['127.0.0.1:3000', 'http://127.0.0.1:3000'],
    ['[::1]:3000', 'http://[::1]:3000'],
    ['10.1.2.3', 'http://10.1.2.3'],
    ['evil.example', 'http://10.1.2.3:3000'],
    ['localhost.evil.example', 'http://10.1.2.3:3000'],
    ['127.0.0.1.evil.example', 'http://10.1.2.3:3000'],
    ['10.1.2.4', 'http://10.1.2.3:3000'],
    ['localhost/@evil.example', 'http://10.1.2.3:3000'],
    ['', 'http://10.1.2.3:3000'],
  ])('the header Host %j leads to %s', (host, expected) => {
    expect(baseUrlOf(request(host), settings)).toBe(expected);
  });

  test('a trusted proxy says by what name it was called; Fastify reads no other’s', () => {
    const forwarded = request('cameras.example.org', { headers: { host: '10.1.2.3:3000' }, protocol: 'https' });
    expect(baseUrlOf(forwarded, settings)).toBe('https://cameras.example.org');
    const passedOn = request('cameras.example.org', { ips: ['10.1.2.9', '192.0.2.7'] });
    expect(baseUrlOf(passedOn, settings)).toBe('http://cameras.example.org');
    expect(baseUrlOf(request('evil.example', { ips: ['192.0.2.7'] }), settings)).toBe('http://10.1.2.3:3000');
  });

  test('SIGHTLINE_PUBLIC_URL beats them all', () => {
    const published = { ...settings, publicUrl: 'https://cameras.example.org/' };
    expect(baseUrlOf(request('localhost'), published)).toBe('https://cameras.example.org');
  });
});
