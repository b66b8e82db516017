import type { FastifyInstance, FastifyRequest } from 'fastify';
import { actingAs, ANONYMOUS } from '#access';
import { Audit, transactAs } from '#storage';
import { householdOf } from '../door/household.js';
import type { ApiParts } from '../parts.js';
import type { Problem } from '../problems/problem.js';
import { Recurring } from '../recurring.js';
import { attemptIn } from './attempt.js';
import { Attempts, type FoundAttempt } from './attempts.js';
import { FewCameras } from './few-cameras.js';
import { type Refused, RefusalTally } from './refusal-tally.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the request is answered, where that is a problem; set by the filter. */
    problem?: Problem;
    /** Slug of the authority in which something was forbidden, where that is known; set by the filter. */
    forbiddenIn?: string | null;
  }
}

/** How often refusals are written, milliseconds. */
const EVERY_MS = 1_000;
/** The same is written again after so long, in the audit of who tried it and in that of whose thing it was, milliseconds. */
const AGAIN_MS = 60_000;
const AGAIN_FOR_OTHERS_MS = 3_600_000;

/**
 * Notes who was refused what he may not do, and from where wrong credentials came (security.md AUD-1). Nobody's request waits for it or fails by it,
 * and a process that is killed loses those of the last second. Whose camera or authority it was reads of it too, which is looked up after the answer.
 */
export class Refusals {
  private readonly attempts = new Attempts();
  private readonly tally = new RefusalTally(() => performance.now(), AGAIN_MS);
  private readonly forOthers = new RefusalTally(() => performance.now(), AGAIN_FOR_OTHERS_MS);
  private readonly few = new FewCameras(() => performance.now());
  private readonly rounds: Recurring;

  constructor(private readonly parts: Pick<ApiParts, 'db' | 'log'>) {
    this.rounds = new Recurring(
      () => this.write(),
      EVERY_MS,
      (error) => parts.log.warn({ err: error }, 'refusals could not be written into the audit now'),
    );
  }

  start(server: FastifyInstance): void {
    server.addHook('onResponse', async (request) => this.count(request));
    this.rounds.start();
  }

  async close(): Promise<void> {
    await this.rounds.close();
    this.rounds.now();
    await this.rounds.close();
  }

  private count(request: FastifyRequest): void {
    const signIn = refusedSignIn(request);
    if (signIn !== null) this.tally.count(signIn);
    const attempt = attemptIn(request);
    if (attempt === null) return;
    const { named, own } = attempt;
    const isAsked = named !== null && this.attempts.add({ ...attempt, named });
    if (!isAsked && own !== null) this.tally.count(own);
  }

  private async write(): Promise<void> {
    for (const found of await this.attempts.found(this.parts.db)) this.judge(found);
    for (const { actor, note } of [...this.tally.due(), ...this.forOthers.due()]) {
      await transactAs(this.parts.db, actor, (tx) => new Audit(tx).note(note));
    }
  }

  /** Once in each chain: where the thing is of the caller's own authority, with what it was. */
  private judge({ attempt, times, target }: FoundAttempt): void {
    const { own, actor, operation, reason } = attempt;
    const isTheirs = target !== null && (own !== null || target.isHidden);
    if (own !== null && !(isTheirs && own.note.authority === target.authority)) this.tally.count(own, times);
    if (!isTheirs) return;
    const { authority, cameraId } = target;
    const isNamed = cameraId !== null && this.few.isNamed(actor.principal, authority, cameraId);
    const subject = isNamed
      ? ({ kind: 'camera', id: cameraId } as const)
      : ({ kind: 'authority', id: authority } as const);
    const note = {
      action: 'access.refused',
      authority,
      subject,
      result: 'refused',
      reason,
      after: { operation },
    } as const;
    this.forOthers.count({ actor, note }, times);
  }
}

function refusedSignIn(request: FastifyRequest): Refused | null {
  const { problem, id: requestId, ip: address } = request;
  if (problem?.status !== 401 || !presentsCredentials(request)) return null;
  const note = {
    action: 'sign_in.refused',
    authority: null,
    subject: { kind: 'address', id: householdOf(address) },
    result: 'refused',
    reason: `${problem.code}: ${problem.detail}`,
  } as const;
  return { actor: actingAs(ANONYMOUS, { requestId, address }), note };
}

/** Who says nothing of himself is refused as everybody is: that is no failed attempt. */
const presentsCredentials = ({ headers }: FastifyRequest): boolean =>
  (headers.authorization ?? '') !== '' || (headers.cookie ?? '') !== '';
