import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Folder of the built assets; the first time this takes twenty seconds. */
export async function builtAssets(): Promise<string> {
  const script = pathToFileURL(path.join(root, 'scripts', 'embedded-assets.mjs')).href;
  const { embeddedAssets } = (await import(script)) as {
    embeddedAssets(options: { root: string }): Promise<string>;
  };
  return embeddedAssets({ root });
}
