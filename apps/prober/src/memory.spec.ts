import { describe, expect, test } from '@jest/globals';
import { deviceOf, type KnownService } from '#catalog';
import { Devices } from './devices.js';
import { keepable, memoryFrom, NO_MEMORY, pinOf, withPin } from './memory.js';

const service: KnownService = {
  kind: 'snapshot',
  url: 'https://10.1.2.3/axis-cgi/jpg/image.cgi?camera=1',
  credentials: { set: true, updatedAt: '2026-01-01T00:00:00Z' },
};

describe('a pinned key (CRED-6)', () => {
  const memory = withPin(NO_MEMORY, 1, service, 'key');

  test('stays with the device, whatever else is changed of the service', () => {
    expect(pinOf(memory, 1, service)).toBe('key');
    expect(pinOf(memory, 1, { ...service, url: 'https://10.1.2.3/other', refreshS: 9 })).toBe('key');
  });

  test.each([
    ['another host', { url: 'https://10.1.2.4/axis-cgi/jpg/image.cgi' }],
    ['another port', { url: 'https://10.1.2.3:8443/axis-cgi/jpg/image.cgi' }],
    ['new credentials', { credentials: { set: true, updatedAt: '2026-02-01T00:00:00Z' } }],
    ['another TLS mode', { tls: 'legacy' }],
  ] as const)('is forgotten with %s', (_what, change) => {
    expect(pinOf(memory, 1, { ...service, ...change })).toBeUndefined();
  });

  test('belongs to one service', () => {
    expect(pinOf(memory, 2, service)).toBeUndefined();
    expect(pinOf(withPin(memory, 2, service, 'second'), 1, service)).toBe('key');
  });
});

test('what a device sent is kept only where a database can keep it', () => {
  expect(keepable('"5f-4a"')).toBe('"5f-4a"');
  for (const text of [undefined, '', 'a\u0000b', '\ud800', 'ä', 'x'.repeat(257)])
    expect(keepable(text)).toBeUndefined();
});

test('a memory of another form is forgotten', () => {
  expect(memoryFrom({ ...NO_MEMORY, pins: { 1: { pin: 'k', of: 'x' } } }).pins).toEqual({ 1: { pin: 'k', of: 'x' } });
  for (const kept of [null, undefined, {}, { v: 0 }, 'x']) expect(memoryFrom(kept)).toBe(NO_MEMORY);
});

describe('devices', () => {
  test.each([
    ['http://10.1.2.3:8080/a', '10.1.2.3'],
    ['https://Camera.Example.org/a', 'camera.example.org'],
    ['http://127.0.0.1:8080/a', '127.0.0.1:8080'],
    ['http://127.0.0.1/a', '127.0.0.1:http:'],
    ['http://[::1]:81/', '[::1]:81'],
    ['rtsp://10.1.2.3/a', '10.1.2.3'],
  ])('%s is %s', (url, device) => {
    expect(deviceOf(url)).toBe(device);
  });

  test('never two probes of one: a lease has its own, another is taken for the time of a probe', () => {
    const devices = new Devices();
    devices.lease({ host: '10.0.0.1', network: null });
    devices.lease({ host: '10.0.0.2', network: '10.0.0.0/24' });
    expect(devices.take('http://10.0.0.1/b', '10.0.0.1')).not.toBeNull();
    expect(devices.take('http://10.0.0.2/b', '10.0.0.1')).toBeNull();
    expect(devices.besides).toEqual([]);
    const free = devices.take('http://10.0.0.3/b', '10.0.0.1');
    expect(devices.besides).toEqual(['10.0.0.3']);
    expect(devices.take('http://10.0.0.3/c', '10.0.0.2')).toBeNull();
    free?.();
    expect(devices.besides).toEqual([]);
    devices.endLease({ host: '10.0.0.2', network: '10.0.0.0/24' });
    expect(devices.take('http://10.0.0.2/b', '10.0.0.1')).not.toBeNull();
  });

  test('eight of a network at most', () => {
    const devices = new Devices();
    const camera = (host: string): { host: string; network: string } => ({ host, network: '10.0.0.0/24' });
    for (let i = 0; i < 8; i += 1) devices.lease(camera(`10.0.0.${i}`));
    devices.lease({ host: '127.0.0.1:81', network: null });
    expect([...devices.leftIn]).toEqual([['10.0.0.0/24', 0]]);
    devices.endLease(camera('10.0.0.3'));
    expect([...devices.leftIn]).toEqual([['10.0.0.0/24', 1]]);
    for (const i of [0, 1, 2, 4, 5, 6, 7]) devices.endLease(camera(`10.0.0.${i}`));
    expect([...devices.leftIn]).toEqual([]);
  });
});
