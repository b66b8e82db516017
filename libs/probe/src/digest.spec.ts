import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  answerChallenge,
  type AuthenticatedRequest,
  cachedAuthorization,
  type Challenge,
  chooseChallenge,
  NonceCache,
  readChallenges,
} from './digest.js';

const ORIGIN = 'http://cam.example:80';
const MUFASA = { username: 'Mufasa', password: 'Circle of Life' };

const request = (more: Partial<AuthenticatedRequest> = {}): AuthenticatedRequest => ({
  method: 'GET',
  uri: '/dir/index.html',
  credentials: MUFASA,
  cnonce: () => '0a4f113b',
  nonces: new NonceCache(),
  origin: ORIGIN,
  ...more,
});

/** The one challenge of a header that is answered. */
function chosen(...headers: readonly string[]): Challenge {
  const challenge = chooseChallenge(readChallenges(headers), { basicAllowed: true });
  if (challenge === null) throw new Error('nothing is answered');
  return challenge;
}

/** Members of an Authorization header, quotes taken off. */
function members(authorization: string): Record<string, string> {
  const found = authorization.matchAll(/([a-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^,\s]+))/g);
  return Object.fromEntries([...found].map(([, name, quoted, bare]) => [name, quoted ?? bare ?? '']));
}

const answered = (header: string, more: Partial<AuthenticatedRequest> = {}): string =>
  answerChallenge(chosen(header), request(more)).authorization;

/** What a server computes, from bytes and on its own. */
function expectedResponse(
  hash: string,
  authorization: string,
  secretBytes: Buffer,
  method = 'GET',
  isSession = false,
): string {
  const h = (...parts: readonly (string | Buffer)[]): string => {
    const sum = createHash(hash);
    for (const part of parts) sum.update(typeof part === 'string' ? Buffer.from(part, 'latin1') : part);
    return sum.digest('hex');
  };
  const { nonce = '', nc, cnonce = '', qop, uri = '' } = members(authorization);
  const secret = h(secretBytes);
  const a1 = isSession ? h(`${secret}:${nonce}:${cnonce}`) : secret;
  const a2 = h(qop === 'auth-int' ? `${method}:${uri}:${h('')}` : `${method}:${uri}`);
  return qop === undefined ? h(`${a1}:${nonce}:${a2}`) : h(`${a1}:${nonce}:${nc ?? ''}:${cnonce}:${qop}:${a2}`);
}

