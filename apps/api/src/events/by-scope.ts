import type { ScopedQuery } from '#catalog';

/** Those who may read the same. */
export interface ScopeGroup<Member> {
  readonly scope: ScopedQuery;
  readonly members: readonly Member[];
}

/** Puts those together who may read the same, so that the database is asked once for all of them. */
export function byScope<Member>(
  members: readonly Member[],
  scopeOf: (member: Member) => ScopedQuery,
): readonly ScopeGroup<Member>[] {
  const groups = new Map<string, { readonly scope: ScopedQuery; readonly members: Member[] }>();
  for (const member of members) {
    const scope = scopeOf(member);
    const name = JSON.stringify(scope);
    const group = groups.get(name) ?? { scope, members: [] };
    group.members.push(member);
    groups.set(name, group);
  }
  return [...groups.values()];
}
