import { describe, expect, test } from '@jest/globals';
import { type Checkpoint, readCheckpoint, signCheckpoint, vouchedFor } from './checkpoint.js';
import { Keyring } from './keyring.js';

const key = (kid: string, byte: number): string => `${kid}:${Buffer.alloc(32, byte).toString('base64')}`;
const [OLD, NEW, NEWEST, STRANGE] = [key('old', 1), key('new', 2), key('newest', 3), key('strange', 9)] as const;

const signersOf = (...keys: readonly string[]) => Keyring.parse(keys.join(',')).checkpointSigners();
const publicKeysOf = (...keys: readonly string[]): string[] => signersOf(...keys).map(({ publicKey }) => publicKey);

const checkpoint = (at: string, ...keys: readonly string[]): Checkpoint =>
  signCheckpoint({ registry: 'r', at, chains: [{ chain: 'wrb', seq: 7, hash: 'a'.repeat(64) }] }, signersOf(...keys));

const moments = (list: readonly Checkpoint[]): string[] => list.map(({ at }) => at);

describe('checkpoints (AUD-3)', () => {
  test('a line reads as it was written, and is known by the key that signed it', () => {
    const made = checkpoint('1', OLD);
    expect(readCheckpoint(JSON.stringify(made))).toEqual(made);
    expect(vouchedFor([made], publicKeysOf(OLD))).toEqual({ known: [made], unknown: [] });
    expect(vouchedFor([made], publicKeysOf(STRANGE))).toEqual({ known: [], unknown: [made] });
  });

  test('the same secret key always makes the same public key', () => {
    expect(publicKeysOf(OLD)).toEqual(publicKeysOf(OLD));
    expect(publicKeysOf(OLD)[0]).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(publicKeysOf(OLD)).not.toEqual(publicKeysOf(key('old', 2)));
  });

  test.each<readonly [string, (made: Checkpoint) => object]>([
    ['a head', (made) => ({ ...made, chains: [{ chain: 'wrb', seq: 6, hash: 'a'.repeat(64) }] })],
    ['the time', (made) => ({ ...made, at: '2' })],
    ['a key put in beside', (made) => ({ ...made, keys: [...made.keys, ...checkpoint('1', STRANGE).keys] })],
    ['a member put in', (made) => ({ ...made, more: true })],
    ['the signature', (made) => ({ ...made, signatures: checkpoint('2', OLD).signatures })],
  ])('one of which somebody changed %s is not', (_what, change) => {
    const forged = { ...change(checkpoint('1', OLD)) } as Checkpoint;
    const signatures = forged.keys.map((_, i) => forged.signatures[i] ?? forged.signatures[0] ?? '');
    expect(vouchedFor([{ ...forged, signatures }], publicKeysOf(OLD)).known).toEqual([]);
  });

  test('old ones stay known when the secret key was replaced, twice, and its own of before is gone', () => {
    const file = [checkpoint('1', OLD), checkpoint('2', NEW, OLD), checkpoint('3', NEW), checkpoint('4', NEWEST, NEW)];
    expect(moments(vouchedFor(file, publicKeysOf(NEWEST)).known)).toEqual(['1', '2', '3', '4']);
    // An outsider who wrote down the first public key follows the same way.
    expect(moments(vouchedFor(file, publicKeysOf(OLD)).known)).toEqual(['1', '2', '3', '4']);
  });

  test('without a checkpoint under both keys the old ones are not', () => {
    const file = [checkpoint('1', OLD), checkpoint('2', NEW)];
    expect(moments(vouchedFor(file, publicKeysOf(NEW)).unknown)).toEqual(['1']);
  });

  test('a stranger who signs together with a known key that did not sign gains nothing', () => {
    const both = signCheckpoint({ registry: 'r', at: '1', chains: [] }, [...signersOf(STRANGE), ...signersOf(OLD)]);
    const forged = { ...both, signatures: [both.signatures[0] ?? '', both.signatures[0] ?? ''] };
    expect(vouchedFor([forged, checkpoint('2', STRANGE)], publicKeysOf(OLD)).known).toEqual([]);
  });

  test.each(['', 'no JSON', '[]', '{}', 'null', JSON.stringify({ ...checkpoint('1', OLD), keys: [{ kid: 'x' }] })])(
    'what is none is none: %s',
    (line) => expect(readCheckpoint(line)).toBeNull(),
  );
});
