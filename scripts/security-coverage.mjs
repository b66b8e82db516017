// docs/security-coverage.md says of each security requirement which tests fail when it is broken. The column of tests is made from the
// titles of the specs: `node scripts/security-coverage.mjs` writes it anew, `npm run check` compares.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { root } from './set-up.mjs';

const PAGE = 'docs/security-coverage.md';
/** Goes through the same requirements by another list. */
const OWASP = 'docs/owasp-api-top-10.md';
const FAMILIES = 'SSRF|CRED|AUTHN|AUTHZ|VIS|WEB|IMG|MP|DOS|CSV|GEO|CQL|RE|LOG|RATE|AUD|SUP|PRIV';
/** A requirement, or a known fault of somebody's program that ours must not have. */
const NAMED = new RegExp(`\\b(?:(?:${FAMILIES})-\\d+[a-z]?|CVE-\\d{4}-\\d{4,6}|GHSA(?:-\\w{4}){3})\\b`, 'g');
/** Of an entry without tests: why there is none. */
const REASON = /^(?:Not yet|No test): \S.{20,}/;

/** What is wrong with the page, a sentence each. */
export function coverageProblems() {
  const { text, rows } = readPage();
  const titles = titlesOfSpecs();
  const known = new Set(rows.map(({ name }) => name));
  const problems = rows
    .filter(({ name }) => testsOf(name, titles).length === 0)
    .filter(({ reason }) => !REASON.test(reason))
    .map(({ name }) => `${PAGE}: ${name} has neither a test that names it nor a reason ("Not yet: …", "No test: …")`);
  for (const { file, title } of titles) {
    for (const [name] of title.matchAll(NAMED)) {
      if (!known.has(name)) problems.push(`${file}: "${title}" names ${name}, which ${PAGE} does not know`);
    }
  }
  if (written(text, rows, titles) !== text) {
    problems.push(`${PAGE} is out of date: run node scripts/security-coverage.mjs and look at the difference`);
  }
  const owasp = readFileSync(path.join(root, OWASP), 'utf8');
  for (const [name] of owasp.matchAll(NAMED)) {
    if (!known.has(name)) problems.push(`${OWASP} names ${name}, which ${PAGE} does not know`);
  }
  return [...problems, ...absentFiles(PAGE, text), ...absentFiles(OWASP, owasp)];
}

/** Files that a page mentions and that are not there. */
function absentFiles(page, text) {
  const files = [...text.matchAll(/`([\w./-]+\/[\w.-]+\.(?:ts|mjs))`/g)].map(([, file]) => file);
  return [...new Set(files)]
    .filter((file) => !existsSync(path.join(root, file)))
    .map((file) => `${page}: ${file} does not exist`);
}

/** Rows of the page's tables whose first column is no heading: name, words, tests, reason. */
function readPage() {
  const text = readFileSync(path.join(root, PAGE), 'utf8');
  const rows = text.split('\n').flatMap((line) => {
    const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
    const [, name = '', words = '', , reason = ''] = cells;
    return cells.length === 6 && !/^(?:name|-+)$/.test(name) ? [{ line, name, words, reason }] : [];
  });
  return { text, rows };
}

/** The page with its column of tests made anew. */
function written(text, rows, titles) {
  const lines = new Map(
    rows.map(({ line, name, words, reason }) => {
      const tests = testsOf(name, titles).map(({ file, title }) => `\`${file}\`: ${cell(title)}`);
      return [line, `| ${name} | ${words} | ${tests.join('<br>')} | ${reason} |`];
    }),
  );
  return text
    .split('\n')
    .map((line) => lines.get(line) ?? line)
    .join('\n');
}

const cell = (title) => title.replaceAll('|', '\\|').replaceAll('<', '&lt;');

/** The titles with this name in them: not as the beginning of a longer one. */
const testsOf = (name, titles) => {
  const whole = new RegExp(`(?<![\\w-])${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\w-])`);
  return titles.filter(({ title }) => whole.test(title));
};

/** Every title of a test or a group of tests. */
function titlesOfSpecs() {
  const files = ['apps', 'libs', 'migrations'].flatMap((house) =>
    readdirSync(path.join(root, house), { recursive: true }).map((file) => path.posix.join(house, file)),
  );
  return files
    .filter((file) => file.endsWith('.spec.ts'))
    .sort()
    .flatMap(titlesOf);
}

function titlesOf(file) {
  const source = ts.createSourceFile(file, readFileSync(path.join(root, file), 'utf8'), ts.ScriptTarget.Latest, true);
  const titles = [];
  const visit = (node) => {
    if (ts.isCallExpression(node)) {
      const [title, body] = node.arguments;
      const isTitled = body !== undefined && (ts.isArrowFunction(body) || ts.isFunctionExpression(body));
      if (isTitled && ts.isStringLiteralLike(title)) titles.push({ file, title: title.text });
      else if (isTitled && ts.isTemplateExpression(title)) titles.push({ file, title: templateOf(title) });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return titles;
}

const templateOf = ({ head, templateSpans }) =>
  head.text + templateSpans.map(({ literal }) => `…${literal.text}`).join('');

if (process.argv[1] === path.join(root, 'scripts/security-coverage.mjs')) {
  const { text, rows } = readPage();
  writeFileSync(path.join(root, PAGE), written(text, rows, titlesOfSpecs()));
  for (const problem of coverageProblems()) console.error(problem);
}
