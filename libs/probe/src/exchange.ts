import { isRefusal, parseTarget, type Target } from './address-policy.js';
import type { Attempt } from './attempt.js';
import { planBody } from './body-framing.js';
import type { Failure } from './dial-failure.js';
import { headerOf, type HttpHead, HeadReader, type HeadStep } from './http-head.js';
import type { Kept } from './kept-connections.js';
import { judgeStatus } from './outcome.js';
import { ONLINE_HEADER } from './part-heads.js';
import { isFailure, PictureStream } from './picture-stream.js';
import { followRedirect, type Place } from './redirect.js';
import { type DialFailure, isDialFailure, safeDial } from './safe-dial.js';
import { requestUrl } from './service-url.js';
import { SignIn } from './sign-in.js';
import { Wire } from './wire.js';

/** Longest media type and validators that are kept, characters. */
const MAX_TYPE = 80;
const MAX_VALIDATOR = 256;
const PRINTABLE = /^[\x21-\x7e][\x20-\x7e]*$/;

/** Texts of an answer that are the same for all devices, so that no secret can stand in them: most answers have no others. */
const COMMON_TYPE = /^(?:image\/jpeg|multipart\/x-mixed-replace|text\/html|text\/plain)$/;
const HTTP_DATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

/** A name and a value of a request's header. */
export type Header = readonly [name: string, value: string];

/** The head of an answer, its first bytes, and the connection. */
interface Reply {
  readonly head: HttpHead;
  readonly body: readonly Buffer[];
  readonly wire: Wire;
}

/**
 * Asks a service over HTTP, follows its redirects, signs in where it asks for it, and answers the pictures that it sends; `unchanged`
 * for a 304 to our own condition. One connection a request: what a device still has to say behind a 401 is not worth waiting for.
 * @param conditions headers that ask for the picture only if it changed
 */
export async function askForPictures(
  attempt: Attempt,
  conditions: readonly Header[],
): Promise<PictureStream | 'unchanged' | Failure> {
  const { kind, url, vapix } = attempt.target;
  const first = placeOf(requestUrl(url, vapix, kind));
  if (isFailure(first)) return first;
  const visited: [Place, ...Place[]] = [first];
  const signIn = new SignIn(attempt, first.target.origin);
  for (;;) {
    const { target } = visited.at(-1) ?? first;
    const authorization = signIn.headerFor(target);
    const headers: Header[] = [
      ...conditions,
      ...(authorization === null ? [] : [['Authorization', authorization] as const]),
    ];
    const reply = await answered(attempt, target, { headers, isRegistered: target.origin === first.target.origin });
    if (isFailure(reply)) return reply;
    noteHead(attempt, reply.head);
    const next = judgeStatus(reply.head.status, conditions.length > 0);
    if (next.kind !== 'sign_in') signIn.accepted(reply.head, target);
    if (next.kind === 'read') return readPictures(attempt, reply);
    // A 304 has no body.
    reply.wire.close(next.kind === 'unchanged' && reply.body.every(({ length }) => length === 0));
    switch (next.kind) {
      case 'over':
        return next.failure;
      case 'unchanged':
        return 'unchanged';
      case 'sign_in': {
        const failure = signIn.meet(reply.head, target);
        if (failure !== null) return failure;
        break;
      }
      case 'redirect': {
        const place = followRedirect(headerOf(reply.head, 'location'), visited);
        if (isFailure(place)) return place;
        visited.push(place);
        attempt.evidence.redirects = visited.length - 1;
        break;
      }
      default:
        throw new Error(`bug: unknown next step ${String(next.kind satisfies never)}`);
    }
  }
}

function placeOf(url: string): Place | Failure {
  const target = parseTarget(url);
  return isRefusal(target) ? { outcome: 'target_not_allowed', reason: target.reason } : { url, target };
}

function readPictures(attempt: Attempt, { head, body, wire }: Reply): PictureStream | Failure {
  const plan = planBody(head);
  if (plan.foreignCoding === null) return new PictureStream(wire, attempt, plan, body);
  wire.close();
  return { outcome: 'not_a_picture', reason: `the answer is encoded (${plan.foreignCoding}), which was not asked for` };
}

