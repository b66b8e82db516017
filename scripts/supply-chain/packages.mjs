// What of other people's code may come in (SUP-1 of docs/security-coverage.md): judged by the lockfile alone, so that it can be asked without a network.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../set-up.mjs';

/** Direct dependencies of what runs in production, at most. */
const MOST_DIRECT = 35;

/** Licences under which a public agency may run and pass on the whole. */
const LICENCES = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'ISC',
  // libvips, a library of its own beside sharp.
  'LGPL-3.0-or-later',
  'MIT',
  'Python-2.0',
  'Zlib',
]);

/** Packages that want to run something when they are installed. They never may (.npmrc); one that is not here was not looked at. */
const WITH_SCRIPTS = {
  'node_modules/@scarf/scarf': 'counts installations of swagger-ui for its makers; nothing needs it',
};

const readJson = (file) => JSON.parse(readFileSync(path.join(root, file), 'utf8'));

/** @returns {string[]} what is wrong, a sentence each */
export function packageProblems() {
  const { dependencies } = readJson('package.json');
  const { packages } = readJson('package-lock.json');
  const problems = [];
  const direct = Object.entries(dependencies);
  if (direct.length > MOST_DIRECT) problems.push(`${direct.length} direct dependencies; at most ${MOST_DIRECT}`);
  for (const [name, wanted] of direct) {
    if (!/^\d+\.\d+\.\d+$/.test(wanted)) problems.push(`${name} is ${wanted}: one version and no range`);
  }
  for (const [place, known] of Object.entries(packages)) {
    if (place !== '') problems.push(...problemsOf(place, known));
  }
  return problems;
}

function problemsOf(place, { dev, devOptional, link, resolved, integrity, license, hasInstallScript, inBundle }) {
  const problems = [];
  if (link || /^(?:git|http:|file:)/.test(resolved ?? ''))
    problems.push(`${place} comes from ${resolved ?? 'a folder'}`);
  // Our lockfile names no registry: `integrity` alone says what is meant.
  if (resolved !== undefined) problems.push(`${place} names where it comes from: the lockfile is for every registry`);
  if (integrity === undefined && !inBundle) problems.push(`${place} has no integrity`);
  if (hasInstallScript && !dev && !devOptional && WITH_SCRIPTS[place] === undefined) {
    problems.push(`${place} wants to run a script when it is installed: look at it, and list it in packages.mjs`);
  }
  if (!dev && !devOptional && !isAllowed(license ?? ''))
    problems.push(`${place} has the licence ${license ?? '(none)'}`);
  return problems;
}

/** An SPDX expression of what we take: `AND` wants all of them, `OR` one. */
function isAllowed(expression) {
  const plain = expression.replace(/[()]/g, '');
  return plain.split(' OR ').some((choice) => choice.split(' AND ').every((one) => LICENCES.has(one.trim())));
}
