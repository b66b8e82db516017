import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Checkpoint, CheckpointFile, Keyring, signCheckpoint } from '#access';
import { readSettings, type Settings } from '#settings';
import { type CheckpointedChains, readCheckpoints } from '../src/checkpointed-chains.js';

const OWN = Keyring.generate(randomBytes);
const STRANGE = Keyring.generate(randomBytes);

let directory: string;
let settings: Settings;

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'sightline-checkpoints-'));
  const env = { SIGHTLINE_DATA_DIR: directory, SIGHTLINE_SECRET_KEY: OWN };
  settings = readSettings(env, { command: 'migrate' });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const checkpoint = (seq: number, secretKey = OWN, registry = 'ours'): Checkpoint =>
  signCheckpoint(
    { registry, at: `day ${seq}`, chains: [{ chain: 'wrb', seq, hash: 'a'.repeat(64) }] },
    Keyring.parse(secretKey).checkpointSigners(),
  );

const read = (
  lines: readonly (Checkpoint | string)[],
  publicKey: readonly string[] = [],
): Promise<CheckpointedChains> => {
  const name = path.join(directory, 'given.jsonl');
  writeFileSync(name, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
  return readCheckpoints('ours', { checkpoints: [name], publicKey }, settings);
};

describe('files of checkpoints (AUD-3)', () => {
  test('say how far each chain had come', async () => {
    const { heads, faults, notes } = await read([checkpoint(3), '', checkpoint(5)]);
    expect([faults, notes]).toEqual([[], []]);
    expect(heads.get('wrb')?.map(({ seq, at }) => [seq, at])).toEqual([
      [3, 'day 3'],
      [5, 'day 5'],
    ]);
  });

  test('a line that somebody changed, or signed himself, says nothing and is named', async () => {
    const forged = JSON.stringify(checkpoint(5)).replace('"seq":5', '"seq":4');
    const changed = await read([checkpoint(3), forged]);
    expect(changed.faults).toEqual([
      expect.stringMatching(/^The checkpoint of day 5 was changed, or is signed by no key/),
    ]);
    expect(changed.heads.get('wrb')).toHaveLength(1);
    const own = checkpoint(6, STRANGE);
    expect((await read([own])).faults).toHaveLength(1);
    const known = await read([own], [own.keys[0]?.publicKey ?? '']);
    expect([known.faults, known.heads.get('wrb')?.length]).toEqual([[], 1]);
    expect((await read([checkpoint(3), 'no checkpoint'])).faults).toEqual([
      expect.stringMatching(/given\.jsonl, line 2/),
    ]);
  });

  test('those of another registry prove nothing, and a file of them alone is a fault', async () => {
    const mixed = await read([checkpoint(3), checkpoint(9, OWN, 'theirs')]);
    expect([mixed.faults, mixed.notes, mixed.heads.get('wrb')?.length]).toEqual([
      [],
      [expect.stringMatching(/1 checkpoint is of another registry/)],
      1,
    ]);
    expect((await read([checkpoint(9, OWN, 'theirs')])).faults).toHaveLength(1);
  });

  test('a file that is not there is said, unless it is the usual one; a key that is none is said too', async () => {
    const missing = readCheckpoints('ours', { checkpoints: [path.join(directory, 'none')] }, settings);
    await expect(missing).rejects.toThrow('is not there');
    expect(await readCheckpoints('ours', {}, settings)).toEqual({ heads: new Map(), faults: [], notes: [] });
    await expect(read([], ['short'])).rejects.toThrow('is no public key');
  });

  test('a line that was cut off does not spoil the next', async () => {
    const file = new CheckpointFile(settings.auditCheckpoints);
    await file.append(checkpoint(3));
    writeFileSync(file.name, '{"registry":', { flag: 'a' });
    await file.append(checkpoint(5));
    const { heads, faults } = await readCheckpoints('ours', {}, settings);
    expect([heads.get('wrb')?.length, faults]).toEqual([2, [expect.stringMatching(/line 2/)]]);
    expect(await file.lastAt('theirs')).toBeNull();
  });
});