/** What one request says beside its address. */
interface Request {
  readonly headers: readonly Header[];
  /** It goes where the service is registered, and not where a redirect led: its pinned key holds. */
  readonly isRegistered: boolean;
}

/** A device that takes longer to answer is asked on a new connection each time: silence must soon tell that one from before is lost, milliseconds. */
const PROMPT_MS = 500;
const LOST_AFTER_MS = 1_000;

/**
 * The head of an answer: on the connection that is left from the probe before where there is one, else on a new one. What becomes of an old connection
 * before anything is answered says nothing of the device, which closes it when it likes (RFC 9112, 9.3.1): it is asked once more.
 */
async function answered(attempt: Attempt, target: Target, request: Request): Promise<Reply | Failure> {
  const { tools, target: service } = attempt;
  const kept = service.reuse && request.isRegistered ? tools.kept?.take(service.reuse, target.origin) : undefined;
  const again = kept ? await exchange(attempt, target, request, kept) : 'lost';
  if (again !== 'lost') return again;
  const reply = await exchange(attempt, target, request, null);
  if (reply === 'lost') throw new Error('bug: a new connection is none from before');
  return reply;
}

/** One request on one connection, and the head of one answer; `lost` where one from before gave none. */
async function exchange(
  attempt: Attempt,
  target: Target,
  { headers, isRegistered }: Request,
  kept: Kept | null,
): Promise<Reply | Failure | 'lost'> {
  const { tools, phases, evidence } = attempt;
  const { limits, now, resolve } = tools;
  const { policy, tls: mode = target.isLiteral ? 'pinned' : 'strict', pin, reuse } = attempt.target;
  const began = now();
  const dialled = await safeDial(target, policy, {
    limits,
    tls: { mode, ...(pin !== undefined && isRegistered ? { pin } : {}) },
    ...(resolve === undefined ? {} : { resolve }),
    now,
    signal: attempt.signal,
    ...(kept === null ? {} : { kept }),
  });
  const { dnsMs, connectMs, address } = dialled;
  Object.assign(phases, { dnsMs, connectMs, tlsMs: null, firstByteMs: null, firstFrameMs: null });
  if (address !== undefined) evidence.address = address;
  if (isDialFailure(dialled)) return dialFailed(attempt, dialled, now() - began);
  phases.tlsMs = dialled.tlsMs;
  if (dialled.pin !== undefined) evidence.pin = dialled.pin;
  const wire = new Wire(dialled.socket, attempt);
  const isFromBefore = connectMs === null;
  const mayStay = reuse !== undefined && isRegistered && tools.kept !== undefined;
  wire.send(requestOf(target, { userAgent: tools.userAgent, headers, mayStay }));
  const step = await readHead(attempt, wire, isFromBefore ? LOST_AFTER_MS : limits.firstByteMs);
  if (isFailure(step)) {
    wire.close();
    return isFromBefore && phases.firstByteMs === null && attempt.stop === null ? 'lost' : step;
  }
  if (mayStay && step.head.isPersistent && (phases.firstByteMs ?? Infinity) <= PROMPT_MS) {
    const { address: at, pin: seen } = dialled;
    const tls = seen === undefined ? {} : { tls: { mode, pin: seen } };
    wire.keepWith((socket) => tools.kept?.keep(reuse, { socket, address: at, origin: target.origin, ...tls }));
  }
  return { head: step.head, body: step.body, wire };
}

function dialFailed(attempt: Attempt, failure: DialFailure, elapsedMs: number): Failure {
  const { outcome, reason, certificateChanged } = failure;
  if (certificateChanged === true) attempt.evidence.certificateChanged = true;
  if (attempt.stop !== null) return attempt.stopped();
  const { dnsMs, tlsMs } = attempt.tools.limits;
  const isTimeout =
    outcome === 'connect_timeout' ||
    (outcome === 'dns_error' && elapsedMs >= dnsMs) ||
    (outcome === 'tls_error' && elapsedMs >= tlsMs);
  return isTimeout ? attempt.timedOut({ outcome, reason }) : { outcome, reason };
}

