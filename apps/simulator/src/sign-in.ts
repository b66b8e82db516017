import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export type DigestAlgorithm = 'MD5' | 'SHA-256';

/** How a device asks who is there. */
export type SignIn =
  | { readonly scheme: 'none' }
  | { readonly scheme: 'basic'; readonly username: string; readonly password: string }
  | {
      readonly scheme: 'digest';
      readonly username: string;
      readonly password: string;
      /** Offered in this order, each in its own line. */
      readonly algorithms: readonly DigestAlgorithm[];
      /** False: the form of RFC 2069, without quality of protection. Default true. */
      readonly qop?: boolean;
      /** A nonce is refused as stale when it is older, seconds. Default 300. */
      readonly nonceLifeS?: number;
    };

/** The answer to a request: let in, or 401 with these challenges. */
export type Verdict = { readonly isOpen: true } | { readonly isOpen: false; readonly challenges: readonly string[] };

const MAX_NONCES = 512;

/** The lock of one device: RFC 7617 Basic, RFC 7616 Digest with MD5 and SHA-256, RFC 2069. */
export class Gate {
  /** When each nonce was given out, and the highest count it was answered with. */
  private readonly nonces = new Map<string, { readonly atMs: number; count: number }>();

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

  private challenge(signIn: SignIn & { scheme: 'digest' }, isStale: boolean, nowMs: number): Verdict {
    const challenges = signIn.algorithms.map((algorithm) => {
      const nonce = randomBytes(16).toString('hex');
      this.nonces.set(nonce, { atMs: nowMs, count: 0 });
      const qop = signIn.qop === false ? '' : ', qop="auth"';
      return `Digest realm="${this.realm}", nonce="${nonce}", algorithm=${algorithm}${qop}${isStale ? ', stale=true' : ''}`;
    });
    for (const oldest of this.nonces.keys()) {
      if (this.nonces.size <= MAX_NONCES) break;
      this.nonces.delete(oldest);
    }
    return { isOpen: false, challenges };
  }

  private judgeDigest(
    { username, password, algorithms, qop: wantsQop = true, nonceLifeS = 300 }: SignIn & { scheme: 'digest' },
    sent: ReadonlyMap<string, string>,
    method: string,
    uri: string,
    nowMs: number,
  ): 'right' | 'wrong' | 'stale' {
    const algorithm = (sent.get('algorithm') ?? 'MD5').toUpperCase();
    const known = algorithms.find((one) => one === algorithm);
    if (known === undefined || sent.get('realm') !== this.realm || sent.get('uri') !== uri) return 'wrong';
    const hash = (text: string): string =>
      createHash(known === 'MD5' ? 'md5' : 'sha256')
        .update(text)
        .digest('hex');
    const nonce = sent.get('nonce') ?? '';
    const own = hash(`${username}:${this.realm}:${password}`);
    const asked = hash(`${method}:${uri}`);
    const middle = wantsQop ? `${nonce}:${sent.get('nc') ?? ''}:${sent.get('cnonce') ?? ''}:auth` : nonce;
    if (sent.get('username') !== username || (wantsQop && sent.get('qop') !== 'auth')) return 'wrong';
    if (!isSame(sent.get('response') ?? '', hash(`${own}:${middle}:${asked}`))) return 'wrong';

    const given = this.nonces.get(nonce);
    const count = Number.parseInt(sent.get('nc') ?? '', 16);
    if (given === undefined || nowMs - given.atMs > nonceLifeS * 1_000 || (wantsQop && !(count > given.count)))
      return 'stale';
    given.count = wantsQop ? count : 0;
    return 'right';
  }
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** `name=value` pairs separated by commas; values quoted, with backslashes, or bare. */
function membersOf(text: string): ReadonlyMap<string, string> {
  const pairs = text.matchAll(/([a-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/gi);
  return new Map(
    [...pairs].map(([, name = '', quoted, bare]) => [
      name.toLowerCase(),
      quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '',
    ]),
  );
}
