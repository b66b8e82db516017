import { describe, expect, test } from '@jest/globals';
import { isRefusal, parseTarget } from './address-policy.js';
import { judgeBody, judgeRedirected, judgeStatus } from './outcome.js';
import { followRedirect, type Place } from './redirect.js';

function place(url: string): Place {
  const target = parseTarget(url);
  if (isRefusal(target)) throw new Error(target.reason);
  return { url, target };
}

const follow = (location: string | undefined, ...urls: readonly string[]) => followRedirect(location, urls.map(place));

describe('followRedirect (security.md SSRF-7)', () => {
  test.each<[string, string, string]>([
    ['/new?x=1', 'http://cam.test/old', 'http://cam.test/new?x=1'],
    ['new', 'http://cam.test/a/old', 'http://cam.test/a/new'],
    ['https://cam.test/x', 'http://cam.test/', 'https://cam.test/x'],
    ['http://CAM.test:8080/x#part', 'http://cam.test/', 'http://cam.test:8080/x'],
    ['//cam.test/y', 'https://cam.test/', 'https://cam.test/y'],
    ['http://2130706433/z', 'http://127.0.0.1/', 'http://127.0.0.1/z'],
  ])('%s from %s', (location, from, url) => {
    expect(follow(location, from)).toMatchObject({ url });
  });

  test.each<[string, string | undefined, readonly string[]]>([
    ['no address', undefined, ['http://cam.test/']],
    ['an address that cannot be read', 'http://[', ['http://cam.test/']],
    ['another host', 'http://evil.test/', ['http://cam.test/']],
    ['the same host as an address', 'http://10.0.0.1/', ['http://cam.test/']],
    ['https to http', 'http://cam.test/x', ['https://cam.test/']],
    ['https to http, a hop later', 'http://cam.test/x', ['http://cam.test/', 'https://cam.test/']],
    ['another scheme', 'rtsp://cam.test/', ['http://cam.test/']],
    ['a file', 'file:///etc/passwd', ['http://cam.test/']],
    ['a user name', 'http://a:b@cam.test/x', ['http://cam.test/']],
    ['a circle', '/a', ['http://cam.test/a', 'http://cam.test/b']],
    ['a circle by its port', 'http://cam.test:80/a', ['http://cam.test/a', 'http://cam.test/b']],
    ['a fourth hop', '/d', ['http://cam.test/', 'http://cam.test/a', 'http://cam.test/b', 'http://cam.test/c']],
  ])('is not followed: %s', (_, location, urls) => {
    expect(follow(location, ...urls)).toMatchObject({ outcome: 'moved' });
  });
});

describe('judgements', () => {
  test('a status decides, and 2xx means to read', () => {
    expect([200, 206].map((status) => judgeStatus(status, false).kind)).toEqual(['read', 'read']);
    expect([301, 300, 305].map((status) => judgeStatus(status, false).kind)).toEqual([
      'redirect',
      'redirect',
      'redirect',
    ]);
    expect(judgeStatus(401, false).kind).toBe('sign_in');
    expect(judgeStatus(304, true).kind).toBe('unchanged');
    expect(
      [204, 304, 403, 404, 410, 429, 502, 503, 504, 400, 500, 600, 999].map((status) => {
        const next = judgeStatus(status, false);
        return next.kind === 'over' ? next.failure.outcome : next.kind;
      }),
    ).toEqual([
      'empty_reply',
      'protocol_error',
      'forbidden',
      'not_found',
      'not_found',
      'busy',
      'unreachable',
      'busy',
      'unreachable',
      'protocol_error',
      'protocol_error',
      'protocol_error',
      'protocol_error',
    ]);
  });

  test('a body without a frame', () => {
    const facts = { bytes: 10, contentType: 'text/html; charset=x', sawPicture: false, sawOversize: false };
    expect(judgeBody(facts)).toEqual({ outcome: 'not_a_picture', reason: 'the answer is text/html and holds no JPEG' });
    expect(judgeBody({ ...facts, bytes: 0 }).outcome).toBe('empty_reply');
    expect(judgeBody({ ...facts, sawPicture: true }).outcome).toBe('bad_picture');
    expect(judgeBody({ ...facts, sawPicture: true, sawOversize: true }).outcome).toBe('too_large');
  });

  test('after a redirect, no picture means moved; everything else stays', () => {
    const failure = (outcome: 'not_a_picture' | 'empty_reply' | 'target_not_allowed' | 'stalled') => ({
      outcome,
      reason: 'x',
    });
    for (const outcome of ['not_a_picture', 'empty_reply', 'target_not_allowed'] as const) {
      expect(judgeRedirected(failure(outcome), 1).outcome).toBe('moved');
      expect(judgeRedirected(failure(outcome), 0).outcome).toBe(outcome);
    }
    expect(judgeRedirected(failure('stalled'), 1).outcome).toBe('stalled');
  });
});
