import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export type DigestAlgorithm = 'MD5' | 'SHA-256';

/** User name and password that a device takes. */
export interface Account {
  readonly username: string;
  readonly password: string;
}

/** Those of the demonstration's devices. */
export const DEMO_ACCOUNT: Account = { username: 'viewer', password: 'sluice-gate-497' };

export interface DigestSignIn extends Account {
  readonly scheme: 'digest';
  /** Offered in this order, each in its own line. */
  readonly algorithms: readonly DigestAlgorithm[];
  /** All challenges in one line. */
  readonly isOneLine?: boolean;
  /** A challenge for Basic before them, which nobody needs to take. */
  readonly offersBasic?: boolean;
  /** With a session's key, `-sess`. */
  readonly isSession?: boolean;
  /** null: the form of RFC 2069, without quality of protection. Default `auth`. */
  readonly qop?: 'auth' | 'auth-int' | 'auth,auth-int' | null;
  /** A nonce is refused as stale when it is older, seconds. Default 300. */
  readonly nonceLifeS?: number;
  /** A nonce serves once. */
  readonly isOneUse?: boolean;
  /** A nonce serves only where it was given out in place of a stale one. */
  readonly isFirstStale?: boolean;
  /** Default: the device's. */
  readonly realm?: string;
}

/** How a device asks who is there. */
export type SignIn = { readonly scheme: 'none' } | ({ readonly scheme: 'basic' } & Account) | DigestSignIn;

/** The answer to a request: let in, or 401 with these challenges. */
export type Verdict = { readonly isOpen: true } | { readonly isOpen: false; readonly challenges: readonly string[] };

const MAX_NONCES = 512;

/** A nonce that was given out. */
interface Given {
  readonly atMs: number;
  readonly isRenewed: boolean;
  /** The highest count it was answered with. */
  count: number;
}

/** The lock of one device: RFC 7617 Basic, RFC 7616 Digest with MD5 and SHA-256, RFC 2069. */
export class Gate {
  private readonly nonces = new Map<string, Given>();

  constructor(
    private readonly signIn: SignIn,
    private readonly realm: string,
  ) {}

  /** Judges the `Authorization` header of a request whose target is `uri`, byte for byte as it was sent. */
  judge(header: string | undefined, method: string, uri: string, nowMs: number): Verdict {
    const { signIn } = this;
    switch (signIn.scheme) {
      case 'none':
        return { isOpen: true };
      case 'basic': {
        const wanted = Buffer.from(`${signIn.username}:${signIn.password}`).toString('base64');
        const sent = /^basic\s+(\S+)\s*$/i.exec(header ?? '')?.[1] ?? '';
        return isSame(sent, wanted) ? { isOpen: true } : { isOpen: false, challenges: [`Basic realm="${this.realm}"`] };
      }
      case 'digest': {
        const answer = /^digest\s+(.+)$/is.exec(header ?? '')?.[1];
        const state = answer === undefined ? 'absent' : this.judgeDigest(signIn, membersOf(answer), method, uri, nowMs);
        return state === 'right' ? { isOpen: true } : this.challenge(signIn, state === 'stale', nowMs);
      }
      default:
        throw new Error(`bug: ${JSON.stringify(signIn satisfies never)}`);
    }
  }

  /** Challenges as if nobody had ever signed in. */
  refuse(nowMs: number): Verdict {
    const { signIn } = this;
    return signIn.scheme === 'digest'
      ? this.challenge(signIn, false, nowMs)
      : { isOpen: false, challenges: [`Basic realm="${this.realm}"`] };
  }

