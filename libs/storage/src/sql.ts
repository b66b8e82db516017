import { createHash } from 'node:crypto';
import { type DataSource, EntityManager } from 'typeorm';

/** Something that runs statements: the pool, or one transaction. */
export type Database = DataSource | EntityManager;

/**
 * A piece of SQL with its values. TypeORM's own tag cannot nest one piece in another and writes null as text
 * (1.1), and a search is made of pieces.
 */
export class Fragment {
  constructor(
    readonly strings: readonly string[],
    readonly values: readonly unknown[],
  ) {}
}

/** A literal statement or part of one. `${fragment}` is spliced in; any other `${value}` becomes a parameter. */
export function sql(strings: TemplateStringsArray, ...values: readonly unknown[]): Fragment {
  return new Fragment(strings, values);
}

/** Constant text of the same file as a fragment; never anything that came from outside. */
export const raw = (text: string): Fragment => new Fragment([text], []);

export const NOTHING = raw('');

/** Fragments one after the other. */
export function join(fragments: readonly Fragment[], separator: string): Fragment {
  const strings = ['', ...fragments.slice(1).map(() => separator), ''];
  return fragments.length === 0 ? NOTHING : new Fragment(strings, fragments);
}

/** All of the conditions hold. */
export const and = (conditions: readonly Fragment[]): Fragment =>
  conditions.length === 0 ? raw('true') : join(conditions, '\n  and ');

/**
 * Rows of ours for a `from`, as one parameter. PostgreSQL is told how many they are: of any such list it expects a hundred, and rather reads a table
 * of ten thousand whole than to look up nine.
 * @param columns names and types, constant text
 */
export const rowsFrom = (rows: readonly object[], columns: string): Fragment =>
  sql`(select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r (${raw(columns)}) limit ${rows.length}::int)`;

/** The text with $1, $2, … and their values. */
export function compile(fragment: Fragment): { readonly text: string; readonly values: unknown[] } {
  const values: unknown[] = [];
  const write = ({ strings, values: parts }: Fragment): string =>
    strings
      .map((text, i) => {
        if (i >= parts.length) return text;
        const part = parts[i];
        return text + (part instanceof Fragment ? write(part) : `$${values.push(part)}`);
      })
      .join('');
  return { text: write(fragment), values };
}

/** Runs a statement and answers its rows. */
export async function run<Row>(db: Database, fragment: Fragment): Promise<Row[]> {
  const { text, values } = compile(fragment);
  const answer = await db.query<Row[] | [Row[], number]>(text, values);
  // TypeORM answers UPDATE and DELETE as [rows, count], whatever RETURNING says.
  return isCounted(answer) ? answer[0] : answer;
}

function isCounted<Row>(answer: Row[] | [Row[], number]): answer is [Row[], number] {
  return answer.length === 2 && Array.isArray(answer[0]) && typeof answer[1] === 'number';
}

/** The one row of an answer. */
export function one<Row>(rows: readonly Row[]): Row {
  const [row] = rows;
  if (rows.length !== 1 || row === undefined) throw new Error(`bug: expected one row, got ${rows.length}`);
  return row;
}

interface Pool {
  query(statement: { name?: string; text: string; values: unknown[] }): Promise<{ rows: unknown[] }>;
}

/**
 * Runs a hot read as a named statement, which the server plans once a connection (1.3 × the requests, toolchain.md);
 * unnamed inside a transaction and where a pooler stands between.
 */
export async function runHot<Row>(db: Database, fragment: Fragment): Promise<Row[]> {
  if (db instanceof EntityManager) return run<Row>(db, fragment);
  const { text, values } = compile(fragment);
  const pool = (db.driver as unknown as { readonly master: Pool }).master;
  const pooled = (db.options as { readonly extra?: { readonly behindPooler?: boolean } }).extra?.behindPooler === true;
  const name = pooled ? {} : { name: nameOf(text) };
  const { rows } = await pool.query({ ...name, text, values });
  return rows as Row[];
}

const names = new Map<string, string>();

/** Statements are few, their texts long: each is hashed once. */
function nameOf(text: string): string {
  const known = names.get(text);
  if (known !== undefined) return known;
  const name = createHash('sha1').update(text).digest('base64url');
  if (names.size < 1_000) names.set(text, name);
  return name;
}
