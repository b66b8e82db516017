import { parentPort } from 'node:worker_threads';
import { cover, type CoverageQuestion } from './cover.js';

// A question in, its answer out; an error ends the thread, and whoever asked is told.
parentPort?.on('message', (question: CoverageQuestion) => parentPort?.postMessage(cover(question)));
