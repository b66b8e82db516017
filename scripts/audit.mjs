// `npm run audit`: known weaknesses and signatures of what runs in production. Exit code 1: something was found; 3: the registry could not be asked, and
// nobody knows. What cannot be mended yet stands in audit-exceptions.json with a reason and a last day.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ensureInstalled, requireNode, root } from './set-up.mjs';

requireNode();
ensureInstalled();
const GRAVE = ['high', 'critical'];
const today = new Date().toISOString().slice(0, 10);
const exceptions = JSON.parse(readFileSync(path.join(root, 'scripts/supply-chain/audit-exceptions.json'), 'utf8'));

const npm = (...args) => spawnSync('npm', args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1_048_576 });

const weaknesses = knownWeaknesses();
const signatures = npm('audit', 'signatures', '--omit=dev');
const signed = signatures.status === 0;
const isTampered = /invalid (?:registry )?signature|missing (?:registry )?signature/i.test(signatures.stdout);
if (signed) console.log(signatures.stdout.trim());
else
  console.error(
    `signatures: ${isTampered ? signatures.stdout.trim() : `could not be asked: ${lastLineOf(signatures)}`}`,
  );
process.exit(weaknesses === 'found' || isTampered ? 1 : weaknesses === 'unknown' || !signed ? 3 : 0);

/** @returns {'none' | 'found' | 'unknown'} */
function knownWeaknesses() {
  const answer = npm('audit', '--omit=dev', '--json');
  let report = null;
  try {
    report = JSON.parse(answer.stdout);
  } catch {
    // Said below: whatever it printed, it was no report.
  }
  if (report?.vulnerabilities === undefined) {
    console.error(`known weaknesses: could not be asked: ${report?.message ?? lastLineOf(answer)}`);
    return 'unknown';
  }
  const advisories = Object.values(report.vulnerabilities)
    .flatMap(({ via }) => via.filter((one) => typeof one === 'object'))
    .filter(({ severity }) => GRAVE.includes(severity));
  const excused = ({ url }) => exceptions.find(({ advisory, until }) => url.endsWith(advisory) && until >= today);
  const left = advisories.filter((one) => excused(one) === undefined);
  for (const { name, title, url } of left) console.error(`${name}: ${title} (${url})`);
  console.log(`known weaknesses: ${left.length} high or critical, ${advisories.length - left.length} excused for now`);
  return left.length > 0 ? 'found' : 'none';
}

function lastLineOf({ stdout, stderr }) {
  const lines = `${stdout}\n${stderr}`.trim().split('\n');
  // The last one of npm's says where its log lies.
  return lines.filter((line) => !/complete log|^npm (?:error|ERR!)\s*$/.test(line)).at(-1) ?? '';
}
