import type { Flag, HealthCounts, HealthGroup, HealthSummary, Status, SummaryGroup } from '#catalog';
import type { AlikeCameras } from '#storage';

/** Groups in one answer at most, the largest. */
const MOST_GROUPS = 1_000;

/** Counts by group and in all. */
export function summaryOf(by: SummaryGroup, alike: readonly AlikeCameras[]): HealthSummary {
  const byKey = new Map<string | null, AlikeCameras[]>();
  for (const one of alike) byKey.set(one.key, [...(byKey.get(one.key) ?? []), one]);
  const groups = [...byKey].map(([key, members]): HealthGroup => ({ key, ...countsOf(members) }));
  const largest = groups.sort((a, b) => b.cameras - a.cameras).slice(0, MOST_GROUPS);
  return { by, total: countsOf(alike), groups: largest.sort((a, b) => compare(a.key, b.key)) };
}

function countsOf(alike: readonly AlikeCameras[]): HealthCounts {
  const byStatus: Partial<Record<Status, number>> = {};
  const byFlag: Partial<Record<Flag, number>> = {};
  let all = 0;
  for (const { status, faults, cameras } of alike) {
    all += cameras;
    byStatus[status] = (byStatus[status] ?? 0) + cameras;
    for (const flag of faults) byFlag[flag] = (byFlag[flag] ?? 0) + cameras;
  }
  return { cameras: all, byStatus, byFlag };
}

/** By code points, what has no key last. */
function compare(one: string | null, other: string | null): number {
  if (one === null || other === null) return Number(one === null) - Number(other === null);
  return one < other ? -1 : Number(one > other);
}
