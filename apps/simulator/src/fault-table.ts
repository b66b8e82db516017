import type { FaultRow } from './fault-row.js';
import { FAULT_FAMILIES } from './faults.js';

const HEAD = `<!-- Written by scripts/golden.mjs; change the tables in apps/simulator/src instead. -->

# Faults of the simulator

What a simulated device can be told to suffer from ([how](simulator.md)), and what the next probe says; a flag comes once enough pictures were seen. A test walks all of them with the prober's own reader
(\`apps/simulator/test/faults.e2e.spec.ts\`).
`;

/** What comes of a fault: the outcome of a probe and, with time, a flag of the picture. */
export function provokedBy({ outcome = 'ok', flag, over, tls, signIn }: FaultRow): string {
  const conditions = [...(over === undefined ? [] : [`over ${over}`]), ...(tls === undefined ? [] : [`as ${tls}`])];
  const flagged = flag === undefined ? outcome : `${outcome}, then flag ${flag}`;
  const whole = [flagged, ...conditions].join(' ');
  return signIn === undefined ? whole : `${whole} with credentials, auth_failed without`;
}

/** Every fault by family, as a page of docs. */
export function faultsPage(): string {
  const tables = FAULT_FAMILIES.map(([family, rows]) => {
    const lines = rows.map(([fault, row]) => `| \`${fault}\` | ${row.does} | ${provokedBy(row)} |`);
    return `## ${family}\n\n| fault | the device | a probe says |\n|---|---|---|\n${lines.join('\n')}\n`;
  });
  return `${HEAD}\n${tables.join('\n')}`;
}

/** The same for a terminal. */
export function faultList(): string {
  const width = Math.max(...FAULT_FAMILIES.flatMap(([, rows]) => rows.map(([fault]) => fault.length)));
  return FAULT_FAMILIES.map(([family, rows]) =>
    [family, ...rows.map(([fault, row]) => `  ${fault.padEnd(width)}  ${row.does}: ${provokedBy(row)}`), ''].join('\n'),
  ).join('\n');
}
