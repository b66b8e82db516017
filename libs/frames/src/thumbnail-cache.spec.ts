import { describe, expect, test } from '@jest/globals';
import { ThumbnailCache } from './thumbnail-cache.js';

const picture = (bytes: number): Buffer => Buffer.alloc(bytes);
const never = (): Promise<Buffer> => Promise.reject(new Error('should have been kept'));

describe('ThumbnailCache', () => {
  test('makes a picture once, also for those who ask meanwhile', async () => {
    const cache = new ThumbnailCache();
    let made = 0;
    let finish: (value: Buffer) => void = () => undefined;
    const make = (): Promise<Buffer> => {
      made += 1;
      return new Promise((resolve) => (finish = resolve));
    };
    const answers = [cache.get('a', make), cache.get('a', make), cache.get('a', make)];
    const one = picture(3);
    finish(one);
    for (const answer of await Promise.all(answers)) expect(answer).toBe(one);
    expect(await cache.get('a', never)).toBe(one);
    expect(made).toBe(1);
  });

  test('forgets what was used longest ago once the bytes are too many', async () => {
    const cache = new ThumbnailCache({ maxBytes: 100 });
    for (const key of ['a', 'b']) await cache.get(key, () => Promise.resolve(picture(40)));
    await cache.get('a', never);
    await cache.get('c', () => Promise.resolve(picture(40)));
    expect(cache.bytes).toBe(80);
    await cache.get('a', never);
    await cache.get('c', never);
    await expect(cache.get('b', never)).rejects.toThrow('should have been kept');
  });

  test('a picture above the bound is answered, not kept, and costs no other its place', async () => {
    const cache = new ThumbnailCache({ maxBytes: 100 });
    await cache.get('small', () => Promise.resolve(picture(100)));
    expect((await cache.get('large', () => Promise.resolve(picture(101)))).length).toBe(101);
    expect(cache.bytes).toBe(100);
    await cache.get('small', never);
    await expect(cache.get('large', never)).rejects.toThrow();
  });

  test('a failure reaches all who waited and is not remembered', async () => {
    const cache = new ThumbnailCache();
    const broken = (): Promise<Buffer> => Promise.reject(new Error('no decoder'));
    const answers = await Promise.allSettled([cache.get('a', broken), cache.get('a', broken)]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect((await cache.get('a', () => Promise.resolve(picture(1)))).length).toBe(1);
  });
});
