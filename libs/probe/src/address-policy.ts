import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Which addresses may be dialled for one authority. Default deny (security.md, "Egress"). */
export interface DialPolicy {
  /** CIDRs, or the word `public` for every public unicast address; empty = nothing may be dialled. */
  readonly cidrs: readonly string[];
  /** Absent: the usual ports of cameras. */
  readonly ports?: readonly number[];
  /** Lets cameras live on 127.0.0.0/8 and ::1, which must lie in `cidrs` all the same. */
  readonly loopback: boolean;
  /**
   * Our own listeners, the database, the object store: never dialled, `loopback` or not. An address is numeric (a name is judged by
   * nobody: resolve it first); the unspecified one stands for all of loopback. Without a port, every port of the address.
   */
  readonly ownEndpoints?: readonly { readonly address: string; readonly port?: number }[];
}

/** Where a request goes, as its URL says. */
export interface Target {
  readonly scheme: 'http' | 'https' | 'rtsp' | 'rtsps';
  /** Lower case, without brackets. */
  readonly host: string;
  /** The host is an address and no name. */
  readonly isLiteral: boolean;
  readonly port: number;
  /** Path and query as in the URL, byte for byte: cameras do not read what WHATWG makes of them. Visible ASCII only. */
  readonly path: string;
  /** `scheme://host:port`, IPv6 in brackets: credentials belong to it. */
  readonly origin: string;
}

/** Why something may not be dialled, as a sentence. */
export interface Refusal {
  readonly reason: string;
}

/** Tells a refusal from a target. */
export const isRefusal = (judged: Target | Refusal): judged is Refusal => 'reason' in judged;

const DEFAULT_PORTS: readonly number[] = [80, 443, 554, 8000, 8080, 8081, 8443, 8554];

/** Services that a camera never is, and that a forged request could harm (SSRF-6). */
const FORBIDDEN_PORTS: ReadonlySet<number> = new Set([
  22, 23, 25, 53, 111, 135, 139, 445, 2375, 2376, 2379, 3306, 3389, 5432, 6379, 6443, 9200, 10250, 11211, 27017,
]);

const SCHEME_PORTS = { http: 80, https: 443, rtsp: 554, rtsps: 322 } as const;

/** Letters, digits, hyphens (RFC 1123); underscores too, since containers and Windows hosts have them and resolvers take them. */
const NAME = /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

/** Remembers what a function of one text answers, for so many texts: the same cameras are dialled again and again. */
function remembering<Answer>(of: (text: string) => Answer, most = 20_000): (text: string) => Answer {
  const known = new Map<string, Answer>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const answer = of(text);
    if (known.size >= most) known.clear();
    known.set(text, answer);
    return answer;
  };
}

/**
 * Reads a URL for dialling (SSRF-2, SSRF-3). WHATWG canonicalises hosts of http alone, so that `rtsp://0x7f000001/` would
 * stay a name that the resolver takes for 127.0.0.1: every scheme is read as http.
 */
export const parseTarget = remembering((url: string): Target | Refusal => {
  const parts = /^(https?|rtsps?):\/\/([^/?#\\]*)([^#]*)(#.*)?$/is.exec(url);
  if (parts === null) return { reason: 'only http, https, rtsp and rtsps URLs are dialled' };
  const [, schemeText = '', authority = '', rest = '', fragment] = parts;
  if (fragment !== undefined) return { reason: 'a fragment (#...) is never sent to a camera' };
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u0020\u007f\\]/.test(authority + rest)) {
    return { reason: 'the URL has a blank, a backslash or a control character' };
  }
  if (authority.includes('@')) {
    return { reason: 'a user name in the URL is not dialled; it belongs in the credentials' };
  }
  if (!URL.canParse(`http://${authority}`)) return { reason: 'the host of the URL cannot be read' };
  const host = new URL(`http://${authority}`).hostname.replace(/^\[|\]$/g, '');
  const isLiteral = isIP(host) !== 0;
  if (!isLiteral && !NAME.test(host)) return { reason: `${JSON.stringify(host)} is no host name` };
  const scheme = schemeText.toLowerCase() as Target['scheme'];
  // `new URL` hides port 80, which another scheme may state.
  const stated = /:(\d*)$/.exec(authority.replace(/^.*\]/, ''))?.[1] ?? '';
  const port = stated === '' ? SCHEME_PORTS[scheme] : Number(stated);
  if (port === 0) return { reason: 'there is no port 0' };
  const path = asciiOf(rest.startsWith('/') ? rest : `/${rest}`);
  const origin = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return { scheme, host, isLiteral, port, path, origin };
});

/**
 * Characters that a request line cannot carry, as percent-encoded UTF-8 (RFC 3987, 3.1). Written as they are, U+010A would lose a
 * byte and end the line (CVE-2018-12116).
 */