  private challenge(signIn: DigestSignIn, isStale: boolean, nowMs: number): Verdict {
    const { algorithms, qop = 'auth', realm = this.realm, isSession, isOneLine, offersBasic } = signIn;
    const named = `realm="${realm.replace(/["\\]/g, '\\$&')}"`;
    const digests = algorithms.map((algorithm) => {
      const nonce = randomBytes(16).toString('hex');
      this.nonces.set(nonce, { atMs: nowMs, isRenewed: isStale, count: 0 });
      const name = `${algorithm}${isSession === true ? '-sess' : ''}`;
      const protection = qop === null ? '' : `, qop="${qop}"`;
      return `Digest ${named}, nonce="${nonce}", algorithm=${name}${protection}${isStale ? ', stale=true' : ''}`;
    });
    for (const oldest of this.nonces.keys()) {
      if (this.nonces.size <= MAX_NONCES) break;
      this.nonces.delete(oldest);
    }
    const challenges = [...(offersBasic === true ? [`Basic ${named}`] : []), ...digests];
    return { isOpen: false, challenges: isOneLine === true ? [challenges.join(', ')] : challenges };
  }

  private judgeDigest(
    signIn: DigestSignIn,
    sent: ReadonlyMap<string, string>,
    method: string,
    uri: string,
    nowMs: number,
  ): 'right' | 'wrong' | 'stale' {
    const { username, algorithms, realm = this.realm, qop = 'auth', isSession = false } = signIn;
    const [, name = '', session] = /^(.*?)(-SESS)?$/.exec((sent.get('algorithm') ?? 'MD5').toUpperCase()) ?? [];
    const algorithm = algorithms.find((one) => one === name);
    const protection = sent.get('qop') ?? null;
    const isOffered = qop === null ? protection === null : qop.split(',').some((one) => one === protection);
    if (algorithm === undefined || (session !== undefined) !== isSession || !isOffered) return 'wrong';
    if (sent.get('realm') !== realm || sent.get('uri') !== uri || sent.get('username') !== username) return 'wrong';
    const right = responseTo({ ...signIn, realm, algorithm, isSession }, sent, `${method}:${uri}`);
    if (!isSame(sent.get('response') ?? '', right)) return 'wrong';
    return this.use(
      signIn,
      sent.get('nonce') ?? '',
      qop === null ? null : Number.parseInt(sent.get('nc') ?? '', 16),
      nowMs,
    );
  }

  /** @param count with which the nonce was answered; null where answers are not counted */
  private use(signIn: DigestSignIn, nonce: string, count: number | null, nowMs: number): 'right' | 'stale' {
    const { nonceLifeS = 300, isOneUse = false, isFirstStale = false } = signIn;
    const given = this.nonces.get(nonce);
    if (given === undefined || nowMs - given.atMs > nonceLifeS * 1_000) return 'stale';
    if (isFirstStale && !given.isRenewed) return 'stale';
    if (count !== null && !(count > given.count)) return 'stale';
    if (isOneUse) this.nonces.delete(nonce);
    given.count = count ?? 0;
    return 'right';
  }
}

/** The response that the right user name and password give (RFC 7616, 3.4.1; RFC 2069 without `qop`). */
function responseTo(
  { username, password, realm, algorithm, isSession }: DigestSignIn & { realm: string; algorithm: DigestAlgorithm },
  sent: ReadonlyMap<string, string>,
  request: string,
): string {
  const hash = (text: string): string =>
    createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex');
  const [nonce = '', cnonce = '', nc = ''] = ['nonce', 'cnonce', 'nc'].map((name) => sent.get(name));
  const account = hash(`${username}:${realm}:${password}`);
  const own = isSession === true ? hash(`${account}:${nonce}:${cnonce}`) : account;
  const qop = sent.get('qop');
  // The body of a GET is empty.
  const asked = hash(qop === 'auth-int' ? `${request}:${hash('')}` : request);
  return hash(`${own}:${qop === undefined ? nonce : `${nonce}:${nc}:${cnonce}:${qop}`}:${asked}`);
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** `name=value` pairs separated by commas; values quoted, with backslashes, or bare. */
function membersOf(text: string): ReadonlyMap<string, string> {
  const pairs = text.matchAll(/\b([a-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/gi);
  return new Map(
    [...pairs].map(([, name = '', quoted, bare]) => [
      name.toLowerCase(),
      quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '',
    ]),
  );
}
