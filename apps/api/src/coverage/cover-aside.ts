import { Worker } from 'node:worker_threads';
import { Overloaded } from '#catalog';
import { cover, type Covered, type CoverageQuestion } from './cover.js';

/** A line and so few cameras are answered here, in milliseconds. */
const HERE_CAMERAS = 20;

/** Threads at once, and questions that may wait for one. */
const THREADS = 2;
const WAITING = 16;

/** Answers questions about coverage in threads of their own: one takes up to some seconds, in which nobody else would be answered. */
export class CoverAside {
  private readonly idle: Worker[] = [];
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  /** @throws Overloaded where too many wait already */
  async answer(question: CoverageQuestion): Promise<Covered> {
    if (question.cameras.length <= HERE_CAMERAS && question.lines !== undefined) return cover(question);
    await this.take();
    const worker = this.idle.pop() ?? startThread();
    try {
      const covered = await ask(worker, question);
      this.idle.push(worker);
      return covered;
    } catch (error) {
      await worker.terminate();
      throw error;
    } finally {
      this.leave();
    }
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await Promise.all(this.idle.splice(0).map((worker) => worker.terminate()));
  }

  private async take(): Promise<void> {
    if (this.running < THREADS) {
      this.running += 1;
      return;
    }
    if (this.waiting.length >= WAITING) throw new Overloaded('too many questions about coverage wait already');
    await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** The place goes to who waits longest. */
  private leave(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.running -= 1;
    else next();
  }
}

/** A thread that answers one question after the other, and keeps nobody's process alive. */
function startThread(): Worker {
  const worker = new Worker(new URL('./cover-thread.js', import.meta.url));
  worker.unref();
  return worker;
}

function ask(worker: Worker, question: CoverageQuestion): Promise<Covered> {
  return new Promise<Covered>((resolve, reject) => {
    const settle = (act: () => void): void => {
      worker.off('message', onAnswer).off('error', onError).off('exit', onExit);
      act();
    };
    const onAnswer = (answer: Covered): void => settle(() => resolve(answer));
    const onError = (error: Error): void => settle(() => reject(error));
    const onExit = (code: number): void =>
      settle(() => reject(new Error(`the thread that works out coverage ended with ${code}`)));
    worker.on('message', onAnswer).on('error', onError).on('exit', onExit);
    worker.postMessage(question);
  });
}
