import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Inject } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Forbidden, MalformedBody, MethodNotAllowed, type ProblemCode, Refusal } from '#catalog';
import { translate } from '#storage';
import { baseUrlOf } from '../links.js';
import { type ApiParts, PARTS } from '../parts.js';
import { methodsOf } from '../routes.js';
import { PROBLEM_TYPE, problemOf } from './problem.js';

/** Errors of the framework that the caller can understand, by status. */
const OF_STATUS: Readonly<Record<number, readonly [ProblemCode, string]>> = {
  400: ['malformed_body', 'the request cannot be read'],
  404: ['not_found', 'there is nothing at this address'],
  408: ['request_timeout', 'the request did not arrive in time'],
  413: ['body_too_large', 'the body is larger than this address takes'],
  414: ['uri_too_long', 'a part of the address is too long'],
  415: ['unsupported_media_type', 'this address does not take a body of this Content-Type'],
  431: ['headers_too_large', 'the headers are too large'],
  503: ['shutting_down', 'this process is shutting down'],
};

/** Turns every error into a problem document; the only place that knows statuses. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(@Inject(PARTS) private readonly parts: ApiParts) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    if (reply.sent) return;
    const { problem, headers } = this.answerTo(thrown, request);
    request.problem = problem;
    if (thrown instanceof Forbidden) request.forbiddenIn = thrown.authority;
    if (problem.status >= 500) {
      const level = problem.status === 500 ? 'error' : 'warn';
      request.log[level]({ err: thrown, code: problem.code }, 'request failed');
    }
    void reply.code(problem.status).headers(headers).header('content-type', PROBLEM_TYPE).send(JSON.stringify(problem));
  }

  private answerTo(thrown: unknown, request: FastifyRequest): ReturnType<typeof problemOf> {
    const circumstances = { requestId: request.id, baseUrl: baseUrlOf(request, this.parts.settings) };
    const error = thrown instanceof HttpException ? fromFramework(thrown, request) : ofRequest(thrown, request);
    if (error instanceof Refusal) return problemOf(error.code, error.message, circumstances, error);
    const [code, detail] = error instanceof HttpException ? (OF_STATUS[error.getStatus()] ?? []) : [];
    return problemOf(code ?? 'internal', detail ?? 'an unexpected error; it was logged with this id', circumstances);
  }
}

/**
 * A client that goes away in the midst of its body ends its request with the same ECONNRESET as a database that goes away: only which
 * of both threw it tells them apart. Nobody reads this answer; it keeps the client's doing out of our own errors.
 */
function ofRequest(thrown: unknown, { raw }: FastifyRequest): unknown {
  const isBrokenOff = raw.errored !== null && thrown === raw.errored;
  return isBrokenOff ? new MalformedBody('the body broke off before its end', { cause: thrown }) : translate(thrown);
}

/** An address that exists with other methods is a 405, not a 404. */
function fromFramework(error: HttpException, request: FastifyRequest): HttpException | Refusal {
  if (error.getStatus() !== 404) return error;
  const methods = methodsOf(request.server, request.url);
  return methods.length > 0 ? new MethodNotAllowed(methods) : error;
}
