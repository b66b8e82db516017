// `npm run sbom [file]`: what Sightline is made of, as CycloneDX JSON (default sightline.cdx.json), of exactly the packages that run in production.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ensureInstalled, requireNode, root } from './set-up.mjs';

requireNode();
ensureInstalled();
const file = process.argv[2] ?? 'sightline.cdx.json';
const { status, stdout, stderr } = spawnSync(
  'npm',
  ['sbom', '--package-lock-only', '--omit=dev', '--sbom-format=cyclonedx', '--sbom-type=application'],
  { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1_048_576 },
);
if (status !== 0) {
  console.error(stderr.trim());
  process.exit(1);
}
const bom = JSON.parse(stdout);
const { name, version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
// npm calls it by its folder.
Object.assign(bom.metadata.component, { name, version });
writeFileSync(path.resolve(root, file), `${JSON.stringify(bom, null, 2)}\n`);
const licences = new Set(
  bom.components.flatMap(({ licenses = [] }) => licenses.map(({ license, expression }) => license?.id ?? expression)),
);
console.log(
  `${file}: ${bom.components.length} components under ${licences.size} licences, CycloneDX ${bom.specVersion}`,
);
