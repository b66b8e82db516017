import { canonicalJson, type ChainHead, isPlainObject } from '#catalog';
import { type CheckpointSigner, isPublicKey, isSignedBy } from './checkpoint-key.js';

/** What a checkpoint says: how far each chain of one registry had come. */
export interface CheckpointStatement {
  /** Names the registry. */
  readonly registry: string;
  /** RFC 3339 UTC. */
  readonly at: string;
  readonly chains: readonly ChainHead[];
  /** All that sign it; so a key that is known vouches for one that takes its place. */
  readonly keys: readonly { readonly kid: string; readonly publicKey: string }[];
}

/** A line of the file of checkpoints, as it is kept outside of the database (AUD-3). */
export interface Checkpoint extends CheckpointStatement {
  /** By each of `keys`, in their order, of the RFC 8785 JSON of everything else; base64url. */
  readonly signatures: readonly string[];
}

/** A checkpoint of these heads, signed by every key of the keyring. */
export function signCheckpoint(
  { registry, at, chains }: Omit<CheckpointStatement, 'keys'>,
  signers: readonly CheckpointSigner[],
): Checkpoint {
  const statement = { registry, at, chains, keys: signers.map(({ kid, publicKey }) => ({ kid, publicKey })) };
  const text = canonicalJson(statement);
  return { ...statement, signatures: signers.map((signer) => signer.sign(text)) };
}

/** The checkpoint in a line, or null where the line is none. Whether anybody vouches for it is another question. */
export function readCheckpoint(line: string): Checkpoint | null {
  const value = parsed(line);
  if (!isPlainObject(value)) return null;
  const { registry, at, chains, keys, signatures } = value;
  const isWhole =
    typeof registry === 'string' &&
    typeof at === 'string' &&
    Array.isArray(chains) &&
    chains.every(isHead) &&
    Array.isArray(keys) &&
    keys.every((key) => isPlainObject(key) && typeof key.kid === 'string' && isPublicKey(key.publicKey)) &&
    Array.isArray(signatures) &&
    signatures.length === keys.length &&
    signatures.every((signature) => typeof signature === 'string');
  return isWhole ? (value as unknown as Checkpoint) : null;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

const isHead = (head: unknown): boolean =>
  isPlainObject(head) &&
  typeof head.chain === 'string' &&
  Number.isSafeInteger(head.seq) &&
  typeof head.hash === 'string' &&
  /^[0-9a-f]{64}$/.test(head.hash);

/** Which of these checkpoints somebody known vouches for. */
export interface Vouched {
  readonly known: readonly Checkpoint[];
  /** Signed by nobody known, or changed since. */
  readonly unknown: readonly Checkpoint[];
}

/**
 * Tells checkpoints that can be relied on. A key is known when it is given, and when a known key signed a checkpoint together with it: so those
 * of secret keys that are long gone stay known, as long as each was in the list at the same time as its successor, when a checkpoint was made.
 */
export function vouchedFor(checkpoints: readonly Checkpoint[], publicKeys: readonly string[]): Vouched {
  const known = new Set(publicKeys);
  const signed = checkpoints.map((checkpoint) => ({ checkpoint, signers: signersOf(checkpoint) }));
  for (let before = -1; before !== known.size;) {
    before = known.size;
    for (const { signers } of signed) {
      if (signers.some((key) => known.has(key))) for (const key of signers) known.add(key);
    }
  }
  const isKnown = ({ signers }: { readonly signers: readonly string[] }): boolean =>
    signers.some((key) => known.has(key));
  const checkpointsOf = (list: typeof signed): readonly Checkpoint[] => list.map(({ checkpoint }) => checkpoint);
  return {
    known: checkpointsOf(signed.filter(isKnown)),
    unknown: checkpointsOf(signed.filter((one) => !isKnown(one))),
  };
}

/** The keys whose signatures hold. */
function signersOf({ signatures, ...statement }: Checkpoint): readonly string[] {
  const text = canonicalJson(statement);
  return statement.keys
    .filter(({ publicKey }, i) => isSignedBy(publicKey, text, signatures[i] ?? ''))
    .map(({ publicKey }) => publicKey);
}