describe('examples of the standards', () => {
  test('RFC 2617, 3.5', () => {
    const authorization = answered(
      'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
      { credentials: { username: 'Mufasa', password: 'Circle Of Life' } },
    );
    expect(authorization).toBe(
      'Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", ' +
        'response="6629fae49393a05397450978507c4ef1", qop=auth, nc=00000001, cnonce="0a4f113b", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
    );
  });

  test.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ])('RFC 7616, 3.9.1: %s', (algorithm, response) => {
    const authorization = answered(
      `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
      { cnonce: () => 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ' },
    );
    expect(members(authorization)).toMatchObject({ response, qop: 'auth', nc: '00000001', algorithm });
  });

  test('RFC 7616, 3.9.1: both are offered, SHA-256 is answered, with its own nonce', () => {
    const nonce = '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v';
    const both = [
      `Digest realm="http-auth@example.org", qop="auth", algorithm=MD5, nonce="of-md5"`,
      `Digest realm="http-auth@example.org", qop="auth", algorithm=SHA-256, nonce="${nonce}"`,
    ];
    for (const headers of [both, [...both].reverse(), [both.join(', ')]]) {
      expect(chosen(...headers)).toMatchObject({ algorithm: 'SHA-256', nonce });
    }
  });

  test('RFC 2069, 2.4 (response as in its errata)', () => {
    const authorization = answered(
      'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
      { credentials: { username: 'Mufasa', password: 'CircleOfLife' } },
    );
    expect(authorization).toBe(
      'Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", ' +
        'response="1949323746fe6a43ef61f9606e7febea", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
    );
  });

  test('RFC 7617: Basic, in UTF-8', () => {
    const basic = (username: string, password: string): string =>
      answered('Basic realm="x"', { credentials: { username, password } });
    expect(basic('Aladdin', 'open sesame')).toBe('Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==');
    expect(basic('test', '123£')).toBe('Basic dGVzdDoxMjPCow==');
    expect(answerChallenge(chosen('basic'), request()).scheme).toBe('basic');
  });
});

describe('reading challenges (CRED-5)', () => {
  const nonces = (...headers: readonly string[]): string[] =>
    readChallenges(headers).map(({ scheme, nonce, realm }) => `${scheme}|${realm}|${nonce}`);

  test.each<[string, readonly string[]]>([
    ['Digest realm="a", nonce="n"', ['digest|a|n']],
    ['dIgEsT REALM="a",NONCE="n"', ['digest|a|n']],
    ['Digest  realm = "a" ,  nonce = "n"  ', ['digest|a|n']],
    ['Digest realm=a, nonce=n', ['digest|a|n']],
    ['Digest realm="a" nonce="n"', ['digest|a|n']],
    ['Digest realm="a"; nonce="n"', ['digest|a|n']],
    ['Digest, realm="a", nonce="n"', ['digest|a|n']],
    ['Digest realm="a",, ,nonce="n",', ['digest|a|n']],
    ['Digest realm="a, Basic realm=b", nonce="n=="', ['digest|a, Basic realm=b|n==']],
    ['Digest realm="a\\"b\\\\c", nonce="n"', ['digest|a"b\\c|n']],
    ['Digest realm="", nonce="n"', ['digest||n']],
    ['Digest nonce=abc==, realm=x', ['digest|x|abc==']],
    ['Digest nonce="n", realm="no end', ['digest|no end|n']],
    ['Digest realm="a", nonce="n", realm="b", nonce="m"', ['digest|a|n']],
    ['Digest realm="a", qop=auth,auth-int, nonce="n"', ['digest|a|n']],
    ['Digest realm="a", nonce="n", Basic realm="b"', ['digest|a|n', 'basic|b|']],
    ['Basic realm="b", Digest realm="a", nonce="n"', ['basic|b|', 'digest|a|n']],
    ['Basic realm="b" Digest realm="a", nonce="n"', ['basic|b|', 'digest|a|n']],
    ['Basic, Digest realm="a", nonce="n"', ['basic||', 'digest|a|n']],
    ['Negotiate, Digest realm="a", nonce="n"', ['digest|a|n']],
    ['Negotiate YII/abc+==, Digest realm="a", nonce="n"', ['digest|a|n']],
    ['NTLM TlRMTVNTUAAB, Basic realm="b"', ['basic|b|']],
    ['Bearer realm="r", error="x, y", Digest realm="a", nonce="n"', ['digest|a|n']],
    ['Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"', ['basic|simple|']],
    ['realm="a", nonce="n"', []],
    ['"Digest" realm="a"', []],
    ['=,=,"', []],
    ['Digestrealm="a"', []],
    ['', []],
    [' , ', []],
    ['Digest', ['digest||']],
  ])('%s', (header, expected) => {
    expect(nonces(header)).toEqual(expected);
  });

  test('every line counts', () => {
    expect(nonces('Basic realm="b"', '', 'Digest realm="a", nonce="n"')).toEqual(['basic|b|', 'digest|a|n']);
  });

  test('all members of a challenge', () => {
    expect(
      readChallenges([
        'Digest realm="r", nonce="n", opaque="", algorithm="sha-256", qop=" AUTH , auth-int,x", stale=TRUE, domain="/"',
      ]),
    ).toEqual([
      {
        scheme: 'digest',
        realm: 'r',
        nonce: 'n',
        opaque: '',
        algorithm: 'sha-256',
        qop: ['auth', 'auth-int', 'x'],
        stale: true,
      },
    ]);
    expect(readChallenges(['Digest realm="r", nonce="n", stale=false'])[0]).toMatchObject({ stale: false, qop: [] });
    expect(readChallenges(['Digest nonce="n", qop=auth-int,auth'])[0]?.qop).toEqual(['auth-int', 'auth']);
    expect(readChallenges(['Digest nonce="n", algorithm='])[0]).not.toHaveProperty('algorithm');
  });

  test('no text makes it throw or wait', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => Array.isArray(readChallenges([`Digest ${text}`]))));
    const long = 65_536;
    const began = performance.now();
    for (const text of [
      `Digest realm="${'a'.repeat(long)}"`,
      `Digest realm="${'\\'.repeat(long)}`,
      `Digest ${'a=b '.repeat(long / 4)}`,
      'a '.repeat(long / 2),
      `Digest ${' '.repeat(long)}"`,
      `${'a'.repeat(long)}"`,
      `Digest ${',"'.repeat(long / 2)}`,
      `Digest a${' '.repeat(long)}`,
      `Digest ${'a="b" ,'.repeat(long / 7)}`,
    ]) {
      readChallenges([text]);
    }
    // 0.1 s here; a backtracking expression would take minutes.
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});

