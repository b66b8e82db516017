import { afterEach, describe, expect, test } from '@jest/globals';
import { A, askOf, B, closeCameras, MULTIPART, part, SNAPSHOT, STREAM } from './asking.js';
import { bytes, closing } from './fake-camera.js';

afterEach(closeCameras);

describe('the gap between two pictures', () => {
  const GAP = { target: { gapWithinMs: 600 } };

  test('is not waited for unless it was asked for', async () => {
    const { outcome, evidence } = await askOf((socket) => void socket.write(bytes(MULTIPART, part(A))));
    expect([outcome, evidence.gapMs]).toEqual(['ok', undefined]);
  });

  test('is measured from the arrival of the first to that of the second', async () => {
    const { outcome, frame, evidence } = await askOf((socket) => {
      socket.write(bytes(MULTIPART, part(A)));
      setTimeout(() => socket.write(part(B)), 150);
    }, GAP);
    expect([outcome, frame?.bytes.equals(A)]).toEqual(['ok', true]);
    expect(evidence.gapMs).toBeGreaterThanOrEqual(140);
    expect(evidence.gapMs).toBeLessThan(550);
  });

  test('is at least what was waited, and the first picture is good all the same', async () => {
    const { outcome, frame, evidence } = await askOf((socket) => void socket.write(bytes(MULTIPART, part(A))), GAP);
    expect([outcome, frame?.bytes.equals(A)]).toEqual(['ok', true]);
    expect(evidence.gapMs).toBeGreaterThanOrEqual(590);
  });

  test('does not count what we make of the first picture', async () => {
    const { evidence } = await askOf((socket) => void socket.write(STREAM), {
      ...GAP,
      tools: { isDamaged: () => new Promise((resolve) => setTimeout(() => resolve(null), 300)) },
    });
    expect(evidence.gapMs).toBeLessThan(200);
  });

  test('where the first is damaged the second decides, although it was timed', async () => {
    const { outcome, frame } = await askOf((socket) => void socket.write(STREAM), {
      ...GAP,
      tools: { isDamaged: (seen) => Promise.resolve(seen.bytes.equals(A) ? 'torn' : null) },
    });
    expect([outcome, frame?.bytes.equals(B)]).toEqual(['ok', true]);
  });

  test('of a stream that ends after one picture there is none', async () => {
    const { outcome, evidence } = await askOf(closing(MULTIPART, part(A)), GAP);
    expect([outcome, evidence.gapMs]).toEqual(['ok', undefined]);
  });
});

describe('ustreamer says whether its camera is there', () => {
  const saying = (word: string): Buffer =>
    bytes(
      `--myboundary\r\nContent-Type: image/jpeg\r\nX-UStreamer-Online: ${word}\r\nContent-Length: ${A.length}\r\n\r\n`,
      A,
      '\r\n',
    );

  test.each([
    ['before a picture of a stream', bytes(MULTIPART, saying('false')), true],
    ['before a picture of a stream, that it is', bytes(MULTIPART, saying('true')), undefined],
    ['nothing', STREAM, undefined],
  ])('%s', async (_where, answer, isSourceGone) => {
    const { outcome, evidence } = await askOf((socket) => void socket.write(answer));
    expect([outcome, evidence.isSourceGone]).toEqual(['ok', isSourceGone]);
  });

  test('in the head of a snapshot', async () => {
    const said = SNAPSHOT.toString('latin1').replace('Content-Type', 'X-UStreamer-Online: false\r\nContent-Type');
    const { evidence } = await askOf(closing(Buffer.from(said, 'latin1')), { target: { kind: 'snapshot' } });
    expect(evidence.isSourceGone).toBe(true);
  });
});
