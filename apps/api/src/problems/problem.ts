import type { IncomingHttpHeaders } from 'node:http';
import { type Fault, type ProblemCode, RateLimited, type Refusal, UUID, VersionMismatch } from '#catalog';
import { PROBLEMS } from './catalogue.js';

/** A problem document (RFC 9457) as the contract states it. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly code: ProblemCode;
  readonly retryable: boolean;
  readonly errors?: readonly Fault[];
  /** Address of what stands in the way. */
  readonly existing?: string;
}

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** Seconds after which a retry makes sense, by code; 5 where none is stated. */
const RETRY_AFTER_S: Readonly<Partial<Record<ProblemCode, number>>> = {
  request_in_flight: 1,
  overloaded: 2,
  shutting_down: 2,
};

interface Circumstances {
  readonly requestId: string;
  /** Begins every link. */
  readonly baseUrl: string;
}

/** The problem document and the headers that go with it. */
export function problemOf(
  code: ProblemCode,
  detail: string,
  { requestId, baseUrl }: Circumstances,
  refusal?: Refusal,
): { readonly problem: Problem; readonly headers: Readonly<Record<string, string>> } {
  const { status, title, retryable } = PROBLEMS[code];
  const existing = refusal?.existing === undefined ? {} : { existing: `${baseUrl}${refusal.existing}` };
  const problem: Problem = {
    type: `${baseUrl}/problems/${code}`,
    title,
    status,
    detail,
    instance: `urn:uuid:${requestId}`,
    code,
    retryable,
    ...(refusal === undefined || refusal.faults.length === 0 ? {} : { errors: refusal.faults }),
    ...existing,
  };
  const headers: Record<string, string> = { 'cache-control': 'no-store', ...headersOf(refusal) };
  if (status === 401) headers['www-authenticate'] = 'Bearer realm="sightline"';
  if (status === 503 || status === 429 || code === 'request_in_flight')
    headers['retry-after'] = String(retryAfterS(refusal) ?? RETRY_AFTER_S[code] ?? 5);
  if (existing.existing !== undefined) headers.link = `<${existing.existing}>; rel="related"`;
  return { problem, headers };
}

const retryAfterS = (refusal: Refusal | undefined): number | undefined =>
  refusal instanceof RateLimited ? refusal.retryAfterS : undefined;

function headersOf(refusal: Refusal | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  if (refusal instanceof VersionMismatch) headers.etag = `"${refusal.current}"`;
  const facts = refusal as { readonly allow?: readonly string[]; readonly accepted?: readonly string[] } | undefined;
  if (facts?.allow !== undefined) headers.allow = facts.allow.join(', ');
  if (facts?.accepted !== undefined) {
    headers['accept-post'] = facts.accepted.join(', ');
    headers['accept-patch'] = facts.accepted.join(', ');
  }
  return headers;
}

/** Request ids are UUIDs: the caller's own where it is one, so that both sides can look for it. */
export function requestIdOf(headers: IncomingHttpHeaders, make: () => string): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && UUID.test(given) ? given.toLowerCase() : make();
}