describe('choosing (CRED-5)', () => {
  const choose = (headers: readonly string[], basicAllowed = true): string | null => {
    const challenge = chooseChallenge(readChallenges(headers), { basicAllowed });
    return challenge === null ? null : `${challenge.scheme} ${challenge.algorithm ?? '-'} ${challenge.nonce}`;
  };
  const digest = (nonce: string, more = ''): string => `Digest realm="r", nonce="${nonce}"${more}`;

  test('SHA-256, then MD5; sessions after plain ones; unknown algorithms are passed over', () => {
    const offers = [
      ', algorithm=MD5-sess',
      '',
      ', algorithm=SHA-256-sess',
      ', algorithm=SHA-512-256',
      ', algorithm=SHA-256',
      ', algorithm=md5',
    ];
    const headers = offers.map((more, i) => digest(`n${i}`, more));
    expect(choose(headers)).toBe('digest SHA-256 n4');
    expect(choose(headers.filter((_, i) => i !== 4))).toBe('digest SHA-256-sess n2');
    expect(choose(headers.filter((_, i) => i !== 4 && i !== 2))).toBe('digest - n1');
    expect(choose([headers[0] ?? ''])).toBe('digest MD5-sess n0');
  });

  test.each([
    ['an unknown algorithm', digest('n', ', algorithm=SHA-512-256')],
    ['an algorithm named like a member of every object', digest('n', ', algorithm=constructor')],
    ['another such', digest('n', ', algorithm=__proto__')],
    ['an unknown qop', digest('n', ', qop="token"')],
    ['no nonce', 'Digest realm="r"'],
    ['a nonce of 257 characters', digest('n'.repeat(257))],
    ['a nonce of 10 kB', digest('n'.repeat(10_000))],
    ['a realm of 257 characters', `Digest realm="${'r'.repeat(257)}", nonce="n"`],
    ['an endless opaque', digest('n', `, opaque="${'o'.repeat(5_000)}"`)],
    ['nothing at all', 'Digest'],
  ])('Digest with %s is not answered, and Basic beside it neither', (_, header) => {
    expect(choose([header])).toBeNull();
    expect(choose([header, 'Basic realm="r"'])).toBeNull();
    expect(choose([`Basic realm="r", ${header}`])).toBeNull();
    expect(choose([header, digest('good')])).toBe('digest - good');
  });

  test('lengths up to the limit are answered', () => {
    expect(choose([`Digest realm="${'r'.repeat(256)}", nonce="${'n'.repeat(256)}"`])).toBe(
      `digest - ${'n'.repeat(256)}`,
    );
  });

  test('Basic alone, where it may be sent', () => {
    expect(choose(['Basic realm="r"'])).toBe('basic - ');
    expect(choose(['Basic realm="r"'], false)).toBeNull();
    expect(choose(['Basic'])).toBe('basic - ');
    expect(choose([`Basic realm="${'r'.repeat(257)}"`])).toBeNull();
    expect(choose(['Negotiate', 'Bearer realm="x"'])).toBeNull();
    expect(choose([])).toBeNull();
    // Digest needs no leave.
    expect(choose([digest('n'), 'Basic realm="r"'], false)).toBe('digest - n');
  });
});

