import type { FastifyInstance, FastifyRequest } from 'fastify';
import { actingAs, ANONYMOUS, type Principal } from '#access';
import { Audit, transactAs } from '#storage';
import { householdOf } from '../door/household.js';
import type { ApiParts } from '../parts.js';
import type { Problem } from '../problems/problem.js';
import { Recurring } from '../recurring.js';
import { type Refused, RefusalTally } from './refusal-tally.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the request is answered, where that is a problem; set by the filter. */
    problem?: Problem;
  }
}

/** How often refusals are written, milliseconds. */
const EVERY_MS = 1_000;

/**
 * Notes who was refused what he may not do, and from where wrong credentials came (security.md AUD-1). Nobody's request waits for it or fails by it,
 * and a process that is killed loses those of the last second.
 */
export class Refusals {
  private readonly tally = new RefusalTally(() => performance.now());
  private readonly rounds: Recurring;

  constructor(private readonly parts: Pick<ApiParts, 'db' | 'log'>) {
    this.rounds = new Recurring(
      () => this.write(),
      EVERY_MS,
      (error) => parts.log.warn({ err: error }, 'refusals could not be written into the audit now'),
    );
  }

  start(server: FastifyInstance): void {
    server.addHook('onResponse', async (request) => {
      const refused = refusedIn(request);
      if (refused !== null) this.tally.count(refused);
    });
    this.rounds.start();
  }

  async close(): Promise<void> {
    await this.rounds.close();
    this.rounds.now();
    await this.rounds.close();
  }

  private async write(): Promise<void> {
    for (const { actor, note } of this.tally.due()) {
      await transactAs(this.parts.db, actor, (tx) => new Audit(tx).note(note));
    }
  }
}

function refusedIn(request: FastifyRequest): Refused | null {
  const { problem, id: requestId, ip: address, method, routeOptions } = request;
  if (problem === undefined) return null;
  const reason = `${problem.code}: ${problem.detail}`;
  const operation = `${method} ${routeOptions.url ?? ''}`;
  if (problem.status === 401) {
    if (!presentsCredentials(request)) return null;
    const note = {
      action: 'sign_in.refused',
      authority: null,
      subject: { kind: 'address', id: householdOf(address) },
      result: 'refused',
      reason,
    } as const;
    return { actor: actingAs(ANONYMOUS, { requestId, address }), note };
  }
  const principal = (request as { readonly principal?: Principal }).principal ?? ANONYMOUS;
  if (problem.status !== 403 || principal.isAnonymous) return null;
  const note = {
    action: 'access.refused',
    authority: homeOf(principal),
    subject: { kind: 'operation', id: operation },
    result: 'refused',
    reason,
  } as const;
  return { actor: actingAs(principal, { requestId, address }), note };
}

/** Who says nothing of himself is refused as everybody is: that is no failed attempt. */
const presentsCredentials = ({ headers }: FastifyRequest): boolean =>
  (headers.authorization ?? '') !== '' || (headers.cookie ?? '') !== '';

/** The authority whose admin is to know of it: the one in which the principal has all his rights. */
function homeOf({ everywhere, within }: Principal): string | null {
  const [slug, ...others] = within.keys();
  return everywhere.size === 0 && others.length === 0 ? (slug ?? null) : null;
}
