import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { NotFound, PROBLEM_CODES, type ProblemCode } from '#catalog';
import { sendRepresentation } from '../answer.js';
import { selected } from '../checked.js';
import { bodyTagOf } from '../conditional.js';
import { Operation } from '../operation.js';
import { HTML_TYPE, page, PAGE_HEADERS } from '../page.js';
import { PROBLEMS } from './catalogue.js';

/** What each `type` of a problem document leads to: meaning, cause and cure. */
@Controller('problems')
export class ProblemsController {
  @Get(':code')
  @Operation({
    id: 'explainProblem',
    tag: 'about',
    summary: 'Explain a problem code',
    description: 'What the code means, where it comes from and what helps, for people.',
    permission: 'public',
    path: { code: { description: 'Code of a problem document.', schema: { type: 'string' }, example: 'not_found' } },
    answers: { 200: { description: 'The explanation.', content: { 'text/html': { type: 'string' } } } },
    refuses: ['not_found'],
  })
  explain(@Param('code') code: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): FastifyReply {
    selected({}, request);
    if (!isProblemCode(code)) throw new NotFound(`there is no problem code ${JSON.stringify(code)}`);
    const { status, title, cause, cure, retryable } = PROBLEMS[code];
    const again = retryable ? 'The same request may succeed later.' : 'The same request will fail again.';
    const body = page(
      title,
      (write) => write`<h1>${title}</h1>
<p><code>${code}</code>, status ${status}</p>
<h2>Cause</h2><p>${cause}</p>
<h2>Cure</h2><p>${cure}</p>
<p>${again}</p>`,
    );
    const etag = bodyTagOf(body);
    return sendRepresentation(request, reply, {
      body,
      contentType: HTML_TYPE,
      headers: PAGE_HEADERS,
      etag,
      cacheControl: 'public, max-age=300',
    });
  }
}

const isProblemCode = (text: string): text is ProblemCode => PROBLEM_CODES.includes(text as ProblemCode);
