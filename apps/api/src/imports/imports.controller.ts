import { Controller, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { requireScopeIn } from '#access';
import { CAMERA_SELECTORS, ImportReport, InvalidParameter, MalformedBody, type Selector } from '#catalog';
import { guessProfile, type Profile, PROFILES } from '#intake';
import { actorOf } from '../acting.js';
import { sendResult } from '../answer.js';
import { ViewKeeper } from '../cameras/view-keeper.js';
import { selected } from '../checked.js';
import { FORMS, negotiate } from '../negotiate.js';
import { Operation } from '../operation.js';
import { type ApiParts, PARTS } from '../parts.js';
import { importCameras } from './import-cameras.js';
import { RunningImports } from './running-imports.js';

const oneOf = <T extends string>(list: readonly T[], description: string): Selector<T> => ({
  description,
  schema: { type: 'string', enum: list },
  parse: (given) =>
    list.includes(given as T)
      ? { value: given as T }
      : { finding: ['enum', `expected one of ${list.join(', ')}; got ${JSON.stringify(given)}`] },
});

const field = (description: string, example: string): Selector<string> => ({
  description,
  schema: { type: 'string', minLength: 1, maxLength: 100 },
  example,
  parse: (given) =>
    given.length > 0 && given.length <= 100
      ? { value: given }
      : { finding: ['length', 'expected the name of a field, 1 to 100 characters'] },
});

const IMPORT_SELECTORS = {
  authority: {
    ...CAMERA_SELECTORS.authority,
    repeatable: false,
    description: 'Slug of the authority whose cameras these are.',
  },
  profile: oneOf(PROFILES, 'Form of the file; absent: told by its first records.'),
  dryRun: oneOf(['true', 'false'], 'Try everything and keep nothing. Default false.'),
  mode: oneOf(
    ['upsert', 'create'],
    '`upsert` changes cameras that are there already, `create` fails their rows. Default upsert. Nothing is ever retired.',
  ),
  lifecycle: oneOf(['suspended'], 'Admits rows without any URL, as cameras that exist and are not offered.'),
  keyFrom: field('Field that holds the agency’s id where the format has no place for one.', 'cam_no'),
  headingFrom: field('Field whose words, such as “(向西)” or “Looking West”, tell where the camera looks.', 'name'),
} as const;

/** Many cameras at once. */
@Controller('v1/imports')
export class ImportsController {
  private readonly running: RunningImports;

  constructor(
    @Inject(PARTS) private readonly parts: ApiParts,
    @Inject(ViewKeeper) private readonly keeper: ViewKeeper,
  ) {
    this.running = new RunningImports(parts.settings.rateLimits);
  }

  @Post()
  @Operation({
    id: 'importCameras',
    tag: 'imports',
    summary: 'Import a file of cameras',
    description:
      'The file is the body, at most 32 MiB. A bad row fails alone, with its reasons; a row that says what is known already changes nothing, so the same file may be sent every night.',
    permission: 'imports:run',
    budget: 'imports',
    query: IMPORT_SELECTORS,
    body: {
      'application/json': { description: 'The agency’s file as it is.' },
      'application/geo+json': { description: 'A FeatureCollection of points.' },
      'application/octet-stream': { type: 'string', contentMediaType: 'application/octet-stream' },
    },
    answers: { 200: { description: 'What became of each row.', content: { [FORMS.json]: ImportReport } } },
    refuses: ['not_found', 'request_in_flight', 'storage_full'],
  })
  async run(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    const query = selected(IMPORT_SELECTORS as never, request) as ImportQuery;
    negotiate(undefined, request.headers.accept, ['json']);
    const { authority, dryRun = 'false', mode = 'upsert' } = query;
    if (authority === undefined) {
      throw new InvalidParameter([{ parameter: 'authority', code: 'required', detail: 'is required' }]);
    }
    requireScopeIn(request.principal, 'imports:run', authority);
    requireScopeIn(request.principal, 'cameras:write', authority);
    if (!Buffer.isBuffer(request.body) || request.body.length === 0) throw new MalformedBody('the file is empty');
    const file = request.body;
    const wanted = {
      profile: profileOf(query, file),
      authority,
      dryRun: dryRun === 'true',
      mode,
      options: optionsOf(query),
      actor: actorOf(request),
    };
    const report = await this.running.within(authority, reply, () =>
      importCameras(file, wanted, request.principal, this.parts, this.keeper),
    );
    return sendResult(reply, 200, report);
  }
}

interface ImportQuery {
  readonly authority?: string;
  readonly profile?: Profile;
  readonly dryRun?: 'true' | 'false';
  readonly mode?: 'upsert' | 'create';
  readonly lifecycle?: 'suspended';
  readonly keyFrom?: string;
  readonly headingFrom?: string;
}

function profileOf({ profile }: ImportQuery, bytes: Buffer): Profile {
  const found = profile ?? guessProfile(bytes);
  if (found !== null) return found;
  const detail = `the file does not tell its form; name one of ${PROFILES.join(', ')}`;
  throw new InvalidParameter([{ parameter: 'profile', code: 'required', detail }]);
}

const optionsOf = ({ lifecycle, keyFrom, headingFrom }: ImportQuery) => ({
  ...(lifecycle === undefined ? {} : { lifecycle }),
  ...(keyFrom === undefined ? {} : { keyFrom }),
  ...(headingFrom === undefined ? {} : { headingFrom }),
});
