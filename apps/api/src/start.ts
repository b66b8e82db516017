import type { AddressInfo } from 'node:net';
import type { LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { Logger } from 'pino';
import { ApiModule } from './api.module.js';
import { Checkpoints } from './audit/checkpoints.js';
import { Refusals } from './audit/refusals.js';
import { Sealer } from './audit/sealer.js';
import { DOCS_CSP } from './docs.js';
import { DoorConnections } from './door/door-connections.js';
import { letIn } from './door/let-in.js';
import { openDoor } from './door/open-door.js';
import { SignInAttempts } from './door/sign-in-attempts.js';
import { describeApi } from './openapi.js';
import { Events } from './events/events.js';
import { Rebuild } from './geometry/rebuild.js';
import { Callers } from './keys/callers.js';
import { Readiness } from './ops/readiness.js';
import { startUpkeep } from './ops/upkeep.js';
import { servePageStyle } from './page-style.js';
import type { ApiParts } from './parts.js';
import { RecentReadings } from './pictures/recent-readings.js';
import { BuildingsImport } from './surroundings/buildings-import.js';
import { removeLeftUploads } from './surroundings/receive-upload.js';
import { TerrainImport } from './surroundings/terrain-import.js';
import { uploadsOf } from './surroundings/uploads.js';
import { DeliveryWorker } from './webhooks/delivery-worker.js';
import { OwnGround } from './webhooks/own-ground.js';

export type { ApiParts } from './parts.js';

/** The running door. */
export interface RunningApi {
  /** Where it listens. */
  readonly url: string;
  readonly port: number;
  /** Says no to `/readyz` at once, serves for a while, then finishes what runs (reliability.md REL-9). */
  close(options?: { graceMs?: number }): Promise<void>;
}

/** Opens the HTTP door on `HOST` and `PORT`. */
export async function start(parts: ApiParts): Promise<RunningApi> {
  const upkeep = await startUpkeep(parts);
  const app = await assemble(parts);
  const connections = new DoorConnections(app.getHttpServer());
  const document = describeApi(app, parts.version);
  serveDescription(app, document);
  await removeLeftUploads(uploadsOf(parts.settings));
  app.get(BuildingsImport).start();
  app.get(TerrainImport).start();
  await app.get(Sealer).start();
  app.get(Checkpoints).start();
  app.get(Refusals).start(app.getHttpAdapter().getInstance());
  app.get(RecentReadings).watch(app.getHttpAdapter().getInstance());
  const deliveries = app.get(DeliveryWorker);
  await app.get(Events).start(app.getHttpAdapter().getInstance(), () => deliveries.wake());
  await app.listen(parts.settings.port, parts.settings.host);
  void app
    .get(Rebuild)
    .resume()
    .catch((error: unknown) => parts.log.warn({ err: error }, 'whether views wait could not be told now'));
  const { port } = app.getHttpServer().address() as AddressInfo;
  app.get(OwnGround).opened(port);
  deliveries.start();
  const shown = ['0.0.0.0', '::'].includes(parts.settings.host) ? '127.0.0.1' : parts.settings.host;
  return {
    url: `http://${shown.includes(':') ? `[${shown}]` : shown}:${port}`,
    port,
    close: async ({ graceMs = 0 } = {}) => {
      app.get(Readiness).close();
      if (graceMs > 0) await new Promise((resolve) => setTimeout(resolve, graceMs));
      // Open streams would keep the server from closing.
      await app.get(Events).close();
      await connections.close(() => app.close());
      await deliveries.close();
      await app.get(Rebuild).close();
      await app.get(BuildingsImport).close();
      await app.get(TerrainImport).close();
      await app.get(Refusals).close();
      await app.get(Sealer).close();
      await app.get(Checkpoints).close();
      await upkeep.close();
    },
  };
}

/** The API's description without opening a door: for the committed `openapi.json`. */
export async function describe(parts: ApiParts): Promise<OpenAPIObject> {
  const app = await assemble(parts);
  await app.init();
  const document = describeApi(app, parts.version);
  await app.close();
  return document;
}

async function assemble(parts: ApiParts): Promise<NestFastifyApplication> {
  const server = openDoor(parts);
  const app = await NestFactory.create<NestFastifyApplication>(
    ApiModule.with(parts),
    new FastifyAdapter(server as never),
    { logger: quiet(parts.log), bodyParser: false, abortOnError: false },
  );
  letIn(server, { callers: app.get(Callers), attempts: app.get(SignInAttempts) }, parts);
  servePageStyle(server);
  return app;
}

/** `/openapi.json` and the page at `/docs`. */
function serveDescription(app: NestFastifyApplication, document: OpenAPIObject): void {
  const text = JSON.stringify(document);
  const server = app.getHttpAdapter().getInstance();
  server.get('/openapi.json', async (_request, reply) =>
    reply
      .headers({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'public, max-age=300' })
      .send(text),
  );
  server.addHook('onRequest', async (request, reply) => {
    if (/^\/docs(?:[/?]|$)/.test(request.url)) {
      void reply.headers({ 'content-security-policy': DOCS_CSP, 'cross-origin-opener-policy': 'same-origin' });
    }
  });
  SwaggerModule.setup('docs', app, document, { customSiteTitle: 'Sightline API', swaggerUiEnabled: true, raw: false });
}

/** The framework's own words: warnings and errors, in our log. */
function quiet(log: Logger): LoggerService {
  return {
    log: () => undefined,
    warn: (message: unknown) => log.warn(String(message)),
    error: (message: unknown, ...rest: unknown[]) => log.error({ detail: rest.map(String) }, String(message)),
    fatal: (message: unknown) => log.fatal(String(message)),
  };
}
