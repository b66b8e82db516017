import type { Selected, Selector } from './camera-search.js';
import { InvalidParameter, UnknownParameter } from './errors.js';
import type { Fault } from './problems.js';

type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * Reads a query by a table of selectors.
 * @throws UnknownParameter for a name that the table does not have
 * @throws InvalidParameter with every value that cannot be read
 */
export function readQuery<S extends Readonly<Record<string, Selector<unknown>>>>(table: S, query: Query): Selected<S> {
  const unknown = Object.keys(query).filter((name) => !Object.hasOwn(table, name));
  if (unknown.length > 0) throw new UnknownParameter(unknown, Object.keys(table));
  const faults: Fault[] = [];
  const selected: Record<string, unknown> = {};
  for (const [name, selector] of Object.entries(table)) {
    const given = query[name];
    if (given === undefined) continue;
    const texts = typeof given === 'string' ? [given] : given;
    if (texts.length > 1 && selector.repeatable !== true) {
      faults.push({ parameter: name, code: 'duplicate', detail: 'may be given once' });
      continue;
    }
    const values = texts.map((text) => {
      const parsed = selector.parse(text);
      if ('value' in parsed) return parsed.value;
      faults.push({ parameter: name, code: parsed.finding[0], detail: parsed.finding[1] });
      return undefined;
    });
    selected[name] = selector.repeatable === true ? values : values[0];
  }
  if (faults.length > 0) throw new InvalidParameter(faults);
  return selected as Selected<S>;
}
