import { isRefusal, parseTarget, type Target } from './address-policy.js';
import type { Failure } from './dial-failure.js';

const MAX_REDIRECTS = 3;

/** A place that is asked, and its whole URL. */
export interface Place {
  readonly url: string;
  readonly target: Target;
}

const moved = (reason: string): Failure => ({ outcome: 'moved', reason });

/**
 * Where a redirect leads, if it may be followed (security.md SSRF-7): at most three, to the same host name only, never from https to
 * http. The whole policy is applied to the result again when it is dialled.
 * @param location value of the Location header
 * @param visited every place asked so far, the first one first
 */
export function followRedirect(location: string | undefined, visited: readonly Place[]): Place | Failure {
  const from = visited.at(-1);
  const first = visited[0];
  if (from === undefined || first === undefined) throw new Error('bug: a redirect from nowhere');
  if (location === undefined || !URL.canParse(location, from.url)) return moved('a redirect without a usable address');
  if (visited.length > MAX_REDIRECTS) return moved(`more than ${MAX_REDIRECTS} redirects`);
  const [url = ''] = new URL(location, from.url).href.split('#');
  const target = parseTarget(url);
  if (isRefusal(target) || target.scheme.startsWith('rtsp'))
    return moved('a redirect to something that cannot be asked');
  if (target.host !== first.target.host) return moved('a redirect to another host');
  if (from.target.scheme === 'https' && target.scheme === 'http') return moved('a redirect from https to http');
  const isLoop = visited.some((place) => place.target.origin === target.origin && place.target.path === target.path);
  return isLoop ? moved('redirects in a circle') : { url, target };
}
