import type { Frame } from '#catalog';
import { type Attempt, FRAMES_IN_FLIGHT } from './attempt.js';
import { ChunkedBody, type BodyPlan } from './body-framing.js';
import { declaredBoundary } from './delimiter.js';
import type { Failure } from './dial-failure.js';
import { Splitter } from './multipart.js';
import { judgeBody } from './outcome.js';
import type { Wire, WireEvent } from './wire.js';

/** Silence after which what is whole without more bytes is taken (probing.md 3, rule 4), milliseconds. */
const SETTLE_MS = 250;

export const isFailure = (answer: object): answer is Failure => 'outcome' in answer && 'reason' in answer;

/** The frames of one answer, one after another, over the connection on which it comes. */
export class PictureStream {
  readonly #splitter: Splitter;
  readonly #chunked: ChunkedBody | null;
  #frames: Frame[] = [];
  #failure: Failure | null = null;
  #bodyBytes = 0;
  #delivered = 0;

  /** @param first bytes of the body that came with the head */
  constructor(
    private readonly wire: Wire,
    private readonly attempt: Attempt,
    private readonly plan: BodyPlan,
    first: readonly Buffer[],
  ) {
    const { frameBytes, framePixels } = attempt.tools.limits;
    this.#chunked = plan.isChunked ? new ChunkedBody() : null;
    this.#splitter = new Splitter({
      boundary: declaredBoundary(plan.contentType),
      declaredBytes: plan.contentType.toLowerCase().startsWith('image/') ? plan.lengthBytes : null,
      maxFrameBytes: frameBytes,
      maxFramePixels: framePixels,
      budget: FRAMES_IN_FLIGHT,
    });
    for (const chunk of first) this.#receive(chunk);
  }

  /** The next whole frame, or why there is none. A frame that is whole wins over whatever came after it. */
  async next(): Promise<Frame | Failure> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) {
        this.#delivered += 1;
        if (this.#splitter.isSourceGone) this.attempt.evidence.isSourceGone = true;
        return frame;
      }
      if (this.#failure !== null) return this.#failure;
      const event = await this.wire.read(
        (chunk) => this.#receive(chunk),
        () => this.#silenceMs(),
      );
      if (event !== null) this.#meet(event);
    }
  }

  close(): void {
    this.#splitter.release();
    this.wire.close(this.#isAtEnd());
  }

  /** The answer is whole to its last byte, and no byte came behind it. */
  #isAtEnd(): boolean {
    return this.#chunked === null ? this.plan.lengthBytes === this.#bodyBytes : this.#chunked.isAtEnd;
  }

  /** True where there is something to tell. */
  #receive(chunk: Buffer): boolean {
    for (const piece of this.#chunked?.push(chunk) ?? [chunk]) {
      this.#bodyBytes += piece.length;
      this.#frames.push(...this.#splitter.push(piece));
    }
    const { fault } = this.#splitter;
    if (fault !== null) this.#failure ??= fault;
    else if (this.#chunked?.isBroken === true)
      this.#failure ??= { outcome: 'protocol_error', reason: 'the chunks of the answer are broken' };
    else if (this.#chunked?.isOver === true) this.#end(null);
    return this.#frames.length > 0 || this.#failure !== null;
  }

  /** A body that is no multipart and has come in full holds no picture any more. */
  #isComplete(): boolean {
    const { contentType, lengthBytes, isChunked } = this.plan;
    if (isChunked || lengthBytes === null || contentType.toLowerCase().startsWith('multipart/')) return false;
    return this.#bodyBytes >= lengthBytes && !this.#splitter.sawPicture;
  }

  #silenceMs(): number | null {
    if (this.#splitter.isUndecided || this.#isComplete()) return SETTLE_MS;
    // A second picture is awaited no longer than the rest of a first one.
    return this.#splitter.isInPicture || this.#delivered > 0 ? this.attempt.tools.limits.stallMs : null;
  }

  #meet(event: WireEvent): void {
    switch (event.kind) {
      case 'end':
        return this.#end(null);
      case 'failed':
        return this.#end(event.failure);
      case 'silence':
        if (this.#splitter.isUndecided) this.#frames.push(...this.#splitter.idle());
        else if (this.#isComplete()) this.#end(null);
        else this.#end(this.attempt.timedOut({ outcome: 'stalled', reason: 'a picture began and did not go on' }));
        return;
      default:
        throw new Error(`bug: unknown event ${String(event satisfies never)}`);
    }
  }

  /** @param failure why nothing more comes; null: the answer is over */
  #end(failure: Failure | null): void {
    this.#frames.push(...this.#splitter.end());
    const { sawPicture, sawOversize, sawForeignParts, fault } = this.#splitter;
    const facts = { bytes: this.#bodyBytes, contentType: this.plan.contentType, sawPicture, sawOversize };
    // A stream of other pictures never ends by itself: the deadline ends it, but what it is, is known.
    const isKnown = failure?.outcome === 'first_frame_timeout' && (sawOversize || (sawForeignParts && !sawPicture));
    this.#failure ??= fault ?? (failure === null || isKnown ? judgeBody(facts) : failure);
  }
}
