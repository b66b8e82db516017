import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { AccessGuard } from './access.guard.js';
import { AuthoritiesController } from './authorities/authorities.controller.js';
import { CamerasController } from './cameras/cameras.controller.js';
import { ProbeController } from './cameras/probe.controller.js';
import { ImportsController } from './imports/imports.controller.js';
import { Callers } from './keys/callers.js';
import { KeysController } from './keys/keys.controller.js';
import { OpsController } from './ops/ops.controller.js';
import { Readiness } from './ops/readiness.js';
import { type ApiParts, PARTS } from './parts.js';
import { ThumbnailController } from './pictures/thumbnail.controller.js';
import { ProblemFilter } from './problems/problem.filter.js';
import { ProblemsController } from './problems/problems.controller.js';
import { WallController } from './wall/wall.controller.js';

/** The HTTP door: the list of its parts. */
@Module({})
export class ApiModule {
  static with(parts: ApiParts): DynamicModule {
    return {
      module: ApiModule,
      controllers: [
        WallController,
        CamerasController,
        ProbeController,
        ThumbnailController,
        AuthoritiesController,
        ImportsController,
        KeysController,
        ProblemsController,
        OpsController,
      ],
      providers: [
        { provide: PARTS, useValue: parts },
        { provide: Callers, useFactory: () => new Callers(parts.db, parts.keyring) },
        { provide: Readiness, useFactory: () => new Readiness(parts.db) },
        { provide: APP_GUARD, useClass: AccessGuard },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
    };
  }
}
