import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { BodyTooLarge, MalformedBody, RequestTimeout, StorageFull } from '#catalog';

/** A file that a client sent. */
export interface Upload {
  readonly path: string;
  readonly bytes: number;
  /** Removes it; more than once does no harm. */
  discard(): Promise<void>;
}

/** In each span of so many milliseconds so many bytes must come: 32 KiB a second. */
const PACE_MS = 10_000;
const PACE_BYTES = 10 * 32 * 1_024;

const NAME = /^(\d+)-[0-9a-f]{32}$/;

/**
 * Takes the body of a request into a file of its own, readable by its owner alone; memory holds a chunk. On any failure
 * nothing is left of it.
 * @param request of an address in `UPLOAD_PATHS` (door/bodies.ts), whose body is a stream
 * @throws BodyTooLarge over `maxBytes`, at once where Content-Length says so
 * @throws RequestTimeout for a client slower than 32 KiB/s, after 10 s
 * @throws MalformedBody for an empty body, or one that broke off
 * @throws StorageFull where the disk is
 */
export async function receiveUpload(request: FastifyRequest, directory: string, maxBytes: number): Promise<Upload> {
  const { body } = request;
  if (!(body instanceof Readable)) throw new Error(`bug: the door read the body of ${request.routeOptions.url ?? ''}`);
  if (Number(request.headers['content-length']) > maxBytes) throw tooLarge(maxBytes);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const place = path.join(directory, `${process.pid}-${randomBytes(16).toString('hex')}`);
  const discard = (): Promise<void> => rm(place, { force: true });
  try {
    const file = await open(place, 'wx', 0o600);
    const bytes = await copy(body, file, maxBytes).finally(() => file.close());
    return { path: place, bytes, discard };
  } catch (error) {
    await discard();
    throw isFull(error) ? new StorageFull('the disk has no room for this file', { cause: error }) : error;
  }
}

/**
 * Removes files that processes left which were killed while they received or read them. Another process that runs
 * keeps its own.
 */
export async function removeLeftUploads(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const name of await readdir(directory)) {
    const pid = NAME.exec(name)?.[1];
    if (pid === undefined || isOther(Number(pid))) continue;
    await rm(path.join(directory, name), { force: true });
  }
}

/** Whether a process other than this one runs under an id. */
function isOther(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // There is one, of another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** @returns bytes written */
async function copy(body: Readable, file: FileHandle, maxBytes: number): Promise<number> {
  // Not destroyed when we stop early: its socket still has to carry the answer.
  const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer, undefined>;
  const pace = new Pace();
  let bytes = 0;
  try {
    for (;;) {
      const next = await pace.within(chunks.next());
      if (next.done === true) break;
      bytes += next.value.length;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      pace.count(next.value.length);
      await file.writeFile(next.value);
    }
  } finally {
    pace.stop();
  }
  if (bytes === 0) throw new MalformedBody('the file is empty');
  return bytes;
}

/** Watches how fast bytes come. */
class Pace {
  private inSpan = 0;
  /** Whoever waits for bytes is told here that it takes too long. */
  private giveUp: (error: Error) => void = () => undefined;
  private readonly timer = setInterval(() => {
    if (this.inSpan < PACE_BYTES) this.giveUp(new RequestTimeout('the file came more slowly than 32 KiB a second'));
    this.inSpan = 0;
  }, PACE_MS);

  count(bytes: number): void {
    this.inSpan += bytes;
  }

  /** What comes next. @throws RequestTimeout, MalformedBody where the client went away */
  within<T>(next: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.giveUp = reject;
      next.then(resolve, (cause: unknown) => {
        reject(new MalformedBody('the file broke off before its end', { cause }));
      });
    });
  }

  stop(): void {
    clearInterval(this.timer);
  }
}

const tooLarge = (maxBytes: number): BodyTooLarge =>
  new BodyTooLarge(`the file is larger than ${maxBytes.toLocaleString('en')} bytes`);

const isFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes((error as { readonly code?: string } | null)?.code ?? '');
