import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { Failure } from './server.js';

/**
 * A password that stands neither in the shell's history nor in the list of processes: typed at the terminal without being shown, else
 * the first line of standard input.
 * @throws Failure where none comes
 */
export async function askPassword(question: string): Promise<string> {
  const isTyped = process.stdin.isTTY;
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: isTyped });
  try {
    if (isTyped) process.stderr.write(question);
    const password = await new Promise<string | null>((resolve) => {
      lines.once('line', resolve).once('close', () => resolve(null));
      // Without a listener Ctrl+C would only pause a terminal in this mode.
      lines.once('SIGINT', () => resolve(null));
    });
    if (isTyped) process.stderr.write('\n');
    if (password === null) throw new Failure('no password came');
    return password;
  } finally {
    lines.close();
  }
}
