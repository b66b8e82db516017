import type { Manner } from './behaviour.js';
import type { FaultRow } from './fault-row.js';
import type { Account, DigestSignIn } from './sign-in.js';

const digest =
  (more: Partial<DigestSignIn> = {}) =>
  (account: Account): DigestSignIn => ({ scheme: 'digest', algorithms: ['MD5'], ...account, ...more });

const asked = (signIn: Extract<Manner, { at: 'sign_in' }>['signIn']): Manner => ({ at: 'sign_in', signIn });

/** A realm with everything in it that a careless reader of challenges stumbles over. */
const TRICKY_REALM = 'Gate "A", nonce=1, Basic \\ qop';

/** Ways to ask for a sign-in (probing.md, section 4). All but the first let the right user name and password in. */
export const SIGN_IN_FAULTS = {
  unauthorized: { does: 'takes no user name and password', outcome: 'auth_failed', behaviour: asked(null) },
  basic: { does: 'asks for Basic', signIn: 'basic', behaviour: asked((account) => ({ scheme: 'basic', ...account })) },
  basic_and_digest: {
    does: 'asks for Basic or Digest, Basic first',
    signIn: 'digest',
    behaviour: asked(digest({ offersBasic: true })),
  },
  digest_md5: { does: 'asks for Digest with MD5', signIn: 'digest', behaviour: asked(digest()) },
  digest_sha256: {
    does: 'asks for Digest with SHA-256',
    signIn: 'digest',
    behaviour: asked(digest({ algorithms: ['SHA-256'] })),
  },
  digest_both: {
    does: 'asks for Digest with SHA-256 or MD5, a line and a nonce each',
    signIn: 'digest',
    behaviour: asked(digest({ algorithms: ['SHA-256', 'MD5'] })),
  },
  digest_one_line: {
    does: 'asks for Digest with MD5 or SHA-256, both in one line',
    signIn: 'digest',
    behaviour: asked(digest({ algorithms: ['MD5', 'SHA-256'], isOneLine: true })),
  },
  digest_session: {
    does: 'asks for Digest with MD5-sess',
    signIn: 'digest',
    behaviour: asked(digest({ isSession: true })),
  },
  digest_no_qop: {
    does: 'asks for Digest without quality of protection, as RFC 2069 has it',
    signIn: 'digest',
    behaviour: asked(digest({ qop: null })),
  },
  digest_auth_int: {
    does: 'asks for Digest with the body protected, auth-int alone',
    signIn: 'digest',
    behaviour: asked(digest({ qop: 'auth-int' })),
  },
  digest_choice: {
    does: 'asks for Digest with auth or auth-int',
    signIn: 'digest',
    behaviour: asked(digest({ qop: 'auth,auth-int' })),
  },
  digest_stale: {
    does: 'calls the first nonce stale, and takes the next',
    signIn: 'digest',
    behaviour: asked(digest({ isFirstStale: true })),
  },
  digest_one_use: {
    does: 'takes a nonce once, then it is stale',
    signIn: 'digest',
    behaviour: asked(digest({ isOneUse: true })),
  },
  digest_tricky_realm: {
    does: 'names a realm with quotes, commas and = in it',
    signIn: 'digest',
    behaviour: asked(digest({ realm: TRICKY_REALM })),
  },
} as const satisfies Readonly<Record<string, FaultRow>>;
