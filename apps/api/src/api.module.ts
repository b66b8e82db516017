import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { Buildings, Projections, StoredPictures, Terrain } from '#storage';
import type { Bbox } from '#catalog';
import { AccessGuard } from './access.guard.js';
import { AccessRequestsController } from './access-requests/access-requests.controller.js';
import { AuditController } from './audit/audit.controller.js';
import { Checkpoints } from './audit/checkpoints.js';
import { HourlyNotes } from './audit/hourly-notes.js';
import { Refusals } from './audit/refusals.js';
import { Sealer } from './audit/sealer.js';
import { AuthoritiesController } from './authorities/authorities.controller.js';
import { CamerasController } from './cameras/cameras.controller.js';
import { ViewKeeper } from './cameras/view-keeper.js';
import { ProbeController } from './cameras/probe.controller.js';
import { ReferenceController } from './cameras/reference.controller.js';
import { CoverageController } from './coverage/coverage.controller.js';
import { SignInAttempts } from './door/sign-in-attempts.js';
import { TokenBuckets } from './door/token-buckets.js';
import { eventParts } from './event-parts.js';
import { EventsController } from './events/events.controller.js';
import { GeometryController } from './geometry/geometry.controller.js';
import { Rebuild } from './geometry/rebuild.js';
import { GrantsController } from './grants/grants.controller.js';
import { HistoryController } from './health/history.controller.js';
import { SummaryController } from './health/summary.controller.js';
import { ImportsController } from './imports/imports.controller.js';
import { Callers } from './keys/callers.js';
import { KeysController } from './keys/keys.controller.js';
import { OpsController } from './ops/ops.controller.js';
import { Readiness } from './ops/readiness.js';
import { MembersController } from './members/members.controller.js';
import { type ApiParts, PARTS } from './parts.js';
import { FramesController } from './pictures/frames.controller.js';
import { LinkController } from './pictures/link.controller.js';
import { readerOf, RecentReadings } from './pictures/recent-readings.js';
import { ServedPictures } from './pictures/served-pictures.js';
import { ThumbnailController } from './pictures/thumbnail.controller.js';
import { ProblemFilter } from './problems/problem.filter.js';
import { ProblemsController } from './problems/problems.controller.js';
import { SessionController } from './session/session.controller.js';
import { SightController } from './sight/sight.controller.js';
import { Sights } from './sight/sights.js';
import { BuildingsController } from './surroundings/buildings.controller.js';
import { BuildingsImport } from './surroundings/buildings-import.js';
import { Ground } from './surroundings/ground.js';
import { TerrainController } from './surroundings/terrain.controller.js';
import { TerrainImport } from './surroundings/terrain-import.js';
import { WallController } from './wall/wall.controller.js';
import { DeliveriesController } from './webhooks/deliveries.controller.js';
import { WebhooksController } from './webhooks/webhooks.controller.js';

/** The HTTP door: the list of its parts. */
@Module({})
export class ApiModule {
  static with(parts: ApiParts): DynamicModule {
    return {
      module: ApiModule,
      controllers: [
        WallController,
        CamerasController,
        SightController,
        CoverageController,
        ProbeController,
        ReferenceController,
        HistoryController,
        SummaryController,
        ThumbnailController,
        LinkController,
        FramesController,
        AuthoritiesController,
        AuditController,
        ImportsController,
        KeysController,
        MembersController,
        GrantsController,
        AccessRequestsController,
        SessionController,
        ProblemsController,
        GeometryController,
        BuildingsController,
        TerrainController,
        EventsController,
        WebhooksController,
        DeliveriesController,
        OpsController,
      ],
      providers: [
        { provide: PARTS, useValue: parts },
        {
          provide: SignInAttempts,
          useFactory: () => new SignInAttempts(new TokenBuckets(() => performance.now()), parts.settings.rateLimits),
        },
        { provide: Callers, useFactory: () => new Callers(parts.db, parts.keyring, parts.settings) },
        {
          provide: Sights,
          useFactory: (ground: Ground, buildings: Buildings) => new Sights(ground, buildings),
          inject: [Ground, Buildings],
        },
        { provide: ViewKeeper, useFactory: (ground: Ground) => new ViewKeeper(ground), inject: [Ground] },
        {
          provide: Rebuild,
          useFactory: (keeper: ViewKeeper) => new Rebuild(parts.db, keeper, parts.log),
          inject: [ViewKeeper],
        },
        { provide: Buildings, useFactory: () => new Buildings(parts.db) },
        {
          provide: BuildingsImport,
          useFactory: (buildings: Buildings) => new BuildingsImport(buildings, parts.log),
          inject: [Buildings],
        },
        { provide: Terrain, useFactory: () => new Terrain(parts.db) },
        { provide: Ground, useFactory: () => new Ground(parts.db, parts.store) },
        {
          provide: TerrainImport,
          useFactory: (terrain: Terrain, ground: Ground, rebuild: Rebuild) =>
            new TerrainImport(terrain, new Projections(parts.db), parts.store, parts.log, (bbox) => {
              ground.forget();
              void rebuild.groundChanged(bbox as Bbox);
            }),
          inject: [Terrain, Ground, Rebuild],
        },
        ...eventParts(parts),
        { provide: HourlyNotes, useFactory: () => new HourlyNotes(parts.db) },
        {
          provide: ServedPictures,
          useFactory: (hourly: HourlyNotes) => new ServedPictures(parts, hourly),
          inject: [HourlyNotes],
        },
        { provide: RecentReadings, useFactory: () => new RecentReadings(readerOf(new StoredPictures(parts.db))) },
        { provide: Refusals, useFactory: () => new Refusals(parts) },
        { provide: Sealer, useFactory: () => new Sealer(parts) },
        { provide: Checkpoints, useFactory: () => new Checkpoints(parts) },
        { provide: Readiness, useFactory: () => new Readiness(parts.db) },
        { provide: APP_GUARD, useClass: AccessGuard },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
    };
  }
}
