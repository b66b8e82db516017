import { databaseEndpoints, type Settings } from '#settings';
import type { WebhookGround } from './webhook-target.js';

/** Where no webhook may lead, as far as it is known: our own door, once it is open, and the database. */
export class OwnGround {
  private door: WebhookGround['ownEndpoints'] = [];

  constructor(private readonly settings: Pick<Settings, 'loopbackCameras' | 'databaseUrl'>) {}

  /** @param port on which this process listens, on whatever address */
  opened(port: number): void {
    this.door = [{ address: '0.0.0.0', port }];
  }

  now(): WebhookGround {
    const { settings, door } = this;
    return { loopback: settings.loopbackCameras, ownEndpoints: [...door, ...databaseEndpoints(settings)] };
  }
}
