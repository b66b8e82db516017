import type { Sightline } from '#testing';
import { type ApiClient, clientOf, dataOf, type Schemas } from './client.js';

export type Registration = Schemas['CameraRegistration'];

/** The least that a camera is registered with; nothing listens at its address. */
export const registration = (over: Partial<Registration> & { localId: string }): Registration => ({
  authority: 'tainan-wrb',
  name: `Camera ${over.localId}`,
  location: { type: 'Point', coordinates: [120.290608, 23.079451] },
  services: [{ kind: 'mjpeg', url: 'http://127.0.0.1:8080/axis-cgi/mjpg/video.cgi' }],
  lifecycle: 'planned',
  ...over,
});

/** Registers an authority whose cameras live on loopback. */
export async function addAuthority(
  admin: ApiClient,
  slug: string,
  over: Partial<Schemas['AuthorityDocument']> = {},
): Promise<Schemas['Authority']> {
  const body = { slug, name: `Authority ${slug}`, network: { cidrs: ['127.0.0.0/8'], ports: [8080] }, ...over };
  return dataOf(await admin.POST('/v1/authorities', { body }));
}

/** Registers a camera. */
export const addCamera = async (client: ApiClient, body: Registration): Promise<Schemas['Camera']> =>
  dataOf(await client.POST('/v1/cameras', { body }));

/** A client with a key of its own. */
export async function clientWith(
  { url, key }: Sightline,
  authorities: 'all' | string[],
  scopes: Schemas['ApiKeyRequest']['scopes'],
): Promise<ApiClient> {
  const admin = clientOf(url, key);
  const minted = dataOf(await admin.POST('/v1/keys', { body: { name: 'for a test', scopes, authorities } }));
  return clientOf(url, minted.key);
}

export const OPERATOR: Schemas['ApiKeyRequest']['scopes'] = [
  'cameras:read',
  'cameras:write',
  'credentials:write',
  'frames:read',
  'probes:run',
  'imports:run',
];