const asciiOf = (text: string): string =>
  text.replace(/[^\u0021-\u007e]+/g, (part) =>
    [...Buffer.from(part, 'utf8')].map((byte) => `%${byte.toString(16).toUpperCase()}`).join(''),
  );

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = readonly [network: Address, bits: number];

const ranges = (...texts: readonly string[]): readonly Range[] => texts.map((text) => ipaddr.parseCIDR(text));

/** Never dialled, whatever an authority's network says (SSRF-5); loopback apart, which a setting lifts. */
const ALWAYS_DENIED = ranges(
  '0.0.0.0/8',
  '169.254.0.0/16',
  '192.0.0.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/128',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
  '2002::/16',
  '2001::/32',
  '100::/64',
  '2001:db8::/32',
  '5f00::/16',
  // Metadata services of clouds that lie outside link-local.
  '168.63.129.16/32',
  '100.100.100.200/32',
  'fd00:ec2::254/128',
  'fd20:ce::254/128',
);
const LOOPBACK = ranges('127.0.0.0/8', '::1/128');

/** `::` and `::1`, which carry no IPv4 address though they lie in `::/96`. */
const OWN_MEANING = ranges('::/127');
/** Translators' own prefixes of any length from 48 to 96 bits (RFC 8215). */
const LOCAL_NAT64 = ranges('64:ff9b:1::/48');
/** Prefixes whose last four bytes are an IPv4 address that a gateway may dial in our place: both forms are judged. */
const EMBEDDING = [...ranges('::/96', '::ffff:0:0:0/96', '64:ff9b::/96'), ...LOCAL_NAT64];

const within = (address: Address, [network, bits]: Range): boolean =>
  address.kind() === network.kind() && address.match(network, bits);

const anyWithin = (address: Address, list: readonly Range[]): boolean => list.some((range) => within(address, range));

/**
 * Reads what passed `isIP`; IPv4 in IPv6 clothes (`::ffff:0:0/96`) is IPv4. ipaddr.js takes `::127.0.0.1`, another address, for it too,
 * so a dotted tail is written as IPv6 first.
 */
function addressOf(text: string): Address {
  const hex = (high: string, low: string): string => (Number(high) * 256 + Number(low)).toString(16);
  const v6 = text.replace(
    /:(\d+)\.(\d+)\.(\d+)\.(\d+)$/,
    (_, a: string, b: string, c: string, d: string) => `:${hex(a, b)}:${hex(c, d)}`,
  );
  return ipaddr.process(v6);
}

/** An address as a network may read it, and what is true of it whatever the policy. */
interface Form {
  readonly address: Address;
  readonly text: string;
  /** Never dialled. */
  readonly isDenied: boolean;
  readonly isLoopback: boolean;
}

const formOf = (address: Address): Form => ({
  address,
  text: address.toString(),
  isDenied: anyWithin(address, ALWAYS_DENIED),
  isLoopback: anyWithin(address, LOOPBACK),
});

/** The address in every form in which a network may read it; itself first. */
const formsOf = remembering((text: string): readonly [Form, ...Form[]] => {
  const address = addressOf(text);
  const itself = formOf(address);
  if (address.kind() === 'ipv4' || anyWithin(address, OWN_MEANING) || !anyWithin(address, EMBEDDING)) return [itself];
  const bytes = address.toByteArray();
  // Under a prefix of 64 bits the address lies in bytes 9 to 12, zeros behind it (RFC 6052, 2.2). Under 48 and 56 bits the last four
  // are zeros, and 0.0.0.0 is denied.
  const carried = [bytes.slice(12)];
  if (anyWithin(address, LOCAL_NAT64) && bytes.slice(13).every((byte) => byte === 0)) carried.push(bytes.slice(9, 13));
  return [itself, ...carried.map((four) => formOf(new ipaddr.IPv4(four)))];
});

/** Whether two numeric addresses are the same, however they are written. */
export const isSameAddress = (a: string, b: string): boolean =>
  isIP(a) !== 0 && isIP(b) !== 0 && formsOf(a)[0].text === formsOf(b)[0].text;

/**
 * The network in which a numeric address lies: its /24 or /64. Loopback has none: there, every port may be a device of its own.
 * @returns null for loopback, and for what is no address
 */
export function networkOf(address: string): string | null {
  if (isIP(address) === 0 || address.includes('%')) return null;
  const [{ address: itself, text }] = formsOf(address);
  if (text === '127.0.0.1' || text === '::1') return null;
  const bits = itself.kind() === 'ipv4' ? 24 : 64;
  const base = itself.toByteArray().map((byte, i) => (i * 8 < bits ? byte : 0));
  return `${ipaddr.fromByteArray(base).toString()}/${bits}`;
}

/**
 * Judges a numeric address and port, as they are about to be dialled (SSRF-5, SSRF-5a, SSRF-6); null = allowed.
 * @param address as DNS or a socket gives it
 */
