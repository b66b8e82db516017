import type { Settings } from './settings.js';

/** Where the database listens, as far as its URL says so by a number: nobody's URL is to lead there. */
export function databaseEndpoints({
  databaseUrl,
}: Pick<Settings, 'databaseUrl'>): readonly { readonly address: string; readonly port: number }[] {
  if (databaseUrl === undefined || !URL.canParse(databaseUrl)) return [];
  const { hostname: address, port } = new URL(databaseUrl);
  return [{ address: address.replace(/^\[|\]$/g, ''), port: Number(port || 5_432) }];
}
