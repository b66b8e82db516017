import { judgeUrl, type ServiceDocument, type ServiceKind, withoutUserinfo } from '#catalog';
import type { RowProblem } from './row.js';

/** What was found about a URL; without a pointer, which the reader of the field knows. */
export type UrlFinding = Omit<RowProblem, 'pointer'>;

export interface ReadUrl {
  /** Null where no picture can come from there. */
  readonly service: Pick<ServiceDocument, 'kind' | 'url' | 'credentials'> | null;
  /** Neither the URL nor the format says which kind it is. */
  readonly isKindGuessed: boolean;
  readonly findings: readonly UrlFinding[];
}

/** Longest URL that a service can have. */
const MAX_URL_CHARS = 2_048;

type JudgeTarget = (url: string) => string | null;

/**
 * Reads a URL as agencies write them: what is merely untidy is mended with a warning, user names move into credentials
 * that are sealed later, and an address that can never be dialled is an error.
 * @param hint kind that the format promises where the URL does not tell
 */
export function readUrl(text: string, hint: ServiceKind | null, judgeTarget: JudgeTarget = () => null): ReadUrl {
  const written = text.trim();
  if (written.length > MAX_URL_CHARS) {
    return unusable(warning('length', `expected at most ${MAX_URL_CHARS} characters`, written.slice(0, 100)));
  }
  const malformed = malformation(written);
  if (malformed !== null) return unusable(malformed);
  const tidy = tidied(written);
  const findings: UrlFinding[] = [];
  if (tidy !== text) {
    findings.push(warning('url_normalised', 'blanks and [ ] are percent-encoded, a fragment is left out', tidy));
  }
  const { url: bare, credentials } = withoutUserinfo(tidy);
  const url = withoutParameters(bare, (name) => name === RANDOM_PARAMETER);
  if (credentials !== null) {
    findings.push(warning('credentials_in_url', 'the user name in the URL was taken out, to be sealed', url));
  }
  for (const word of secretWords(url)) {
    const detail = `a parameter with "${word}" in its name seems to be a secret; it stays, for its own authority to read`;
    findings.push(warning('secret_in_query', detail, url));
  }
  const denial = judgeTarget(url);
  if (denial !== null) {
    findings.push({ code: 'target_not_allowed', severity: 'error', value: shownUrl(url), detail: denial });
  }
  if (isPage(url)) {
    return unusable(warning('page_not_picture', 'this is the address of a page or player', url));
  }
  const said = kindOf(url) ?? hint;
  const kind = said ?? 'mjpeg';
  const fault = judgeUrl(url, kind);
  if (fault !== null) return unusable(warning(fault[0] === 'format' ? 'bad_url' : fault[0], fault[1], url));
  if (said === null) {
    findings.push(warning('kind_guessed', 'nothing tells the kind of service; taken for mjpeg until probed', url));
  }
  const hasUser = credentials !== null && credentials.username + credentials.password !== '';
  return {
    service: { kind, url, ...(hasUser ? { credentials: { ...credentials } } : {}) },
    isKindGuessed: said === null,
    findings,
  };
}

const unusable = (finding: UrlFinding): ReadUrl => ({ service: null, isKindGuessed: false, findings: [finding] });

const warning = (code: UrlFinding['code'], detail: string, url: string): UrlFinding => ({
  code,
  severity: 'warning',
  value: shownUrl(url),
  detail,
});