export function judgeAddress(address: string, port: number, policy: DialPolicy): Refusal | null {
  if (isIP(address) === 0 || address.includes('%')) return { reason: 'the host has no address that could be dialled' };
  const forms = formsOf(address);
  return refusePort(port, policy) ?? refuseEverywhere(forms, port, policy) ?? refuseOutside(forms, policy);
}

/** Judges what is known before a name is looked up; null = allowed so far. */
export function judgeBeforeLookup(port: number, policy: DialPolicy): Refusal | null {
  return refusePort(port, policy) ?? (policy.cidrs.length === 0 ? NO_NETWORK : null);
}

const NO_NETWORK: Refusal = { reason: 'the authority has no network that may be dialled' };

function refusePort(port: number, { ports = DEFAULT_PORTS }: DialPolicy): Refusal | null {
  if (FORBIDDEN_PORTS.has(port)) return { reason: `port ${port} is never a camera's` };
  return ports.includes(port) ? null : { reason: `port ${port} is none of the authority's ports (network.ports)` };
}

function refuseOwn(forms: readonly Form[], port: number, { ownEndpoints = [] }: DialPolicy): Refusal | null {
  for (const own of ownEndpoints) {
    if (own.port !== undefined && own.port !== port) continue;
    const known = formOfOwn(own.address);
    if (known !== null && forms.some((form) => reaches(form, known))) return { reason: 'this address is our own' };
  }
  return null;
}

/** An address of ours itself; null for what is none. */
const formOfOwn = remembering((address: string): Form | null => (isIP(address) === 0 ? null : formsOf(address)[0]));

/** A listener on the unspecified address is reached by all of loopback. */
const reaches = (form: Form, own: Form): boolean =>
  form.text === own.text || (form.isLoopback && own.address.range() === 'unspecified');

/** `loopback` lifts 127/8 and `::1` themselves, not what a gateway would take for its own loopback. */
function refuseAlways(forms: readonly Form[], { loopback }: DialPolicy): Refusal | null {
  for (const form of forms) {
    if (form.isDenied) return { reason: `${form.text} is never dialled` };
    const isLifted = loopback && forms.length === 1;
    if (form.isLoopback && !isLifted) return { reason: `${form.text} is this very machine` };
  }
  return null;
}

function refuseOutside(forms: readonly Form[], { cidrs }: DialPolicy): Refusal | null {
  if (cidrs.length === 0) return NO_NETWORK;
  const outside = forms.find((form) => !cidrs.some((cidr) => holds(cidr, form)));
  return outside === undefined
    ? null
    : { reason: `${outside.text} lies outside: the authority's network is ${cidrs.join(', ')}` };
}

function holds(cidr: string, { address }: Form): boolean {
  if (cidr === 'public') return address.range() === 'unicast';
  const range = rangeOf(cidr);
  return range !== null && within(address, range);
}

/** null where it cannot be read, which lets nothing through. */
const rangeOf = remembering((cidr: string): Range | null => {
  const [address = '', length = '', ...rest] = cidr.split('/');
  const family = isIP(address);
  const bits = Number(length);
  const isReadable = family !== 0 && !address.includes('%') && /^\d{1,3}$/.test(length) && rest.length === 0;
  if (!isReadable || bits > (family === 4 ? 32 : 128)) return null;
  const network = addressOf(address);
  if (family === 4 || network.kind() === 'ipv6') return [network, bits];
  // A network of IPv4 in IPv6 clothes; one wider than all of IPv4 is no such thing.
  return bits < 96 ? null : [network, bits - 96];
});

/**
 * Why a URL may not be registered, judged without asking any name server (SSRF-6), or null. A literal that is never dialled, or lies
 * outside a network that is set; of a name, a port that no camera has. Names are judged when they are dialled. Userinfo is passed
 * over: it moves into the credentials.
 */
export function literalRefusal(url: string, policy: DialPolicy): string | null {
  const target = parseTarget(url.replace(/^([a-z]+:\/\/)[^/?#\\]*@/i, '$1'));
  if (isRefusal(target)) return target.reason;
  const { host, port, isLiteral } = target;
  const isNetworkSet = policy.cidrs.length > 0;
  if (isLiteral && isNetworkSet) return judgeAddress(host, port, policy)?.reason ?? null;
  // Where no network is set, its ports are unknown too.
  const refusal =
    refusePort(port, isNetworkSet ? policy : { ...policy, ports: [port] }) ??
    (isLiteral ? refuseEverywhere(formsOf(host), port, policy) : null);
  return refusal?.reason ?? null;
}

/** What no network could allow. */
const refuseEverywhere = (forms: readonly Form[], port: number, policy: DialPolicy): Refusal | null =>
  refuseOwn(forms, port, policy) ?? refuseAlways(forms, policy);
