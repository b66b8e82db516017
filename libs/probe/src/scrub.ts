import type { Credentials } from '#catalog';

const MASK = '***';
/** Shorter secrets would mask half of every text; what they guard is as short. */
const MIN_SECRET = 3;
const MAX_TEXT = 300;
/** Of longer texts the beginning is looked through; no more of it could be left. */
const MAX_SCANNED = 4_096;

/**
 * Takes the secrets in use out of text that leaves the probe, by value and in every encoding in which devices echo them
 * (security.md CRED-7: cameras print credentials in SDP, some keep them in paths): password and `user:password`, raw, percent-encoded
 * in whole or in part, as HTML, XML or JSON, hex, base64; userinfo, query values and path of the URL likewise. The result is one line
 * of at most 300 characters, without control characters.
 */
export function scrubber(credentials: Credentials | null, url: string): (text: string) => string {
  // Most probes go well and never come here.
  let secrets: Spellings | null = null;
  return (text) => {
    secrets ??= spellingsOf(credentials, url);
    return oneLine(masked(text, secrets));
  };
}

/** How the secrets may stand in a text, ASCII letters small. */
interface Spellings {
  /** As they are, and as a whole in other alphabets. */
  readonly whole: readonly string[];
  /** Secret by secret, character by character: how that one may be written. Computed for the few texts that need it. */
  readonly loose: () => readonly (readonly (readonly string[])[])[];
}

function spellingsOf(credentials: Credentials | null, url: string): Spellings {
  const { secrets, places } = partsOf(url);
  if (credentials !== null) secrets.push(`${credentials.username}:${credentials.password}`, credentials.password);
  const plain = unique([...secrets, ...places]);
  const whole = unique([...plain, ...unique(secrets).flatMap(encodingsOf)].map(small));
  let loose: string[][][] | null = null;
  return { whole, loose: () => (loose ??= plain.map((secret) => [...secret].map(spellingsOfOne))) };
}

/** Those long enough to be masked, once each. */
const unique = (texts: readonly string[]): string[] => [...new Set(texts)].filter(({ length }) => length >= MIN_SECRET);

/** Hexadecimal and percent signs have two cases, so case never hides a secret. Keeps every position, which `toLowerCase` does not. */
const small = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

/** The text with a mask over the longest secret at each place. */
function masked(text: string, { whole, loose }: Spellings): string {
  const lower = small(text);
  const present = whole.filter((spelling) => lower.includes(spelling));
  const encoded = /[%&+]/.test(text) ? loose() : [];
  if (present.length === 0 && encoded.length === 0) return text;
  let rest = '';
  for (let at = 0; at < text.length && at < MAX_SCANNED;) {
    const ends = present.map((spelling) => (lower.startsWith(spelling, at) ? at + spelling.length : 0));
    const end = Math.max(...ends, ...encoded.map((characters) => endOf(characters, lower, at)), 0);
    rest += end > at ? MASK : text.charAt(at);
    at = Math.max(end, at + 1);
  }
  return rest;
}

/** Where the secret that begins here ends, 0 without one. All ways to read it are followed at once, so no text makes it wander. */
function endOf(characters: readonly (readonly string[])[], text: string, from: number): number {
  let reached = [from];
  for (const spellings of characters) {
    const next = new Set<number>();
    for (const at of reached) {
      for (const spelling of spellings) if (text.startsWith(spelling, at)) next.add(at + spelling.length);
    }
    if (next.size === 0) return 0;
    reached = [...next];
  }
  return Math.max(...reached);
}

/** The secret as a whole in another alphabet. */
function encodingsOf(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  return [json, json.replaceAll('/', '\\/'), ...bytesOf(secret).flatMap(alphabetsOf)];
}

/** UTF-8, and Latin-1, in which devices of the 2000s think. */
function bytesOf(secret: string): Buffer[] {
  const utf8 = Buffer.from(secret, 'utf8');
  return utf8.length === secret.length ? [utf8] : [utf8, Buffer.from(secret, 'latin1')];
}

/** The first is the bytes read as Latin-1, as heads are. Base64 without its padding is found with it as well. */
const alphabetsOf = (bytes: Buffer): string[] => [
  bytes.toString('latin1'),
  bytes.toString('hex'),
  bytes.toString('base64').replace(/={1,2}$/, ''),
  bytes.toString('base64url'),
];

const ENTITIES: ReadonlyMap<string, string> = new Map(
  Object.entries({ '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": 'apos' }),
);

/** One character as it is, percent-encoded (encoders differ in which they touch), or as an entity of HTML and XML. */
function spellingsOfOne(character: string): string[] {
  const point = character.codePointAt(0) ?? 0;
  const numbers = [`#${point}`, `#${String(point).padStart(3, '0')}`, `#x${point.toString(16)}`];
  const name = ENTITIES.get(character);
  return [
    small(character),
    ...bytesOf(character).flatMap((bytes) => [
      bytes.toString('latin1'),
      [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
    ]),
    ...[...numbers, ...(name === undefined ? [] : [name])].map((entity) => `&${entity};`),
    ...(character === ' ' ? ['+'] : []),
  ];
}

/** Names of arguments whose value is a secret: `pwd`, `loginpas` (many makers), `auth` (Hikvision), `token`, `sign`, `sn`, ... */
const SECRET_NAME = /pas|pwd|psw|token|key|secret|auth|cred|sess|sign|sig$|sid$|pw$|sn$/i;
/** A part of a path that nobody thought up: letters and digits, long, no file's name. */
const TOKEN = /^(?=.*\d)(?=.*[a-z])[^.]{12,}$/i;

/**
 * What of a URL may be secret: its userinfo, values of its query that look like it, its long tokens; and path and query as a whole,
 * since some devices are opened by a path alone.
 */
function partsOf(url: string): { readonly secrets: string[]; readonly places: string[] } {
  const [, userinfo = '', target = ''] = /^[a-z]+:\/\/(?:([^/?#]*)@)?[^/?#]*([^#]*)/i.exec(url) ?? [];
  const [path = '', ...rest] = target.split('?');
  const query = rest.join('?');
  const colon = userinfo.indexOf(':');
  const signIn = colon < 0 ? [userinfo] : [userinfo, userinfo.slice(0, colon), userinfo.slice(colon + 1)];
  const values = query
    .split('&')
    .map((argument) => [argument.split('=', 1)[0] ?? '', argument.slice(argument.indexOf('=') + 1)] as const)
    .filter(([name, value]) => SECRET_NAME.test(name) || TOKEN.test(value))
    .map(([, value]) => value);
  const tokens = path.split('/').filter((part) => TOKEN.test(part));
  const withDecoded = (texts: readonly string[]): string[] => texts.flatMap((text) => [text, decoded(text)]);
  return { secrets: withDecoded([...signIn, ...values, ...tokens]), places: withDecoded([target, path, query]) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}

/** Line ends of Unicode, directions of writing and halves of pairs (which jsonb refuses) go with the control characters. */
function oneLine(text: string): string {
  const plain = text.replace(/[\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069]+/gu, ' ').trim();
  if (plain.length <= MAX_TEXT) return plain;
  return `${plain.slice(0, MAX_TEXT - 1).replace(/\p{Cs}$/u, '')}…`;
}
