import type { Flag, ScopedQuery, Selected, Status, SUMMARY_SELECTORS, SummaryGroup } from '#catalog';
import { isVisible, STATUS } from './camera-answer.js';
import { conditionsOf } from './camera-conditions.js';
import { and, type Database, type Fragment, raw, run, sql } from './sql.js';

/** Cameras that are alike. */
export interface AlikeCameras {
  /** Of the group; null for cameras without a city. */
  readonly key: string | null;
  readonly status: Status;
  /** Flags of the picture that are at fault. */
  readonly faults: readonly Flag[];
  readonly cameras: number;
}

const KEY: Readonly<Record<SummaryGroup, Fragment>> = {
  authority: raw('c.authority'),
  status: STATUS,
  city: raw('c.city'),
};

/**
 * Counts the cameras that the caller may know and every selector fits, by group, status and faults. Looks at every one of them, once: rides
 * camera_counted_idx, unless a selector wants more, camera_health_unwell_idx and camera_health_site_outage_idx. Whoever is in neither of the latter
 * is well.
 */
export async function healthSummary(
  db: Database,
  scope: ScopedQuery,
  { by, search }: { readonly by: SummaryGroup; readonly search: Omit<Selected<typeof SUMMARY_SELECTORS>, 'by'> },
): Promise<AlikeCameras[]> {
  return run<AlikeCameras>(
    db,
    sql`
      select ${KEY[by]} as key, ${STATUS} as status, h.faults, count(*)::int as cameras
      from camera c
      left join camera_health u on u.camera_id = c.id and (u.status <> 'online' or u.faults <> '{}')
      left join camera_health a on a.camera_id = c.id and a.site_outage is not null
      cross join lateral (
        select coalesce(u.status, 'online') as status, coalesce(u.faults, '{}') as faults, a.site_outage) as h
      where ${and([isVisible(scope), ...conditionsOf(search, scope)])}
      group by 1, 2, 3`,
  );
}
