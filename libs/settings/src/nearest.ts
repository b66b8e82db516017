/** More slips than these are another word. */
const MOST_SLIPS = 3;

const bare = (name: string): string => name.replace(/^SIGHTLINE_/, '');

/**
 * The known name that somebody most likely meant, or null. The prefix does not count: `SIGHTLINE_DATABASE_URL` means
 * `DATABASE_URL`.
 */
export function nearest(name: string, known: readonly string[]): string | null {
  const meant = bare(name);
  const most = Math.min(MOST_SLIPS, Math.floor(meant.length / 2));
  const ranked = known
    .map((one) => ({ one, slips: slipsBetween(meant, bare(one)) }))
    .filter(({ slips }) => slips <= most)
    .sort((a, b) => a.slips - b.slips);
  return ranked[0]?.one ?? null;
}

/** Letters to add, drop or exchange (Levenshtein's distance). */
function slipsBetween(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const line = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const exchanged = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      line.push(Math.min(exchanged, (above[j] ?? 0) + 1, (line[j - 1] ?? 0) + 1));
    }
    above = line;
  }
  return above[b.length] ?? 0;
}
