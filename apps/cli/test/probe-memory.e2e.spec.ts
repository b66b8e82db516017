import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { runProgram } from '#testing';
import { bytes, closing, endless, fakeCamera, type Answer } from '../../../libs/probe/test/fake-camera.js';
import { jpegOf, scanData } from '../../../libs/probe/test/jpegs.js';

/** KiB. */
const MIB = 1024;
const HEAD = 'HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=b\r\n\r\n';
const isLinux = existsSync('/proc/self/status');

/** The most memory that a process ever had, by Linux' own count; 0 of one that is gone. */
function highWaterKib(pid: number | undefined): number {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Probes a device by a process of its own; the most memory that it ever had, KiB. */
async function probed(answer: Answer): Promise<{ readonly outcome: string; readonly peakKib: number }> {
  const camera = await fakeCamera(answer);
  const program = runProgram({ args: ['probe', '--json', '--kind', 'mjpeg', '-o', '/dev/null', camera.url()] });
  let peakKib = 0;
  const watch = setInterval(() => (peakKib = Math.max(peakKib, highWaterKib(program.child.pid))), 5);
  await program.ended;
  clearInterval(watch);
  await camera.close();
  return { outcome: (JSON.parse(program.stdout()) as { outcome: string }).outcome, peakKib };
}

(isLinux ? describe : describe.skip)('memory of a probe (read from /proc; skipped where there is none)', () => {
  let plainKib: number;
  beforeAll(async () => {
    const peaks: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      peaks.push((await probed(closing(HEAD, '--b\r\n\r\n', 'no picture'))).peakKib);
    }
    plainKib = peaks.sort((a, b) => a - b)[1] ?? 0;
  }, 60_000);

  test.each<[string, string, Answer]>([
    ['head', 'protocol_error', endless('HTTP/1.1 200 OK\r\n', `X-A: ${'a'.repeat(500)}\r\n`)],
    ['zeros', 'not_a_picture', endless(HEAD, Buffer.alloc(60_000))],
    ['delimiters', 'not_a_picture', endless(HEAD, '--b\r\n'.repeat(5_000))],
    [
      'text',
      'not_a_picture',
      endless(bytes(HEAD, '--b\r\nContent-Type: text/plain\r\n\r\n'), 'words \n'.repeat(5_000)),
    ],
    ['scan', 'too_large', endless(bytes(HEAD, '--b\r\n\r\n', jpegOf(1, { noEoi: true })), scanData(1, 60_000))],
    [
      'fill bytes',
      'too_large',
      endless(bytes(HEAD, '--b\r\n\r\n', jpegOf(1, { noEoi: true })), Buffer.alloc(60_000, 0xff)),
    ],
  ])('an endless %s is %s, with at most 32 MiB more than a plain answer takes', async (_, expected, answer) => {
    const moreMib: number[] = [];
    // When garbage is collected is chance, and 16 MiB of chunks may wait for it: what the probe needs is the least of some runs.
    while (moreMib.length < 6 && !moreMib.some((one) => one <= 32)) {
      const { outcome, peakKib } = await probed(answer);
      expect(outcome).toBe(expected);
      expect(peakKib).toBeGreaterThan(0);
      moreMib.push((peakKib - plainKib) / MIB);
    }
    expect(Math.min(...moreMib)).toBeLessThanOrEqual(32);
  });
});
