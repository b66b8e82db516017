import { describe, expect, test } from '@jest/globals';
import { FORBIDDEN_HOSTS } from '../../../../libs/probe/test/forbidden-hosts.js';
import { requireTarget, type WebhookGround } from './webhook-target.js';

const GROUND: WebhookGround = { loopback: false, ownEndpoints: [{ address: '0.0.0.0', port: 3000 }] };
const TRYING: WebhookGround = { ...GROUND, loopback: true };
const INSIDE = { cidrs: ['10.0.0.0/8'] };

const judged = (document: Parameters<typeof requireTarget>[0], ground = GROUND): string => {
  try {
    requireTarget(document, ground);
    return 'allowed';
  } catch (error) {
    return (error as { readonly code: string }).code;
  }
};

describe('where a webhook may go (security.md SSRF-12)', () => {
  test.each([
    ['https://example.org/hook', 'allowed'],
    ['https://example.org:9443/hook', 'allowed'],
    ['https://8.8.8.8/', 'allowed'],
    ['http://example.org/', 'validation_failed'],
    ['rtsp://example.org/', 'validation_failed'],
    ['https://user@example.org/', 'validation_failed'],
    ['https://example.org/#a', 'validation_failed'],
    ['https://example.org:22/', 'target_not_allowed'],
    ['https://127.0.0.1/', 'target_not_allowed'],
    ['https://2130706433/', 'target_not_allowed'],
    ['https://[::1]/', 'target_not_allowed'],
    ['https://10.1.2.3/', 'target_not_allowed'],
    ['https://169.254.169.254/', 'target_not_allowed'],
    ['https://[::ffff:10.0.0.1]/', 'target_not_allowed'],
    ['https://[fd00:ec2::254]/', 'target_not_allowed'],
  ])('%s: %s', (url, answer) => {
    expect(judged({ url })).toBe(answer);
  });

  test('nor to a forbidden host in any spelling, whatever network a platform administrator gave', () => {
    const network = { cidrs: ['0.0.0.0/0', '::/0'] };
    for (const host of Object.values(FORBIDDEN_HOSTS).flat()) {
      expect([host, judged({ url: `https://${host}/` })]).toEqual([host, 'target_not_allowed']);
      expect([host, judged({ url: `http://${host}:9000/`, network })]).toEqual([host, 'target_not_allowed']);
    }
  });

  test('a network of a platform administrator opens itself and plain http within it, and nothing that is always denied', () => {
    expect(judged({ url: 'http://10.1.2.3:9000/', network: INSIDE })).toBe('allowed');
    expect(judged({ url: 'http://192.168.1.1/', network: INSIDE })).toBe('target_not_allowed');
    expect(judged({ url: 'http://169.254.169.254/', network: { cidrs: ['0.0.0.0/0'] } })).toBe('target_not_allowed');
    expect(judged({ url: 'http://127.0.0.1/', network: { cidrs: ['127.0.0.0/8'] } })).toBe('target_not_allowed');
  });

  test('loopback where the installation is for trying things out, but never our own door', () => {
    expect(judged({ url: 'http://127.0.0.1:4000/' }, TRYING)).toBe('allowed');
    expect(judged({ url: 'http://[::1]:4000/' }, TRYING)).toBe('allowed');
    expect(judged({ url: 'http://127.0.0.1:3000/' }, TRYING)).toBe('target_not_allowed');
    expect(judged({ url: 'http://10.1.2.3:4000/' }, TRYING)).toBe('validation_failed');
  });
});