describe('answering (CRED-5)', () => {
  test('the query is part of the uri, as sent; the method counts', () => {
    const uri = '/axis-cgi/mjpg/video.cgi?resolution=640x480&x=%zz"\\';
    const authorization = answered('Digest realm="r", nonce="n", qop="auth"', { uri, method: 'DESCRIBE' });
    expect(authorization).toContain('uri="/axis-cgi/mjpg/video.cgi?resolution=640x480&x=%zz\\"\\\\"');
    const plain = answered('Digest realm="r", nonce="n", qop="auth"', { uri: '/a?b=c', method: 'DESCRIBE' });
    expect(members(plain).response).toBe(
      expectedResponse('md5', plain, Buffer.from('Mufasa:r:Circle of Life'), 'DESCRIBE'),
    );
  });

  test('qop: auth where it is offered, auth-int where nothing else is', () => {
    const qop = (offer: string): string | undefined =>
      members(answered(`Digest realm="r", nonce="n", qop="${offer}"`)).qop;
    expect(['auth', 'auth-int,auth', 'AUTH', 'auth-int', 'token,auth-int'].map(qop)).toEqual([
      'auth',
      'auth',
      'auth',
      'auth-int',
      'auth-int',
    ]);
    const whole = answered('Digest realm="r", nonce="n", qop="auth-int"');
    expect(members(whole).response).toBe(expectedResponse('md5', whole, Buffer.from('Mufasa:r:Circle of Life')));
  });

  test('qop, nc and algorithm without quotes, the rest with them, the algorithm as sent', () => {
    expect(answered('Digest realm="r", nonce="n", algorithm="sha-256", qop="auth", opaque=""')).toMatch(
      /^Digest username="Mufasa", realm="r", nonce="n", uri="[^"]*", response="[0-9a-f]{64}", algorithm=sha-256, qop=auth, nc=00000001, cnonce="0a4f113b", opaque=""$/,
    );
  });

  test.each([
    ['MD5-sess', 'md5'],
    ['SHA-256-sess', 'sha256'],
  ])('%s, with and without qop', (algorithm, hash) => {
    for (const more of [', qop="auth"', '']) {
      const authorization = answered(`Digest realm="r", nonce="n", algorithm=${algorithm}${more}`);
      expect(members(authorization)).toMatchObject({ cnonce: '0a4f113b', algorithm });
      expect(members(authorization).response).toBe(
        expectedResponse(hash, authorization, Buffer.from('Mufasa:r:Circle of Life'), 'GET', true),
      );
    }
  });

  test('the client nonce of a session stays as long as the nonce', () => {
    const nonces = new NonceCache();
    let last = 0;
    const cnonce = (): string => `c${++last}`;
    const header = 'Digest realm="r", nonce="n", algorithm=MD5-sess, qop="auth"';
    const first = answered(header, { nonces, cnonce });
    const second = cachedAuthorization(request({ nonces, cnonce })) ?? '';
    expect([first, second].map((one) => [members(one).cnonce, members(one).nc])).toEqual([
      ['c1', '00000001'],
      ['c1', '00000002'],
    ]);
    nonces.accept(ORIGIN, MUFASA, 'nextnonce="m"');
    expect(members(cachedAuthorization(request({ nonces, cnonce })) ?? '')).toMatchObject({
      cnonce: 'c2',
      nonce: 'm',
      nc: '00000001',
    });
    // Others take a new one each time.
    const plain = answered('Digest realm="r", nonce="p", qop="auth"', { nonces, cnonce });
    const again = cachedAuthorization(request({ nonces, cnonce })) ?? '';
    expect(members(plain).cnonce).not.toBe(members(again).cnonce);
  });

  test('user name and password are UTF-8; a realm in any charset is hashed and echoed byte for byte', () => {
    const credentials = { username: '監視 "é', password: 'pä£€' };
    for (const realm of [
      Buffer.from('攝影機 (12345)', 'utf8'),
      Buffer.from([0xc4, 0x7c, 0xe9]),
      Buffer.from('DS-2CD "x"'),
    ]) {
      const header = Buffer.concat([
        Buffer.from('Digest realm="'),
        Buffer.from(realm.toString('latin1').replaceAll('"', '\\"'), 'latin1'),
        Buffer.from('", nonce="n", qop="auth"'),
      ]);
      const authorization = answered(header.toString('latin1'), { credentials });
      const sent = Buffer.from(authorization, 'latin1');
      expect(sent.toString('latin1')).toBe(authorization);
      expect(sent.includes(Buffer.from('username="監視 \\"é"', 'utf8'))).toBe(true);
      expect(sent.includes(Buffer.from(`realm="${realm.toString('latin1').replaceAll('"', '\\"')}"`, 'latin1'))).toBe(
        true,
      );
      const secret = Buffer.concat([
        Buffer.from(`${credentials.username}:`),
        realm,
        Buffer.from(`:${credentials.password}`),
      ]);
      expect(members(authorization).response).toBe(expectedResponse('md5', authorization, secret));
    }
  });

  test('a line end in a user name begins no header', () => {
    const authorization = answered('Digest realm="r", nonce="n"', {
      credentials: { username: 'a\r\nX-Evil: 1\0', password: 'p' },
    });
    expect(authorization).toContain('username="aX-Evil: 1"');
    expect(authorization).not.toMatch(/[\r\n\0]/);
    expect(answered('Basic realm="r"', { credentials: { username: 'a\r\nb', password: 'p\r\n' } })).toMatch(
      /^Basic [\w+/=]+$/,
    );
  });
});

