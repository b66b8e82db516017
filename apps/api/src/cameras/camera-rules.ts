import { isPlatformAdministrator, mayIn, type Principal } from '#access';
import {
  type Authority,
  type CameraRegistration,
  type Fault,
  Forbidden,
  isMoreOpen,
  type Lifecycle,
  type ResolvedCamera,
  THUMBNAIL_LEVELS,
  withoutUserinfo,
} from '#catalog';
import { type DialPolicy, literalRefusal } from '#probe';

/** What may follow what (domain.md, section 4). Retired cameras come back only by their authority's administrator. */
const NEXT: Readonly<Record<Lifecycle, readonly Lifecycle[]>> = {
  planned: ['active', 'retired'],
  active: ['maintenance', 'suspended', 'retired'],
  maintenance: ['active', 'suspended', 'retired'],
  suspended: ['active', 'retired'],
  retired: ['active'],
};

/** What stands against a change of lifecycle, or nothing. */
export function lifecycleFaults(from: Lifecycle, to: Lifecycle): readonly Fault[] {
  if (from === to || NEXT[from].includes(to)) return [];
  const detail = `a camera that is ${from} becomes ${NEXT[from].join(' or ')}, not ${to}`;
  return [{ pointer: '/lifecycle', code: 'conflict', detail }];
}

/** Whether the caller may do what only an authority's administrator may: access floors, keys, reviving. */
export const isAdministratorOf = (by: Principal, authority: string): boolean =>
  isPlatformAdministrator(by) || (mayIn(by, 'cameras:write', authority) && mayIn(by, 'keys:write', authority));

/**
 * Lets a change of who may see a camera or its pictures through: whoever may change the camera closes it, an administrator of its authority alone
 * opens it. A document that leaves `access` out opens what was closed.
 * @throws Forbidden
 */
export function requireMayOpen(
  before: ResolvedCamera,
  after: ResolvedCamera,
  administers: (authority: string) => boolean,
): void {
  const opens = isMoreOpen(after.access.level, before.access.level) || shownOf(after.access) < shownOf(before.access);
  if (!opens || administers(before.authority)) return;
  const detail = `only an administrator of ${before.authority} lets more people see a camera or its pictures`;
  throw new Forbidden(detail, before.authority);
}

/** The less, the more is shown. */
const shownOf = ({ thumbnails = 'full' }: ResolvedCamera['access']): number => THUMBNAIL_LEVELS.indexOf(thumbnails);

/** Which addresses the cameras of an authority may have. */
export const policyOf = ({ network }: Pick<Authority, 'network'>, loopback: boolean): DialPolicy => ({
  cidrs: network?.cidrs ?? [],
  ...(network?.ports === undefined ? {} : { ports: network.ports }),
  loopback,
});

/**
 * Services whose URL names an address that may never be dialled, or lies outside a network that is set (SSRF-6). Names
 * are judged when they are dialled.
 */
export function targetFaults(services: CameraRegistration['services'], policy: DialPolicy): readonly Fault[] {
  return services.flatMap(({ url }, i) => {
    const detail = literalRefusal(url, policy);
    return detail === null ? [] : [{ pointer: `/services/${i}/url`, code: 'target_not_allowed' as const, detail }];
  });
}

/** Whether the body carries a password: in `credentials`, or in a URL. */
export const carriesCredentials = ({ services }: Pick<CameraRegistration, 'services'>): boolean =>
  services.some(
    ({ url, credentials }) => credentials?.username !== undefined || withoutUserinfo(url).credentials !== null,
  );
