/**
 * Who listens to what. The one session listens to all that any connection does, so each connection's channels are
 * remembered here, from the text of its statements once PostgreSQL has done them. Rough at the edges: a LISTEN behind a
 * comment, to a channel with a semicolon in its name, or in a named statement that is run again, is not seen; one that is
 * rolled back is, and hears what others listen to.
 */

/** A change of the channels that a client listens to. */
export type ListenChange = { readonly listen: string } | { readonly unlisten: string | null };

/** Blanks are those of PostgreSQL: what else is blank to JavaScript may stand in a name. */
const LISTENING =
  /^[ \t-\r]*(un)?listen[ \t-\r]+(?:"((?:[^"]|"")+)"|([a-z_\u0080-\uffff][\w$\u0080-\uffff]*)|(\*))[ \t-\r]*$/i;

/** LISTEN and UNLISTEN statements of a text; not those behind a comment or inside a function. `unlisten: null` is `*`. */
export function listenChanges(sql: string): readonly ListenChange[] {
  if (!/listen/i.test(sql.slice(0, 10_000))) return [];
  return sql.split(';').flatMap((statement) => {
    const found = LISTENING.exec(statement);
    if (found === null) return [];
    const [, un, quoted, plain, all] = found;
    const channel = quoted?.replaceAll('""', '"') ?? plain?.toLowerCase() ?? '';
    return un === undefined ? { listen: channel } : { unlisten: all === undefined ? channel : null };
  });
}

/** Applies the changes; @returns whether a channel fell away */
export function applyChanges(channels: Set<string>, changes: readonly ListenChange[]): boolean {
  for (const change of changes) {
    if ('listen' in change) channels.add(change.listen);
    else if (change.unlisten === null) channels.clear();
    else channels.delete(change.unlisten);
  }
  return changes.some((change) => 'unlisten' in change);
}

/** SQL by which the session listens to these channels and no others. */
export function listenOnly(channels: ReadonlySet<string>): string {
  const quoted = [...channels].map((channel) => `listen "${channel.replaceAll('"', '""')}"`);
  return ['unlisten *', ...quoted].join('; ');
}