/** A request as cameras of every age take it (probing.md 1). */
function requestOf(
  { path, scheme, host, port }: Target,
  {
    userAgent,
    headers,
    mayStay,
  }: { readonly userAgent: string; readonly headers: readonly Header[]; readonly mayStay: boolean },
): Buffer {
  const bracketed = host.includes(':') ? `[${host}]` : host;
  const isUsual = port === (scheme === 'https' ? 443 : 80);
  let request = `GET ${path} HTTP/1.1\r\nHost: ${isUsual ? bracketed : `${bracketed}:${port}`}\r\nUser-Agent: ${userAgent}\r\n`;
  request += 'Accept: image/jpeg, multipart/x-mixed-replace, */*;q=0.1\r\nAccept-Encoding: identity\r\n';
  request += mayStay ? 'Connection: keep-alive\r\n' : 'Connection: close\r\n';
  for (const [name, value] of headers) {
    if (/[\r\n]/.test(name + value)) throw new Error('bug: a line end in a header');
    request += `${name}: ${value}\r\n`;
  }
  // Digest answers hold UTF-8 as bytes, one character each; everything else is ASCII.
  return Buffer.from(`${request}\r\n`, 'latin1');
}

/** @param firstByteMs longest silence before the answer begins */
async function readHead(
  attempt: Attempt,
  wire: Wire,
  firstByteMs: number,
): Promise<Extract<HeadStep, { kind: 'head' }> | Failure> {
  const { now } = attempt.tools;
  const reader = new HeadReader();
  const sentMs = now();
  let isSilent = true;
  let step: HeadStep = { kind: 'more' };
  const event = await wire.read(
    (chunk) => {
      if (isSilent) attempt.phases.firstByteMs = now() - sentMs;
      isSilent = false;
      attempt.heard = true;
      step = reader.push(chunk);
      return step.kind !== 'more';
    },
    () => (isSilent ? firstByteMs : null),
  );
  switch (event?.kind) {
    case undefined:
      return judgeHead(step);
    case 'end':
      return isSilent
        ? { outcome: 'empty_reply', reason: 'the device closed the connection without an answer' }
        : { outcome: 'protocol_error', reason: 'the head of the answer was cut' };
    case 'silence':
      return attempt.timedOut({ outcome: 'first_byte_timeout', reason: 'the device did not answer in time' });
    case 'failed':
      return event.failure;
  }
}

function judgeHead(step: HeadStep): Extract<HeadStep, { kind: 'head' }> | Failure {
  if (step.kind === 'more') throw new Error('bug: reading ended without a head');
  return step.kind === 'head' ? step : { outcome: 'protocol_error', reason: step.reason };
}

/** Takes into the evidence what the head of an answer tells. */
function noteHead(attempt: Attempt, head: HttpHead): void {
  const { evidence } = attempt;
  const scrub = (text: string): string => attempt.scrub(text);
  const { cached = {} } = attempt.target;
  const validator = (name: string): string | undefined => {
    const value = headerOf(head, name);
    // Our own come back with each 304, and were looked through when they were new.
    if (value === cached.etag || value === cached.lastModified) return value;
    // A validator is sent back as it came or not at all.
    return value !== undefined && value.length <= MAX_VALIDATOR && PRINTABLE.test(value) && scrub(value) === value
      ? value
      : undefined;
  };
  const date = headerOf(head, 'date');
  const [type = ''] = (headerOf(head, 'content-type') ?? '').split(';');
  const media = type.trim().slice(0, MAX_TYPE);
  Object.assign(evidence, {
    status: head.status,
    etag: validator('etag'),
    lastModified: validator('last-modified'),
    isSourceGone: headerOf(head, ONLINE_HEADER)?.toLowerCase() === 'false' ? true : undefined,
    serverDate: date === undefined || HTTP_DATE.test(date) ? date : scrub(date),
    contentType: media === '' || COMMON_TYPE.test(media) ? media || undefined : scrub(media),
  });
}
