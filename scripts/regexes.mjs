// RE-1: no regular expression of ours takes long on any text. Each is judged by recheck, in pure JavaScript: no other program is run for it.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { root } from './set-up.mjs';

const HOUSES = ['libs', 'apps'];
/** A part of an expression that is only known at run time counts as this word: such parts are our own numbers and names. */
const UNKNOWN = 'x';
/** However busy the machine is: the search ends by itself, after the same steps each time. */
const SEARCH = { timeout: null };

/** What is wrong with our regular expressions, a sentence each. */
export async function slowRegexes() {
  process.env.RECHECK_BACKEND = 'pure';
  const { check } = await import('recheck');
  const judged = new Map();
  for (const { source, flags, place } of sourceFiles().flatMap(regexesOf)) {
    const name = `/${source}/${flags}`;
    if (!judged.has(name)) judged.set(name, { place, verdict: await check(source, flags, SEARCH) });
  }
  return [...judged]
    .filter(([, { verdict }]) => verdict.status !== 'safe')
    .map(([name, { place, verdict }]) => `${place}: ${name} ${reasonOf(verdict)}`);
}

function reasonOf(verdict) {
  if (verdict.status === 'unknown') return `could not be judged (${verdict.error.kind})`;
  return `takes ${verdict.complexity.summary} time on ${verdict.attack.pattern}`;
}

/** Source of the program: specs and what they stand on meet no stranger's text. */
function sourceFiles() {
  const files = [];
  const look = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const file = path.join(folder, entry.name);
      if (entry.isDirectory()) look(file);
      else if (/(?<!\.spec|\.d)\.ts$/.test(entry.name)) files.push(file);
    }
  };
  for (const house of HOUSES) {
    for (const room of readdirSync(path.join(root, house))) {
      const folder = path.join(root, house, room, 'src');
      if (room !== 'testing' && existsSync(folder)) look(folder);
    }
  }
  return files;
}

function regexesOf(file) {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const constants = new Map();
  const found = [];
  const placeOf = (node) =>
    `${path.relative(root, file)}:${source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1}`;
  const visit = (node) => {
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer) {
      constants.set(node.name.text, node.initializer);
    }
    if (ts.isRegularExpressionLiteral(node)) found.push({ ...partsOf(node.text), place: placeOf(node) });
    const isMade = (ts.isNewExpression(node) || ts.isCallExpression(node)) && node.expression.getText() === 'RegExp';
    if (isMade) {
      const [text, flags] = node.arguments ?? [];
      if (text) found.push({ source: textOf(text), flags: flags ? textOf(flags) : '', place: placeOf(node) });
    }
    ts.forEachChild(node, visit);
  };
  /** The text of an expression, as far as this file says it. */
  const textOf = (node) => {
    if (ts.isStringLiteralLike(node) || ts.isNumericLiteral(node)) return node.text;
    if (ts.isRegularExpressionLiteral(node)) return partsOf(node.text).source;
    if (ts.isTemplateExpression(node)) {
      return node.head.text + node.templateSpans.map((span) => textOf(span.expression) + span.literal.text).join('');
    }
    if (ts.isPropertyAccessExpression(node) && node.name.text === 'source') return textOf(node.expression);
    if (ts.isIdentifier(node) && constants.has(node.text)) return textOf(constants.get(node.text));
    return UNKNOWN;
  };
  visit(source);
  return found;
}

function partsOf(literal) {
  const end = literal.lastIndexOf('/');
  return { source: literal.slice(1, end), flags: literal.slice(end + 1) };
}
