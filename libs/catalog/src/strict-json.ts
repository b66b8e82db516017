import { MalformedBody } from './errors.js';
import { shown } from './problems.js';

/** Nesting that is read at all; deeper bodies end here and not on the stack. */
const MAX_DEPTH = 64;

/**
 * Reads JSON as RFC 8259 says, and refuses what `JSON.parse` lets pass: a member that stands twice in one object.
 * @throws MalformedBody with the place of the fault
 */
export function readJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw new MalformedBody(`this is no JSON: ${error.message}`, { cause: error });
    throw error;
  }
  refuseDuplicates(text);
  return value;
}

/** Walks text that is known to be JSON and compares the member names of each object. */
function refuseDuplicates(text: string): void {
  const open: (Set<string> | null)[] = [];
  let wantsName = false;
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i];
    if (char === '"') {
      const end = endOfString(text, i);
      const names = open.at(-1);
      if (wantsName && names) note(names, text.slice(i, end + 1));
      wantsName = false;
      i = end;
    } else if (char === '{' || char === '[') {
      open.push(char === '{' ? new Set() : null);
      wantsName = char === '{';
      if (open.length > MAX_DEPTH) throw new MalformedBody(`the body is nested deeper than ${MAX_DEPTH} levels`);
    } else if (char === '}' || char === ']') {
      open.pop();
      wantsName = false;
    } else if (char === ',') wantsName = open.at(-1) != null;
  }
}

function endOfString(text: string, start: number): number {
  let end = start + 1;
  while (text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
  return end;
}

function note(names: Set<string>, quoted: string): void {
  const name = JSON.parse(quoted) as string;
  if (names.has(name)) throw new MalformedBody(`the member ${shown(name)} stands twice in one object`);
  names.add(name);
}
