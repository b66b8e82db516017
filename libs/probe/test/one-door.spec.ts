import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';

/** ESLint by our own rules, without those that need types; in a process of its own, since jest runs modules its own way. */
const LINT = `
  import { text } from 'node:stream/consumers';
  import { ESLint } from 'eslint';
  import tseslint from 'typescript-eslint';
  const eslint = new ESLint({ overrideConfig: tseslint.configs.disableTypeChecked });
  const findings = [];
  for (const { file, code } of JSON.parse(await text(process.stdin))) {
    const [{ messages }] = await eslint.lintText(code, { filePath: file });
    findings.push(messages.filter(({ severity }) => severity === 2).map(({ ruleId, message }) => ruleId + ': ' + message));
  }
  process.stdout.write(JSON.stringify(findings));
`;

/** Files in which nobody opens a socket: of a room without any, of the room whose one file may, and of the door for HTTP. */
const SHUT = ['libs/catalog/src/check.ts', 'libs/probe/src/attempt.ts', 'apps/api/src/webhooks/send-event.ts'] as const;
const DOOR = 'libs/probe/src/safe-dial.ts';

const FORBIDDEN: readonly string[] = [
  "import net from 'node:net';\nexport default net;",
  "import net from 'net';\nexport default net;",
  "import * as net from 'node:net';\nexport default net.connect(80);",
  "import { type Socket, connect } from 'node:net';\nexport const dial = (): Socket => connect(80);",
  "import 'node:net';",
  "export { connect } from 'node:net';",
  "export * from 'node:net';",
  "import { connect } from 'node:tls';\nexport default connect;",
  "import { request } from 'node:http';\nexport default request;",
  "import { get } from 'https';\nexport default get;",
  "import { connect } from 'node:http2';\nexport default connect;",
  "import { createSocket } from 'node:dgram';\nexport default createSocket('udp4');",
  "import { request } from 'undici';\nexport default request;",
  "import net = require('node:net');\nexport default net;",
  "export default require('node:net') as unknown;",
  "export default await import('node:net');",
  "export default await import('tls');",
  'export default await import(`node:net`);',
  "export default await import('undici');",
  "export default await fetch('http://10.0.0.1/');",
  "export default await globalThis.fetch('http://10.0.0.1/');",
  "export default await global.fetch('http://10.0.0.1/');",
  "export default await globalThis['fetch']('http://10.0.0.1/');",
  'const { fetch: ask } = globalThis;\nexport default ask;',
  "export default new WebSocket('ws://10.0.0.1/');",
  "export default new EventSource('http://10.0.0.1/');",
  "export default process.getBuiltinModule('node:net');",
  "import { createRequire } from 'node:module';\nexport default createRequire(import.meta.url)('net') as unknown;",
];

const ALLOWED: readonly string[] = [
  "import type { Socket } from 'node:net';\nexport type Line = Socket;",
  "import { type Socket } from 'node:net';\nexport type Line = Socket;",
  "import { readFileSync } from 'node:fs';\nexport default readFileSync;",
];

describe('SSRF-1: sockets are opened by one file', () => {
  const cases = [
    ...SHUT.flatMap((file) => [...FORBIDDEN, ...ALLOWED].map((code) => ({ file, code }))),
    { file: DOOR, code: FORBIDDEN[0] ?? '' },
  ];
  let findings: readonly (readonly string[])[] = [];
  beforeAll(() => {
    const input = JSON.stringify(cases);
    const told = execFileSync(process.execPath, ['--input-type=module', '-e', LINT], { input, encoding: 'utf8' });
    findings = JSON.parse(told) as readonly (readonly string[])[];
  }, 120_000);

  const findingsOf = (file: string, code: string): readonly string[] =>
    findings[cases.findIndex((one) => one.file === file && one.code === code)] ?? [];

  test.each(FORBIDDEN)('lint fails on %j', (code) => {
    expect(SHUT.filter((file) => findingsOf(file, code).length === 0)).toEqual([]);
  });

  test.each(ALLOWED)('lint takes %j, which dials nobody', (code) => {
    expect(SHUT.flatMap((file) => findingsOf(file, code))).toEqual([]);
  });

  test('lint lets safe-dial.ts open sockets', () => {
    expect(findingsOf(DOOR, FORBIDDEN[0] ?? '')).toEqual([]);
  });
});

describe('SSRF-11: cameras are dialled by the prober', () => {
  /** Judging an address opens nothing; `post` sends webhooks. */
  const OF_THE_API = ['isRefusal', 'literalRefusal', 'parseTarget', 'post'];

  test('the API takes from #probe what judges addresses and sends webhooks, and nothing that asks a camera', () => {
    const folder = path.join(process.cwd(), 'apps', 'api', 'src');
    const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
      /(?<!\.spec)\.ts$/.test(file),
    );
    const taken = sources.flatMap((file) =>
      [
        ...readFileSync(path.join(folder, file), 'utf8').matchAll(/^(import|export) ([^;]*?)(?: from )?'#probe'/gm),
      ].flatMap(([, , names = '']) => (/^type |\*/.test(names) ? [names] : names.replace(/[{}\s]/g, '').split(','))),
    );
    const values = taken.filter((name) => name !== '' && !name.startsWith('type'));
    expect([...new Set(values)].sort()).toEqual(OF_THE_API);
  });
});