/** A URL as it may be shown: no user name, no value of a parameter, 60 characters. */
export function shownUrl(text: string): string {
  const [place = ''] = text.split(/[?#]/, 1);
  // A password may hold a slash or a question mark: all before the last @ goes.
  const at = text.lastIndexOf('@');
  const scheme = /^[a-z][a-z0-9+.-]*:[\\/]+/i.exec(text)?.[0] ?? '';
  const open = at < 0 ? place : `${scheme}…@${text.slice(at + 1).split(/[?#]/, 1)[0] ?? ''}`;
  const query = text.includes('?') ? '?…' : '';
  const whole = open + query;
  return whole.length > 60 ? `${whole.slice(0, 57)}...` : whole;
}

const SCHEMES: ReadonlySet<string> = new Set(['http', 'https', 'rtsp', 'rtsps']);

function malformation(text: string): UrlFinding | null {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return withoutScheme(text);
  if (!SCHEMES.has(scheme)) {
    return warning('unsupported_scheme', `expected http, https, rtsp or rtsps, got ${scheme}`, text);
  }
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\\\u0000-\u001f\u007f]/.test(text)) {
    return warning('bad_url', 'the URL has a backslash or a control character', text);
  }
  // Both readings: WHATWG judges hosts by the scheme.
  const isWhole = URL.canParse(text) && URL.canParse(text.replace(/^rtsps?:/i, 'http:'));
  if (!isWhole || !/^[a-z]+:\/\/[^/?#]/i.test(text)) {
    return warning('bad_url', 'expected a whole URL such as http://10.1.2.3/jpg/image.jpg', text);
  }
  if (isCutInPassword(text)) return warning('bad_url', 'write / ? # in a password as %2F %3F %23', text);
  return null;
}

/**
 * `rtsp://admin:12#x@host/` parses, as host `admin` and a fragment: a bare `#` before an `@`, or a host of one word
 * with an `@` behind it, is a password with a character that ends the host.
 */
function isCutInPassword(text: string): boolean {
  const lastAt = text.lastIndexOf('@');
  const hash = text.indexOf('#');
  const [, host = ''] = /^[a-z]+:\/\/([^/?#]*)/i.exec(text) ?? [];
  const isOneWord = !/[.[@]/.test(host);
  return (hash >= 0 && lastAt > hash) || (isOneWord && lastAt >= 0);
}

function withoutScheme(text: string): UrlFinding {
  const [, scheme, rest] = /^(https?|rtsps?):[\\/]?([^\\/].*)$/i.exec(text) ?? [];
  const finding = warning('bad_url', 'the URL does not begin with a scheme and two slashes', text);
  return scheme === undefined || rest === undefined
    ? finding
    : { ...finding, suggestion: shownUrl(`${scheme.toLowerCase()}://${rest}`) };
}

/** The same request in valid characters; `+`, `//` and a written-out port stay, since cameras tell them apart. */
function tidied(text: string): string {
  const [, scheme = '', authority = '', rest = ''] = /^([a-z]+:\/\/)([^/?#]*)([^#]*)/i.exec(text) ?? [];
  const encoded = rest.replace(/[[\]\s]/g, (char) => encodeURIComponent(char));
  return scheme.toLowerCase() + authority + encoded;
}

/** Made anew for every request by the pages that publish it. */
const RANDOM_PARAMETER = 'randhash';

/** Takes parameters out of the query, leaving every other byte as it was; `isOut` gets the name in lower case. */
export function withoutParameters(url: string, isOut: (name: string, value: string) => boolean): string {
  const at = url.indexOf('?');
  if (at < 0) return url;
  const parts = url.slice(at + 1).split('&');
  const kept = parts.filter((part) => {
    const [name = '', value = ''] = part.split('=', 2);
    return !isOut(name.toLowerCase(), value);
  });
  if (kept.length === parts.length) return url;
  return url.slice(0, at) + (kept.length === 0 ? '' : `?${kept.join('&')}`);
}

/** What in the names of parameters hints at a secret. The name itself is not told: `?token1234` has nothing else. */
function secretWords(url: string): string[] {
  const words = [...new URL(url).searchParams.keys()].flatMap((name) => /pass|pwd|token|key/i.exec(name) ?? []);
  return [...new Set(words.map((word) => word.toLowerCase()))];
}

const PLAYERS = /(?:^|\.)(?:youtube\.com|youtu\.be|youtube-nocookie\.com|twitch\.tv|vimeo\.com|facebook\.com)$/i;

function isPage(url: string): boolean {
  const { hostname, pathname } = new URL(url);
  return /\.(?:x?html?)$/i.test(pathname) || /\/(?:embed|player)(?:\/|$)/i.test(pathname) || PLAYERS.test(hostname);
}

/** The kind of service that a URL itself tells, or null. */
export function kindOf(url: string): ServiceKind | null {
  const { protocol, pathname, search } = new URL(url);
  if (protocol === 'rtsp:' || protocol === 'rtsps:') return 'rtsp';
  if (/\.m3u8$/i.test(pathname)) return 'hls';
  if (/\.(?:jpe?g|png)$/i.test(pathname)) return 'snapshot';
  if (/mjpe?g|video\.cgi/i.test(pathname + search)) return 'mjpeg';
  return /\/snapshot|\/image|image\.cgi|getImage/i.test(pathname) || pathname.includes('/Cctv/') ? 'snapshot' : null;
}