describe('nonces that are kept (CRED-5)', () => {
  const DIGEST = 'Digest realm="r", nonce="n1", qop="auth"';
  const nonceOf = (nonces: NonceCache, more: Partial<AuthenticatedRequest> = {}): string => {
    const { nonce, nc } = members(cachedAuthorization(request({ nonces, ...more })) ?? '');
    return `${nonce ?? '-'} ${nc ?? '-'}`;
  };

  test('counts rise from 1; a new nonce begins anew', () => {
    const nonces = new NonceCache();
    expect(nonceOf(nonces)).toBe('- -');
    expect(members(answered(DIGEST, { nonces })).nc).toBe('00000001');
    expect(Array.from({ length: 16 }, () => nonceOf(nonces)).slice(-2)).toEqual(['n1 00000010', 'n1 00000011']);
    // The same nonce again, as some devices send it: it goes on counting.
    expect(members(answered(DIGEST, { nonces })).nc).toBe('00000012');
    // stale=true brings a new one.
    expect(members(answered(`${DIGEST.replace('n1', 'n2')}, stale=true`, { nonces }))).toMatchObject({
      nonce: 'n2',
      nc: '00000001',
    });
    expect(nonceOf(nonces)).toBe('n2 00000002');
  });

  test('they belong to one origin and one pair of user name and password', () => {
    const nonces = new NonceCache();
    answered(DIGEST, { nonces });
    expect(nonceOf(nonces, { origin: 'https://cam.example:443' })).toBe('- -');
    expect(nonceOf(nonces, { credentials: { ...MUFASA, password: 'other' } })).toBe('- -');
    expect(nonceOf(nonces, { credentials: { username: 'Muf', password: 'asaCircle of Life' } })).toBe('- -');
    expect(nonces.find(ORIGIN, MUFASA)).toMatchObject({ nonce: 'n1' });
    nonces.forget(ORIGIN, MUFASA);
    expect(nonces.find(ORIGIN, MUFASA)).toBeNull();
    expect(nonceOf(nonces)).toBe('- -');
  });

  test.each<[string, string]>([
    ['nextnonce="m"', 'm 00000001'],
    ['qop=auth, rspauth="x", cnonce="c", nc=00000001, nextnonce="m"', 'm 00000001'],
    ['NextNonce = m==', 'm== 00000001'],
    ['nextnonce="a\\"b"', 'a\\"b 00000001'],
    ['rspauth="nonextnonce", nc=1', 'n1 00000002'],
    ['xnextnonce="m"', 'n1 00000002'],
    ['nextnonce=""', 'n1 00000002'],
    ['nextnonce="n1"', 'n1 00000002'],
    [`nextnonce="${'m'.repeat(257)}"`, 'n1 00000002'],
    ['', 'n1 00000002'],
  ])('Authentication-Info: %s', (info, expected) => {
    const nonces = new NonceCache();
    answered(DIGEST, { nonces });
    nonces.accept(ORIGIN, MUFASA, info);
    expect(nonceOf(nonces)).toBe(expected);
  });

  test('nextnonce without a challenge before it is nothing', () => {
    const nonces = new NonceCache();
    nonces.accept(ORIGIN, MUFASA, 'nextnonce="m"');
    expect(nonces.find(ORIGIN, MUFASA)).toBeNull();
  });

  test('Basic is never kept, so never sent unasked', () => {
    const nonces = new NonceCache();
    answered('Basic realm="r"', { nonces });
    expect(cachedAuthorization(request({ nonces }))).toBeNull();
  });

  test('20,000 at most; the one used longest ago falls out', () => {
    const nonces = new NonceCache();
    const [challenge] = readChallenges([DIGEST]);
    if (challenge === undefined) throw new Error('no challenge');
    for (let i = 0; i < 20_000; i += 1) nonces.keep(`http://${i}`, MUFASA, challenge);
    nonces.use('http://0', MUFASA, () => 'c');
    nonces.keep('http://new', MUFASA, challenge);
    expect(
      ['http://0', 'http://1', 'http://2', 'http://new'].map((origin) => nonces.find(origin, MUFASA) !== null),
    ).toEqual([true, false, true, true]);
  });
});
