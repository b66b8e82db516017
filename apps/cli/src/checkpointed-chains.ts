import { type Checkpoint, CheckpointFile, type CheckpointedHead, isPublicKey, vouchedFor } from '#access';
import type { Settings } from '#settings';
import { findKeyring } from './engines.js';
import { Failure } from './server.js';

/** What checkpoints say of the chains of a registry. */
export interface CheckpointedChains {
  readonly heads: ReadonlyMap<string, readonly CheckpointedHead[]>;
  /** What is wrong with the checkpoints themselves, in words. */
  readonly faults: readonly string[];
  /** What else is to be said of them. */
  readonly notes: readonly string[];
}

interface Sources {
  readonly checkpoints?: readonly string[];
  readonly publicKey?: readonly string[];
}

/**
 * Reads files of checkpoints. A known key is one of the secret key's, or one that the person gives.
 * @throws Failure for a file that is not there, or a key that is none
 */
export async function readCheckpoints(
  registry: string,
  { checkpoints: files, publicKey = [] }: Sources,
  settings: Settings,
): Promise<CheckpointedChains> {
  const wrong = publicKey.find((key) => !isPublicKey(key));
  if (wrong !== undefined)
    throw new Failure(`${wrong} is no public key: 43 characters, as sightline audit checkpoint shows it`);
  const own =
    findKeyring(settings)
      ?.checkpointSigners()
      .map((signer) => signer.publicKey) ?? [];
  const faults: string[] = [];
  const notes: string[] = [];
  const ours: Checkpoint[] = [];
  const usual = new CheckpointFile(settings.auditCheckpoints);
  const read = files?.map((name) => new CheckpointFile(name)) ?? (usual.exists ? [usual] : []);
  for (const file of read) {
    if (!file.exists) throw new Failure(`${file.name} is not there`);
    let strange = 0;
    let count = 0;
    for await (const { number, checkpoint } of file.lines()) {
      if (checkpoint === null) faults.push(`${file.name}, line ${number}: no checkpoint stands there.`);
      else if (checkpoint.registry === registry) count += ours.push(checkpoint) > 0 ? 1 : 0;
      else strange += 1;
    }
    if (strange > 0) {
      const many = strange === 1 ? '1 checkpoint is' : `${strange} checkpoints are`;
      notes.push(`${file.name}: ${many} of another registry, and no word of this one.`);
    }
    if (count === 0 && files !== undefined) faults.push(`${file.name}: no checkpoint of this registry stands there.`);
  }
  const { known, unknown } = vouchedFor(ours, [...own, ...publicKey]);
  for (const { at } of unknown) {
    faults.push(
      `The checkpoint of ${at} was changed, or is signed by no key that is known here (--public-key names more).`,
    );
  }
  return { heads: headsOf(known), faults, notes };
}

function headsOf(checkpoints: readonly Checkpoint[]): Map<string, CheckpointedHead[]> {
  const heads = new Map<string, CheckpointedHead[]>();
  for (const { at, chains } of checkpoints) {
    for (const { chain, seq, hash } of chains) heads.set(chain, [...(heads.get(chain) ?? []), { seq, hash, at }]);
  }
  return heads;
}
